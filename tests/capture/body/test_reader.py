"""Bodies as they pass: what is held of them is bounded, and what they state is found."""

import gzip
import time
import tracemalloc
from collections.abc import Iterable
from decimal import Decimal

import brotli
import pytest
import zstandard

from spancast.capture.body.reader import PlainReader
from spancast.capture.body.sse import MAX_EVENT
from spancast.records.call import Call
from tests.support.answers import COMMENT, DONE, JSON, SSE, STREAM, chunk, event, plain
from tests.support.exchanges import answered, opened, streamed

PATH = "/chat/completions"
COST = Decimal("0.000106000000000001")
MEGABYTE = 1024 * 1024


def measured(chunks: Iterable[bytes], headers: dict[str, str]) -> tuple[int, Call]:
    """Return the most memory, in bytes, that was taken while the chunks passed, and the call that came of them."""
    heard = opened(PATH)
    heard.exchange.headers(200, headers)
    tracemalloc.start()
    try:
        heard.feed(chunks)
        heard.exchange.finish("completed")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak, heard.call


def test_a_hundred_thousand_pieces_of_text_are_read_in_bounded_memory() -> None:
    word = chunk("word ")
    peak, call = measured([*[word] * 100_000, *STREAM[-3:]], SSE)
    assert peak < MEGABYTE
    assert (call.cost, call.finish_reasons, call.output_chunks) == (COST, ("stop",), 100_002)


PADDING = "two words " * 100


@pytest.mark.parametrize(
    ("piece", "megabytes", "held"),
    [
        pytest.param(COMMENT * 200, 8, 1, id="comments"),
        pytest.param(b"\n" * 5000, 8, 1, id="empty lines"),
        pytest.param(b"two words " * 500, 40, 32, id="a line without an end"),
        pytest.param(b"data: x\n" * 600, 40, 32, id="an event without an end"),
        pytest.param(b"data:" + b" " * 500 + b"\n\n", 5, 1, id="empty events"),
        pytest.param(event(f'{{"odd":"{PADDING}"}}'), 5, 1, id="objects that say nothing"),
        pytest.param(event("{" + PADDING), 3, 1, id="what is no object"),
        pytest.param(chunk(PADDING, tool_calls=[{"id": "c"}]), 5, 1, id="text beside something else"),
    ],
)
def test_a_stream_that_never_ends_is_read_in_bounded_memory(piece: bytes, megabytes: int, held: int) -> None:
    peak, _ = measured([piece] * (megabytes * MEGABYTE // len(piece)), SSE)
    assert peak < held * MEGABYTE


@pytest.mark.parametrize("line", [b"data: " + b"x " * 50 + b"\n", b"data: " + b"x" * 100 + b"\r", b": comment\n"])
def test_an_event_of_very_many_lines_costs_no_time_to_speak_of(line: bytes) -> None:
    started = time.process_time()
    streamed(PATH, [line] * 20_000)
    assert time.process_time() - started < 5


def test_tiny_chunks_cost_no_time_to_speak_of() -> None:
    body = b"".join([*[chunk("word ")] * 500, *STREAM[-3:]])
    started = time.process_time()
    call = streamed(PATH, (body[at : at + 1] for at in range(len(body))))
    assert time.process_time() - started < 5
    assert call.cost == COST


def test_an_event_too_long_to_be_held_hides_neither_its_end_nor_the_others() -> None:
    long = event('{"choices":[{"delta":{"content":"' + "two words " * 600_000 + '"}}]}')
    assert len(long) > MAX_EVENT
    parts = [long[at : at + 65_536] for at in range(0, len(long), 65_536)]
    peak, call = measured([*STREAM[:3], *parts, *STREAM[3:]], SSE)
    assert peak < 8 * MAX_EVENT
    assert (call.cost, call.outcome, call.finish_reasons) == (COST, "completed", ("stop",))


def test_a_stream_whose_last_event_was_too_long_is_not_said_to_have_failed() -> None:
    long = event('{"choices":[],"padding":"' + "two words " * 1_200_000 + '"}')
    assert len(long) > 2 * MAX_EVENT
    call = streamed(PATH, [*STREAM[:4], *[long[at : at + 65_536] for at in range(0, len(long), 65_536)]])
    assert (call.outcome, call.error_type, call.cost) == ("completed", None, None)


def long_body(megabytes: int, filling: bytes) -> Iterable[bytes]:
    body = plain()
    start = body.index(b"Hello there")
    yield body[:start]
    for _ in range(megabytes):
        yield filling * (MEGABYTE // len(filling))
    yield body[start:]


@pytest.mark.parametrize("filling", [b"two words ", b"\\u00e9\\u00e8", b'", "a": "'])
def test_a_hundred_megabytes_of_text_are_let_go_and_the_two_ends_stay(filling: bytes) -> None:
    headers = {**JSON, "x-generation-id": "gen-1"}
    peak, call = measured(long_body(100, filling), headers)
    assert peak < 8 * PlainReader.MAX
    assert (call.outcome, call.error_type, call.generation_id, call.cost) == ("completed", None, "gen-1", COST)


def test_a_hundred_megabytes_of_an_image_are_let_go_and_the_rest_is_read() -> None:
    peak, call = measured(long_body(100, b"iVBORw0K"), JSON)
    assert peak < 8 * PlainReader.MAX
    assert (call.outcome, call.cost, call.finish_reasons) == ("completed", COST, ("stop",))


def test_a_long_body_that_its_caller_holds_is_read_whole() -> None:
    body = b"".join(long_body(10, b"two words "))
    assert answered(PATH, body).cost == COST


BOMBS = {
    "gzip": gzip.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize(
    ("encoding", "filling", "headers"),
    [
        *[(encoding, b"\x00", JSON) for encoding in BOMBS],
        *[(encoding, b"A", SSE) for encoding in BOMBS],
        *[("gzip", filling, SSE) for filling in (b"\x00", b"\n", b'{"a":')],
    ],
)
def test_a_body_that_inflates_beyond_all_measure_is_read_in_bounded_memory(
    encoding: str, filling: bytes, headers: dict[str, str]
) -> None:
    bomb = BOMBS[encoding](filling * (32 * MEGABYTE // len(filling)))
    assert len(bomb) < MEGABYTE
    peak, _ = measured([bomb], {**headers, "content-encoding": encoding})
    assert peak < 6 * MAX_EVENT


ENCODED = [
    ("gzip", gzip.compress(plain())),
    ("gzip", gzip.compress(plain()[:100]) + gzip.compress(plain()[100:])),
    ("x-gzip", gzip.compress(plain()) + b"\0\0"),
    ("zstd", zstandard.ZstdCompressor().compress(plain()[:100]) + zstandard.ZstdCompressor().compress(plain()[100:])),
    ("br", brotli.compress(plain())),
    ("br, GZIP", gzip.compress(brotli.compress(plain()))),
    ("identity", plain()),
    ("compress", plain()),
]


@pytest.mark.parametrize(("encoding", "body"), ENCODED)
def test_an_encoded_body_is_read_as_it_passes(encoding: str, body: bytes) -> None:
    call = streamed(
        PATH, [body[at : at + 7] for at in range(0, len(body), 7)], headers={**JSON, "content-encoding": encoding}
    )
    assert (call.outcome, call.cost) == ("completed", COST)


@pytest.mark.parametrize(("encoding", "body"), ENCODED)
def test_a_body_that_its_client_has_decoded_is_read_as_it_is(encoding: str, body: bytes) -> None:
    assert answered(PATH, plain(), headers={**JSON, "content-encoding": encoding}).cost == COST


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "lzma", "gzip, gzip, gzip, gzip, gzip, gzip"])
@pytest.mark.parametrize("body", [b"\xff\xfe\xfd\xfc", b"\x1f\x8b\x08\x00" + bytes(20), gzip.compress(plain())[:-40]])
def test_a_damaged_body_is_no_answer(encoding: str, body: bytes) -> None:
    headers = {**JSON, "content-encoding": encoding, "x-generation-id": "gen-1"}
    call = streamed(PATH, [body, b"more", b"and more"], headers=headers)
    assert (call.outcome, call.error_type, call.http_status) == ("error", "invalid_response", 200)
    assert (call.generation_id, call.cost) == ("gen-1", None)


def test_a_stream_that_is_damaged_on_its_way_keeps_what_it_stated_before() -> None:
    whole = gzip.compress(b"".join(STREAM))
    call = streamed(PATH, [whole[: len(whole) // 2], b"\xff" * 99], headers={**SSE, "content-encoding": "gzip"})
    assert (call.outcome, call.error_type, call.cost) == ("error", "invalid_response", None)


def test_an_error_is_its_status_even_where_its_body_is_damaged() -> None:
    call = streamed(PATH, [b"\xff\xff"], status=503, headers={**JSON, "content-encoding": "gzip"})
    assert (call.outcome, call.error_type) == ("error", "503")


def test_a_stream_without_an_object_is_no_answer() -> None:
    for chunks in ([], [COMMENT], [b"<html>"], [event("{")], [DONE], [event("[1]"), DONE]):
        call = streamed(PATH, chunks)
        assert (call.outcome, call.error_type) == ("error", "invalid_response"), chunks


def test_a_stream_that_the_server_ends_in_the_middle_is_incomplete() -> None:
    call = streamed(PATH, STREAM[:4])
    assert (call.outcome, call.error_type, call.cost, call.cost_source) == ("error", "incomplete_response", None, None)


@pytest.mark.parametrize("until", [8, 9, 10])
def test_a_stream_that_has_said_why_it_ends_is_whole_without_its_end_mark(until: int) -> None:
    call = streamed(PATH, STREAM[:until])
    assert (call.outcome, call.error_type) == ("completed", None)


FAILED = b'{"error":{"code":502,"message":"Bad gateway"}}\n\n'


@pytest.mark.parametrize("path", [PATH, "/responses", "/messages"])
@pytest.mark.parametrize(
    "chunks",
    [
        [COMMENT, FAILED],
        [COMMENT, COMMENT, b"\n   \n\n" + FAILED],
        [COMMENT, FAILED, DONE],
        [COMMENT, FAILED, COMMENT, event('{"error":{"code":500,"message":"late"}}')],
        [*STREAM[:5], FAILED],
        [*[chunk("word ")] * 300, FAILED, *[chunk("word ")] * 300],
        [b'{\n "error": {\n  "code": 502,\n  "message": "Bad gateway"\n }\n}\n\n', COMMENT],
    ],
)
def test_an_error_in_place_of_an_event_is_read_however_it_is_cut(chunks: list[bytes], path: str) -> None:
    body = b"".join(chunks)
    for cut in (chunks, [body], [body[at : at + 7] for at in range(0, len(body), 7)]):
        call = streamed(path, cut)
        assert (call.outcome, call.error_type, call.error_message) == ("error", "502", "Bad gateway")
