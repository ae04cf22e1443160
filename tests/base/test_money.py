from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.base import money

prices = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
twelve_decimals = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**6), max_value=10**9)


@given(twelve_decimals)
def test_twelve_decimals_are_exact(cost):
    assert money.dollars(money.pico(cost)) == cost


@given(prices)
def test_more_decimals_are_rounded_half_even(cost):
    assert money.pico(cost) == round(Fraction(cost) * 10**12)


@given(prices)
def test_an_amount_is_rounded_as_sums_take_it(cost):
    rounded, meant = money.rounded(cost), money.dollars(money.pico(cost))
    assert (rounded, money.plain(rounded)) == (meant, money.plain(meant))


@given(prices)
def test_plain_notation_keeps_every_digit(cost):
    text = money.plain(cost)
    assert "E" not in text
    assert Decimal(text) == cost


@pytest.mark.parametrize(
    ("stated", "plain"),
    [("3.6e-6", "0.0000036"), ("0", "0"), ("0.0100", "0.0100"), ("1E-12", "0.000000000001"), ("1E+2", "100")],
)
def test_plain_notation(stated, plain):
    assert money.plain(Decimal(stated)) == plain


@pytest.mark.parametrize("absurd", ["NaN", "sNaN", "Infinity", "1E+1000000", "1E-1000000"])
def test_what_is_no_amount_of_money_is_unknown(absurd):
    assert money.valid(Decimal(absurd)) is None


def test_an_unknown_cost_stays_unknown():
    assert money.valid(None) is None


@pytest.mark.parametrize("cost", ["0", "9223372.036854775808", "1E-50", "1E+99"])
def test_an_amount_of_money_stays_as_stated(cost):
    assert money.valid(Decimal(cost)) == Decimal(cost)
