from decimal import Decimal

import pytest

from spancast.bookkeeping.reconciling.amount import NOTHING, booked, known, together
from tests.bookkeeping.reconciling.rows import amount, row


def test_sums_and_differences_keep_every_digit():
    long = amount("0.0076509169000000005", "1234567890123456789012345678.5")
    assert (long + long - long) == long
    assert together([long, long]).byok == Decimal("2469135780246913578024691357.0")
    assert together([]) == NOTHING


@pytest.mark.parametrize(
    ("one", "is_nothing"),
    [
        (amount("0"), True),
        (amount("0.0000000000004"), True),
        (amount("0.000000000001"), False),
        (amount("-0.000000000001"), False),
        (amount("0", "0.000000000001"), False),
    ],
)
def test_nothing_is_nothing_to_the_twelfth_decimal(one, is_nothing):
    assert one.is_nothing is is_nothing


def test_noise_is_what_adding_doubles_is_off_by():
    total = 0.0
    for _ in range(100_000):
        total += 0.0123
    off = amount(repr(total)) - amount("1230")
    assert not off.is_nothing
    assert off.is_noise(amount("1230"), 100_000)
    assert not off.is_noise(amount("1230"), 10)
    assert not amount("0.000001").is_noise(amount("1230"), 1000)


def test_a_call_costs_the_credits_and_under_byok_the_provider_beside():
    assert booked(row("0.1", upstream_cost=Decimal("0.1"))) == amount("0.1")
    assert booked(row("0.1", upstream_cost=Decimal(2), is_byok=True)) == amount("0.1", "2")


def test_what_is_not_wholly_known_is_not_known():
    half = row("0.1", is_byok=True)
    assert (booked(row(None)), booked(half)) == (None, None)
    assert (known(row(None)), known(half)) == (NOTHING, amount("0.1"))
