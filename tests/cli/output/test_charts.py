from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.cli.output.charts import BAR, bar, sparkline

amounts = st.decimals(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (None, "        "),
        ("0", "        "),
        ("-1", "        "),
        ("1E-9", "▏       "),
        ("0.25", "██      "),
        ("0.3", "██▍     "),
        ("0.999", "████████"),
        ("1", "████████"),
        ("7", "████████"),
    ],
)
def test_a_bar(share, drawn):
    assert bar(None if share is None else Decimal(share)) == drawn


@given(st.none() | amounts)
def test_a_bar_is_as_wide_whatever_the_share(share):
    assert len(bar(share)) == BAR


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([None], "·"),
        ([0, 1, 2, 3, 4], "▁▃▅▇█"),
        ([None, -1, "0.000001", 100], "·▁▂█"),
    ],
)
def test_a_sparkline(values, drawn):
    assert sparkline([None if value is None else Decimal(value) for value in values]) == drawn


@given(st.lists(st.none() | amounts))
def test_a_sparkline_has_a_column_a_value_and_only_nothing_looks_like_nothing(values):
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    assert [each == "▁" for each in drawn] == [value is not None and value <= 0 for value in values]
