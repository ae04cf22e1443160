import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.testing.simulator import money

AMOUNTS = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**12), st.integers(0, 16))


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        ("0", "0"),
        ("0.000", "0"),
        ("100", "100"),
        ("0.00000537", "0.00000537"),
        ("0.0000010", "0.000001"),
        ("0.00000034", "3.4e-7"),
        ("1E-7", "1e-7"),
        ("0.000000000012", "1.2e-11"),
    ],
)
def test_dollars_are_spelled_as_javascript_does(dollars: str, text: str):
    assert money.spelled(Decimal(dollars)) == text


@given(AMOUNTS)
def test_no_digit_is_lost_or_added(dollars: Decimal):
    assert json.loads(money.spelled(dollars), parse_float=Decimal) == dollars


@given(AMOUNTS)
def test_a_float_parser_reads_the_nearest_float(dollars: Decimal):
    assert json.loads(money.spelled(dollars)) == float(dollars)
