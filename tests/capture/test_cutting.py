"""However the network cuts a body, the call is the same."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.answers import COMMENT, DONE, JSON, SSE, STREAM, USAGE, chunk, event, plain
from tests.support.exchanges import pieces, same, streamed
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.unrecorded import FOLDER, events

PATHS = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "messages": "/messages",
    "images": "/images",
}
NAMES = sorted(path.stem for path in FOLDER.glob("*.sse"))
LINE_ENDS = (b"\n", b"\r\n", b"\r")
CUTS = st.lists(st.integers(0, 1_000_000), max_size=40)
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
PIECES = st.sampled_from(
    [
        *STREAM[:3],
        COMMENT,
        chunk("x" * 400),
        chunk('"usage":{"error":{ \\u2028 \U0001f600 data: [DONE]'),
        chunk(finish="stop"),
        chunk(finish="length", native_finish_reason="max_tokens"),
        chunk("a", usage="null"),
        chunk(finish="stop", usage=USAGE),
        chunk("a", choices=[{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]),
        chunk(choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_1"}]}, "finish_reason": None}]),
        chunk(
            choices=[{"index": 0, "delta": {"annotations": [{"url_citation": {"url": "u"}}]}, "finish_reason": None}]
        ),
        chunk(error={"code": 502, "message": "Bad gateway"}),
        chunk("a", service_tier="flex"),
        chunk("a", service_tier=None),
        b'{"error":{"code":502,"message":"Bad gateway"}}\n\n',
        b"event: odd\nid: 7\n\n",
        b"data: {\n\n",
        b'data: {"id":\ndata: "gen-9"}\n\n',
    ]
)


def check(path: str, body: bytes, cuts: list[int], headers: dict[str, str] | None = None) -> None:
    whole, cut = (same(streamed(path, chunks, headers=headers)) for chunks in ([body], pieces(body, cuts)))
    assert cut == whole


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_byte_of_its_own_is_like_the_whole(name: str, end: bytes) -> None:
    body = b"".join(events(name)).replace(b"\n", end)
    check(PATHS[name.partition("_")[0]], body, list(range(len(body))))


@given(st.sampled_from(NAMES), st.sampled_from(LINE_ENDS), CUTS)
def test_any_cutting_of_a_stream_is_like_the_whole(name: str, end: bytes, cuts: list[int]) -> None:
    check(PATHS[name.partition("_")[0]], b"".join(events(name)).replace(b"\n", end), cuts)


@given(st.lists(PIECES, max_size=60), st.sampled_from([b"", DONE]), CUTS)
def test_any_cutting_of_any_chat_is_like_the_whole(chunks: list[bytes], end: bytes, cuts: list[int]) -> None:
    check("/chat/completions", b"".join([*chunks, end]), cuts)


@settings(max_examples=15)
@given(st.lists(PIECES, min_size=1, max_size=9), st.integers(100, 400), CUTS)
def test_any_cutting_of_a_long_chat_is_like_the_whole(chunks: list[bytes], times: int, cuts: list[int]) -> None:
    text = b"".join(STREAM[1:5]) * times
    check("/chat/completions", text + text.join(chunks) + b"".join(STREAM[-3:]), cuts)


@given(st.sampled_from(sorted(ENCODERS)), CUTS)
def test_any_cutting_of_an_encoded_stream_is_like_the_whole(name: str, cuts: list[int]) -> None:
    body = ENCODERS[name](b"".join(STREAM))
    headers = {**SSE, "content-encoding": name}
    check("/chat/completions", body, cuts, headers)
    assert streamed("/chat/completions", [body], headers=headers).output_chunks == 8


@given(st.sampled_from(["", *sorted(ENCODERS)]), CUTS)
def test_any_cutting_of_a_plain_answer_is_like_the_whole(name: str, cuts: list[int]) -> None:
    body = b"\n         \n\n         \n" + plain()
    check("/chat/completions", ENCODERS[name](body) if name else body, cuts, {**JSON, "content-encoding": name})


@given(st.data())
@needs_shared
def test_any_cutting_of_a_recording_is_like_the_whole(data: Any) -> None:
    recorded = [each for operation in ("chat", "responses") for each in recordings(operation) if each.stream]
    recording = data.draw(st.sampled_from(recorded))
    path = recording.request["path"].removeprefix("/api/v1")
    check(path, b"".join(recording.chunks), data.draw(CUTS))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 997])
def test_what_comes_behind_the_end_mark_is_like_the_whole_however_it_is_cut(size: int) -> None:
    body = b"".join([*STREAM, event('{"error":{"code":500,"message":"late"}}'), chunk(finish="length")])
    assert same(streamed("/chat/completions", [body])) == same(
        streamed("/chat/completions", [body[at : at + size] for at in range(0, len(body), size)])
    )
