"""What somebody else's JSON may be taken for."""

import math
from decimal import Decimal, Inexact, Overflow, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture import values
from spancast.capture.values import MAX_ITEMS, MAX_TEXT

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
READERS = (
    values.text,
    values.items,
    values.texts,
    values.count,
    values.integer,
    values.number,
    values.flag,
    values.money,
    lambda value: values.member(value, "key"),
)


@given(ANYTHING)
def test_nothing_is_raised_whatever_the_value(value: Any) -> None:
    for read in READERS:
        read(value)


@pytest.mark.parametrize("value", ["", None, 0, 1, True, b"text", ["text"], {"text": "text"}])
def test_what_is_no_string_or_an_empty_one_is_no_text(value: Any) -> None:
    assert values.text(value) is None


def test_a_text_is_cut_to_its_longest() -> None:
    assert values.text("é" * 600) == "é" * MAX_TEXT
    assert values.text("abcdef", 3) == "abc"
    assert values.text("a" * 6000, None) == "a" * 6000


def test_a_lone_surrogate_becomes_what_utf8_can_hold() -> None:
    assert values.text("gen-\ud800-1") == "gen-?-1"
    assert values.text("gen-\U0001f600-1") == "gen-\U0001f600-1"


def test_items_are_the_first_members_of_a_list() -> None:
    assert values.items(list(range(100))) == list(range(MAX_ITEMS))
    assert values.items((1, 2)) == []
    assert values.items("ab") == []


def test_texts_leave_out_what_is_no_string() -> None:
    assert values.texts(["a", 1, None, "", "b", ["c"]]) == ("a", "b")
    assert values.texts("ab") == ()


def test_labels_are_the_pairs_of_two_strings() -> None:
    assert values.labels([("a", "1"), (None, "2"), ("b", 3), ("", "4"), ("c", "5")]) == {"a": "1", "c": "5"}


def test_no_more_labels_are_kept_than_items() -> None:
    kept = values.labels((str(number), "x") for number in range(100))
    assert list(kept) == [str(number) for number in range(MAX_ITEMS)]


@pytest.mark.parametrize("value", [0, 1, 2**63 - 1])
def test_a_count_is_a_whole_number_that_a_column_holds(value: int) -> None:
    assert values.count(value) == value


@pytest.mark.parametrize(
    "value",
    [-1, 2**63, 10**40, True, False, 1.0, Decimal("1.5"), Decimal("1E+99"), Decimal("-Infinity"), "1", None, math.nan],
)
def test_what_is_negative_or_huge_or_no_whole_number_is_no_count(value: Any) -> None:
    assert values.count(value) is None


@pytest.mark.parametrize("written", ["3.0", "3e0", "0.3e1", "3.000000000000000000000000"])
def test_a_whole_number_may_be_written_as_a_fraction(written: str) -> None:
    found = values.count(Decimal(written))
    assert (found, type(found)) == (3, int)


def test_a_count_is_read_whatever_the_application_has_set_for_its_own_decimals() -> None:
    with localcontext(prec=2, traps=[Inexact, Overflow]):
        assert [values.count(Decimal(written)) for written in ("12345.0", "1E+1000000", "1.23456")] == [
            12345,
            None,
            None,
        ]


def test_an_integer_may_be_negative() -> None:
    assert values.integer(-7) == -7
    assert values.integer(2**63) is None
    assert values.integer(True) is None


@pytest.mark.parametrize("value", [2, Decimal("0.2"), 0.2, -1, Decimal("1E-999999999999")])
def test_a_number_is_a_float(value: Any) -> None:
    assert values.number(value) == pytest.approx(float(value))


@pytest.mark.parametrize(
    "value",
    [10**12, -(10**12), 10**400, Decimal("1E+999999999999"), Decimal("NaN"), Decimal("sNaN"), math.nan, math.inf, True],
)
def test_a_number_beyond_all_measure_is_unknown(value: Any) -> None:
    assert values.number(value) is None


def test_a_flag_is_a_boolean_and_nothing_like_one() -> None:
    assert values.flag(True) is True
    assert values.flag(False) is False
    assert values.flag(1) is None
    assert values.flag("true") is None


@pytest.mark.parametrize(
    "written", ["0", "0.0", "0.10", "3.4e-7", "0.000106000000000000000000000000000001", "999999999999.99", "1E-48"]
)
def test_money_keeps_every_digit_as_written(written: str) -> None:
    assert str(values.money(Decimal(written))) == str(Decimal(written))


def test_whole_dollars_are_money() -> None:
    assert values.money(3) == Decimal(3)


def test_zero_dollars_are_known_and_have_no_sign() -> None:
    assert str(values.money(Decimal("-0.00"))) == "0.00"
    assert values.money(0) == 0


@pytest.mark.parametrize(
    "value",
    [
        Decimal("-0.01"),
        -1,
        Decimal("1E+12"),
        10**12,
        Decimal("1E+999999999999"),
        Decimal("1E-49"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        0.1,
        True,
        "0.1",
        None,
    ],
)
def test_what_is_no_plausible_amount_is_unknown(value: Any) -> None:
    assert values.money(value) is None


def test_a_member_is_asked_of_objects_only() -> None:
    assert values.member({"key": 1}, "key") == 1
    assert values.member({}, "key") is None
    assert values.member([("key", 1)], "key") is None
    assert values.member(None, "key") is None
