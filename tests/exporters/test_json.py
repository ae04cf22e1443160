"""What an application puts on a span, as JSON that every parser reads."""

import json
from decimal import Decimal

import pytest

from spancast_exporters import _json


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (2**63, '"9223372036854775808"'),
        (1e-7, "1e-7"),
        (float("nan"), '"nan"'),
        (float("-inf"), '"-inf"'),
        ("é", '"é"'),
        ("a\ud800b", '"a?b"'),
        ({"\ud800": 1, 2: (3,)}, '{"?":1,"2":[3]}'),
        (Decimal("3.6e-12"), "0.0000000000036"),
        (Decimal("NaN"), '"NaN"'),
        (b"ab", "[97,98]"),
        (object, "\"<class 'object'>\""),
    ],
)
def test_what_is_no_json_becomes_the_nearest_thing_that_is(value, written):
    assert _json.encoded(value).decode() == written


def test_an_integer_that_python_itself_does_not_write_is_described():
    assert _json.encoded(2**100_000) == b'"[an integer of 100001 bits]"'


def test_what_is_too_deep_ends_where_parsers_still_follow():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(_json.encoded(deep))
    assert b"[too deep]" in _json.encoded(deep)


def test_an_amount_is_written_in_plain_digits():
    assert bytes(_json.exact(Decimal("1E+3"))) == b"1000"
    assert bytes(_json.exact(Decimal("0.00010"))) == b"0.00010"


@pytest.mark.parametrize("written", ["{", "[" * 100_000, "9" * 5000, 7, None])
def test_what_is_no_json_means_nothing(written):
    assert _json.read(written) is None


def test_so_much_is_attached_as_no_platform_refuses():
    kept = _json.bounded({"first": 1, "long": "x" * 10**6, "huge": ["y" * 10**6], "last": 2})
    assert list(kept) == ["first", "long", "last"]
    assert len(str(kept["long"])) == 64_000
