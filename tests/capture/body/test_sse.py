"""Server-sent events, cut anywhere."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.body.ends import LENGTH
from spancast.capture.body.sse import MAX_EVENT, Blocks, before_an_object, payloads
from tests.support.exchanges import pieces

LINE_ENDS = ("\n", "\r\n", "\r")
FIELDS = st.sampled_from(
    [
        "data: a",
        "data:b",
        "data:",
        "data",
        "data:  c",
        ": comment",
        "event: x",
        "id: 1",
        "retry: 3",
        "datax: d",
        "",
        "é",
    ]
)


def read(chunks: Iterable[bytes]) -> list[bytes]:
    """Return the data of the events of a stream, looking after every chunk."""
    blocks, found = Blocks(), []
    for chunk in chunks:
        blocks.chunks.append(chunk)
        found += payloads(blocks.pop())
    return found + list(payloads(blocks.pop(last=True)))


@pytest.mark.parametrize("end", LINE_ENDS)
def test_an_event_is_told_by_the_empty_line_behind_it(end: str) -> None:
    assert read([f"data: a{end}{end}data: b{end}{end}".encode()]) == [b"a", b"b"]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_line_ends_may_be_cut_in_the_middle(end: str) -> None:
    stream = f"data: a{end}{end}: comment{end}{end}data: b{end}{end}".encode()
    assert read(stream[at : at + 1] for at in range(len(stream))) == [b"a", b"b"]


def test_an_unfinished_event_waits_for_more() -> None:
    blocks = Blocks()
    blocks.chunks.append(b"data: a\n\ndata: b")
    assert blocks.pop() == b"data: a\n\n"
    assert blocks.pop() == b""
    blocks.chunks.append(b"c\n\n")
    assert blocks.pop() == b"data: bc\n\n"


def test_the_rest_of_a_stream_is_an_event_at_its_end() -> None:
    assert read([b"data: a\n\nda", b"ta: b"]) == [b"a", b"b"]


def test_comments_and_other_fields_have_no_data() -> None:
    assert read([b": OPENROUTER PROCESSING\n\nevent: ping\nid: 7\n\ndata:\n\ndata: \n\ndatax: a\n\n"]) == []


def test_the_data_of_an_event_may_be_several_lines_among_others() -> None:
    assert read([b'event: message_stop\ndata: {"a":\ndata:1}\nid: 3\n\n']) == [b'{"a":\n1}']


def test_a_byte_order_mark_is_no_part_of_the_first_event() -> None:
    assert read([b"\xef", b"\xbb", b"\xbfdata: a\n\n"]) == [b"a"]
    assert read([b"\xef\xbb\xbf"]) == []


@given(st.lists(st.tuples(FIELDS, st.sampled_from(LINE_ENDS))), st.lists(st.integers(0, 10_000)))
def test_any_cutting_gives_the_same_events(lines: list[tuple[str, str]], cuts: list[int]) -> None:
    stream = "".join(field + end for field, end in lines).encode()
    assert read(pieces(stream, cuts)) == read([stream])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_no_bytes_raise_and_any_cutting_gives_the_same(data: bytes, cuts: list[int]) -> None:
    assert read(pieces(data, cuts)) == read([data])


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_an_event_too_long_is_known_by_its_beginning_and_the_next_is_read(end: bytes) -> None:
    blocks, found, held = Blocks(), [], 0
    for chunk in [b"data: {", *[b'"x x": 1, ' * 100_000] * 12, end, b"data: b" + end]:
        blocks.chunks.append(chunk)
        found += payloads(blocks.pop())
        held = max(held, sum(map(len, blocks.chunks)))
    assert [json.loads(found[0]), *found[1:]] == [{"x x": 1}, b"b"]
    assert len(found[0]) <= LENGTH
    assert blocks.skipped
    assert held <= MAX_EVENT


def test_no_event_was_too_long_where_none_was() -> None:
    blocks = Blocks()
    blocks.chunks.append(b"data: a\n\n" * 1000)
    blocks.pop()
    assert not blocks.skipped


@pytest.mark.parametrize("events", [b"", b": comment\n\n", b'data: {"a":1}\n\n', b"data: {\ndata: }\n\n"])
def test_an_object_may_stand_in_the_place_of_an_event(events: bytes) -> None:
    for written in (b'{"error":{}}', b'{\n "error":\n{}\n}'):
        for behind in (b"", b"\n\n", b"\n\ndata: [DONE]\n\n", b'\n\n{"error":{}}\n\n'):
            assert before_an_object(events + written + behind) == (events, written)
    assert before_an_object(events) == (events, b"")
