from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.cli.output import human


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "-"),
        ("0", "$0.0000"),
        ("0.00042", "$0.00042"),
        ("1E-12", "$0.000000000001"),
        ("0.0000000800", "$0.00000008"),
        ("0.01", "$0.0100"),
        ("0.1182798", "$0.1183"),
        ("0.1", "$0.1000"),
        ("100", "$100.00"),
        ("88.12044", "$88.1204"),
        ("1234567.89", "$1,234,567.89"),
    ],
)
def test_dollars(amount, shown):
    assert human.dollars(None if amount is None else Decimal(amount)) == shown


@given(st.decimals(min_value=Decimal("1E-30"), max_value=10**9, allow_nan=False))
def test_an_amount_that_is_not_zero_never_looks_like_zero(amount):
    assert any(digit in "123456789" for digit in human.dollars(amount))


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (None, "-"),
        ("0", "0.0%"),
        ("1E-9", "<0.1%"),
        ("0.0005", "<0.1%"),
        ("0.0006", "0.1%"),
        ("0.2824", "28.2%"),
        ("0.9995", ">99.9%"),
        ("1", "100.0%"),
        ("-0.5", "-50.0%"),
        ("12.5", "1,250.0%"),
    ],
)
def test_parts_in_percent(part, shown):
    assert human.percent(None if part is None else Decimal(part)) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [(None, "-"), (312_400_000, "312 ms"), (4_120_000_000, "4.1 s"), (125_000_000_000, "2m 05s")],
)
def test_lengths_of_time(nanoseconds, shown):
    assert human.span(nanoseconds) == shown
