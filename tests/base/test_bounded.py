"""Whatever the value is, what comes out is JSON, and ends."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.base.bounded import TRUNCATED, encodable, json_text, real, whole
from tests.support.features import Feature

DEEP = 100_000


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


CYCLE: list[Any] = [1]
CYCLE.append(CYCLE)


class Silent:
    """Tells nobody what it is."""

    def __str__(self) -> str:
        raise AssertionError("asked")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (2**63, '"9223372036854775808"'),
        (10**5000, f'"{TRUNCATED}"'),
        (0.5, "0.5"),
        (float("nan"), '"NaN"'),
        (float("inf"), '"Infinity"'),
        (float("-inf"), '"-Infinity"'),
        (Decimal("0.10"), "0.10"),
        (Decimal("NaN"), '"NaN"'),
        (Decimal("sNaN"), '"NaN"'),
        (Decimal("-Infinity"), '"-Infinity"'),
        (Decimal("1E+999999"), f'"{TRUNCATED}"'),
        (b"\xff", '"\ufffd"'),
        ("\ud800", '"?"'),
        ([1, ("a", None)], '[1,["a",null]]'),
        ({"a": {}, "b": []}, '{"a":{},"b":[]}'),
        ({1: 2, None: 3}, '{"1":2,"null":3}'),
        (Silent(), f'"{TRUNCATED}"'),
        ({"a": Silent()}, f'{{"a":"{TRUNCATED}"}}'),
        (nested(3), '{"a":{"a":{"a":1}}}'),
        (nested(4), f'{{"a":{{"a":{{"a":"{TRUNCATED}"}}}}}}'),
        (nested(DEEP), f'{{"a":{{"a":{{"a":"{TRUNCATED}"}}}}}}'),
        (CYCLE, f'[1,[1,[1,"{TRUNCATED}"]]]'),
    ],
    ids=range(28),
)
def test_a_value_is_written_as_far_as_it_can_be(value: Any, text: str) -> None:
    assert json_text(value, 100, 3) == text


def test_what_is_long_is_cut_where_the_room_ends() -> None:
    assert json_text("a" * 10**8, 10, 1) == f'"aaaaaaaaa{TRUNCATED}"'
    assert json_text(["aaaa", "bbbb", "cccc"], 10, 1) == f'["aaaa","bbb{TRUNCATED}","{TRUNCATED}"]'
    assert json_text({"aaaa": 1, "bbbb": 2, "cccc": 3}, 11, 1) == f'{{"aaaa":1,"bbbb":2,"{TRUNCATED}":null}}'
    assert len(json_text(range(10**9), 100, 3)) < 200
    assert len(json_text([*range(10**6)], 100, 3)) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.integers(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON, st.integers(1, 200), st.integers(0, 4))
def test_what_comes_out_is_json_that_utf_8_can_hold_and_not_much_longer_than_allowed(
    value: Any, longest: int, levels: int
) -> None:
    text = json_text(value, longest, levels)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    text.encode()
    assert len(text) <= (longest + 2) * 100


@given(st.text())
def test_a_text_that_can_be_encoded_stays_the_same(text: str) -> None:
    assert encodable(text) == text


def test_a_text_of_another_class_is_that_text_and_no_more() -> None:
    assert str(encodable(Feature.SEARCH)) == "search"


def test_numbers_that_fit_stay_numbers() -> None:
    assert (whole(7), real(0.5)) == (7, 0.5)
    assert whole(-(2**63) - 1) == "-9223372036854775809"
