"""Whatever a server, or an application, writes: nothing is raised, and what cannot be is unknown."""

import gzip
import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.capture.dialects import chat, images, jobs, messages, responses
from spancast.records.call import Call
from spancast.records.late import bill_of
from tests.support.answers import JSON, SSE
from tests.support.exchanges import answered, streamed
from tests.support.unrecorded import FOLDER, events, plain_body

CALLS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/rerank",
    "/images",
    "/audio/speech",
    "/audio/transcriptions",
    "/videos",
    "/batches",
    "/systemone",
    "/a-route-of-tomorrow",
)
POLLS = ("/videos/job-1", "/batches/batch-1")
PATHS = st.sampled_from([*CALLS, *POLLS])
DEEP = 100_000

ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308, math.nan, math.inf),
    *("", "x", "\ud800", "\x00", "gen-\udfff", "é" * 600, "error", "completed", "failed"),
    *([], {}, [[]], [{}], [None], {"a": {}}),
)
BODIES = sorted(path.stem for path in FOLDER.glob("*.json"))
STREAMS = sorted(path.stem for path in FOLDER.glob("*.sse"))
PATH_OF = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "messages": "/messages",
    "embeddings": "/embeddings",
    "rerank": "/rerank",
    "images": "/images",
    "transcription": "/audio/transcriptions",
    "video": "/videos/job-1",
    "batch": "/batches/batch-1",
    "decisions": "/systemone",
    "error": "/chat/completions",
}


def method_of(path: str) -> str:
    return "GET" if path in POLLS else "POST"


def spoiled(data: Any, value: Any) -> Any:
    """Return JSON in which members, drawn one by one, are something else."""
    if data.draw(st.integers(0, 7)) == 0:
        return data.draw(st.sampled_from(ODD))
    if isinstance(value, dict):
        return {name: spoiled(data, each) for name, each in value.items()}
    if isinstance(value, list):
        return [spoiled(data, each) for each in value]
    return value


def check(call: Call) -> None:
    """Fail unless a call can be kept, and holds nothing that cannot be."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call) == call
    for name in ("cost", "upstream_cost", "upstream_input_cost", "upstream_output_cost", "server_tool_cost"):
        amount = getattr(call, name)
        assert amount is None or (isinstance(amount, Decimal) and 0 <= amount < 10**12)
    for name in call.__struct_fields__:
        if name.endswith("_tokens"):
            assert 0 <= (getattr(call, name) or 0) < 2**64
    assert (call.error_type is not None) is (call.outcome == "error")
    assert (call.cost is None) is (call.cost_source is None)
    bill_of(call)


@given(PATHS, st.binary(max_size=300), st.sampled_from([200, 204, 400, 503]), st.sampled_from([JSON, SSE, {}]))
def test_no_bytes_raise(path: str, body: bytes, status: int, headers: dict[str, str]) -> None:
    check(streamed(path, [body], status=status, headers=headers, method=method_of(path)))
    check(answered(path, body, status=status, headers=headers, method=method_of(path)))


@given(PATHS, st.lists(st.binary(max_size=40), max_size=8))
def test_no_events_raise(path: str, data: list[bytes]) -> None:
    check(streamed(path, [b"data: %s\n\n" % each for each in data], method=method_of(path)))


ENCODED = st.binary(max_size=100) | st.binary(max_size=100).map(gzip.compress)


@given(st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]), ENCODED)
def test_no_bytes_in_any_encoding_raise(encoding: str, sent: bytes) -> None:
    for headers in (JSON, SSE):
        check(streamed("/chat/completions", [sent, sent], headers={**headers, "content-encoding": encoding}))


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
READ = (chat._Answer, chat._Choice, responses._Answer, messages._Answer, images._Answer, jobs._Job)
NAMES = st.sampled_from(sorted({name for shape in READ for name in shape.__struct_fields__}))


@given(PATHS, st.dictionaries(NAMES, ANY_JSON, max_size=6))
def test_no_object_raises(path: str, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    check(answered(path, body, method=method_of(path)))
    check(streamed(path, [b"data: %s\n\n" % body] * 2, method=method_of(path)))


@given(st.sampled_from(BODIES), st.data())
def test_no_answer_with_odd_members_raises(name: str, data: Any) -> None:
    path = PATH_OF[name.partition("_")[0]]
    body = json.dumps(spoiled(data, json.loads(plain_body(name)))).encode()
    check(answered(path, body, method=method_of(path)))


@settings(max_examples=100)
@given(st.sampled_from(STREAMS), st.data())
def test_no_stream_with_odd_members_raises(name: str, data: Any) -> None:
    objects = [each[each.index(b"{") :] for each in events(name) if b"{" in each]
    position = data.draw(st.integers(0, len(objects) - 1))
    odd = json.dumps(spoiled(data, json.loads(objects[position]))).encode()
    chunks = [b"data: %s\n\n" % (odd if at == position else each.strip()) for at, each in enumerate(objects)]
    check(streamed(PATH_OF[name.partition("_")[0]], chunks))


@pytest.mark.parametrize("path", [*CALLS, *POLLS])
def test_nesting_beyond_all_measure_is_no_trouble(path: str) -> None:
    for member in (b"x", b"choices", b"usage", b"error", b"message", b"response"):
        for nest in (b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP):
            body = b'{"id":"gen-1","type":"message_start","%s":%s}' % (member, nest)
            check(answered(path, body, method=method_of(path)))
            check(streamed(path, [b"data: %s\n\n" % body], method=method_of(path)))


LITERALS = ["0.1", "0.10", "3.4e-7", "1E-9", "0.000000000000000000000000000001", "123456789012.123456789", "0", "5"]


@pytest.mark.parametrize("path", [path for path in CALLS if path != "/audio/speech"])
def test_dollars_come_out_digit_for_digit_in_every_dialect(path: str) -> None:
    for written in LITERALS:
        body = f'{{"id":"gen-1","usage":{{"cost":{written}}}}}'.encode()
        assert str(answered(path, body).cost) == str(Decimal(written))


@given(st.decimals(min_value=0, max_value=10**11, allow_nan=False, places=20))
def test_any_dollars_come_out_digit_for_digit(amount: Decimal) -> None:
    for written in (f"{amount:f}", f"{amount:e}"):
        body = b'{"usage":{"cost":%s}}' % written.encode()
        assert str(answered("/chat/completions", body).cost) == str(Decimal(written))


ASKED = st.dictionaries(
    st.sampled_from(["model", "user", "metadata", "tools", "stream", "n", "seed"]), ANY_JSON, max_size=5
)


@given(PATHS, st.binary(max_size=100) | ASKED.map(lambda value: json.dumps(value).encode()))
def test_no_request_raises(path: str, body: bytes) -> None:
    check(answered(path, b"{}", body=body, method=method_of(path)))


@given(
    st.dictionaries(st.sampled_from(["x-generation-id", "retry-after", "content-encoding", "content-type"]), st.text())
)
def test_no_headers_raise(headers: dict[str, str]) -> None:
    check(answered("/chat/completions", b"{}", headers=headers))
