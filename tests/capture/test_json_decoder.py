"""JSON from outside, read once."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.json_decoder import Decoder
from spancast.capture.values import MAX_TEXT, Count, Text

DEEP = 100_000


class _Shape(msgspec.Struct):
    a: Any = None
    raw: msgspec.Raw = msgspec.Raw()


class _Inner(msgspec.Struct):
    count: Count | None = None


class _Typed(msgspec.Struct):
    name: Text | None = None
    count: Count | None = None
    flag: bool | None = None
    inner: _Inner | None = None
    inners: list[_Inner] | None = None


read = Decoder(_Shape)
read_typed = Decoder(_Typed)


def a_of(data: bytes) -> Any:
    shape = read(data)
    assert shape is not None
    return shape.a


@pytest.mark.parametrize(
    "written", ["0.1", "1.10", "3.4e-7", "0.000000000000000000000000000000000001", "-0.0", "1E400"]
)
def test_a_number_with_a_point_keeps_every_digit(written: str) -> None:
    assert str(a_of(b'{"a":%s}' % written.encode())) == str(Decimal(written))


@pytest.mark.parametrize("rest", [b"", b',"b":"\\ud800"', b',"b":NaN'])
def test_both_readers_keep_every_digit(rest: bytes) -> None:
    assert str(a_of(b'{"a":0.100000000000000000001%s}' % rest)) == "0.100000000000000000001"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a":1,"b":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"a":1,"b":NaN,"c":-Infinity}', id="no number"),
        pytest.param(b'{"a":1,"b":"\xff\xfe"}', id="no UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param('{"a":1,"b":"é"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":1,"b":%s}' % (b"9" * 5000), id="an integer of 5000 digits"),
        pytest.param(b'{"a":1,"b":1E99999999999999999999}', id="an exponent beyond all measure"),
        pytest.param(b'\n         \n\n         \n{"a":1}\n', id="keep-alive padding"),
        pytest.param(b'{"a":2,"a":1}', id="a member twice"),
    ],
)
def test_what_stands_beside_spoils_nothing(data: bytes) -> None:
    assert a_of(data) == 1


def test_bytes_that_are_no_utf8_are_read_as_the_client_libraries_read_them() -> None:
    assert a_of(b'{"a":"gen-\xff1","b":NaN}') == "gen-\ufffd1"
    assert a_of(b'{"a":"\xe9\x28"}') == "\ufffd("


@pytest.mark.parametrize("written", [b"1E99999999999999999999", b"9" * 5000])
def test_a_number_beyond_all_measure_is_unknown(written: bytes) -> None:
    assert a_of(b'{"a":%s,"b":"\\ud800"}' % written) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"[1]",
        b'"a"',
        b"<html>",
        b"{",
        b'{"a":1',
        b'{"a":1}{"a":2}',
        b"\xff\xfe",
        b"\x00" * 9,
        b"\x1f\x8b\x08",
        b'{"a":' * DEEP,
        b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"b":' + b'{"c":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b'{"raw":' + b"[" * DEEP + b"]" * DEEP + b"}",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_object_is_none(data: bytes) -> None:
    assert read(data) is None


@given(st.binary(max_size=64))
def test_no_bytes_raise(data: bytes) -> None:
    read(data)


@given(st.binary(max_size=24))
def test_no_bytes_behind_a_brace_raise(data: bytes) -> None:
    read(b'{"a":' + data)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())))
def test_every_object_is_one(value: dict[str, Any]) -> None:
    shape = read(json.dumps(value).encode())
    assert shape is not None
    assert shape.a == value.get("a")


def test_what_is_read_already_is_taken_as_it_is() -> None:
    shape = read.of({"a": [1], "b": 2})
    assert shape is not None
    assert shape.a == [1]
    assert read.of([("a", 1)]) is None
    assert read.of(None) is None


ODD = [
    ("name", ""),
    ("name", 7),
    ("name", ["a"]),
    ("count", -1),
    ("count", 1.5),
    ("count", True),
    ("count", "3"),
    ("count", 2**63),
    ("flag", 1),
    ("flag", "true"),
    ("inner", "text"),
    ("inner", [1]),
    ("inner", {"count": -1}),
    ("inners", {"count": 1}),
    ("inners", [7, "text"]),
]


@pytest.mark.parametrize(("member", "odd"), ODD)
@pytest.mark.parametrize("beside", ["", ',"b":"\\ud800"'])
def test_an_odd_member_is_unknown_and_spoils_nothing_beside_it(member: str, odd: Any, beside: str) -> None:
    whole = {"name": "a", "count": 3, "flag": False, "inner": {"count": 1}, "inners": [{"count": 1}, {"count": 2}]}
    expected = _Typed("a", 3, flag=False, inner=_Inner(1), inners=[_Inner(1), _Inner(2)])
    unknown = {"inner": _Inner() if isinstance(odd, dict) else None, "inners": []}.get(member)
    assert read_typed(f"{json.dumps(whole)[:-1]}{beside}}}".encode()) == expected
    seen = read_typed(f"{json.dumps({**whole, member: odd})[:-1]}{beside}}}".encode())
    assert seen == msgspec.structs.replace(expected, **{member: unknown})


def test_a_long_text_is_cut() -> None:
    seen = read_typed(json.dumps({"name": "n" * (MAX_TEXT + 1), "count": 3}).encode())
    assert seen == _Typed("n" * MAX_TEXT, 3)
