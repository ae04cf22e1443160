"""Whatever comes instead of an answer, the application gets it byte for byte, and the call says what is known.

Faults of ours are raised in these tests: a body that none of our parsers was made for must pass them in silence.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import httpx2
import openai
import pytest

from tests.hooks.caller import KINDS, Caller, Kind, described, every_kind, same
from tests.support.answers import (
    COMMENT,
    COST,
    DONE,
    GENERATION,
    JSON,
    MODEL,
    PROMPT,
    PROVIDER,
    SSE,
    STREAM,
    chunk,
    event,
    plain,
)
from tests.support.replay import Answer, Replay, replaying
from tests.support.watched import Watched, watched

DEEP = 100_000
DEEP_LIST = b"[" * DEEP + b"]" * DEEP
DEEP_OBJECT = b'{"a":' * DEEP + b"1" + b"}" * DEEP

Known = dict[str, Any]
"""What the Call must say; what is not named must be unknown."""

INVALID: Known = {"outcome": "error", "error_type": "invalid_response"}
NOTHING: Known = {"outcome": "completed"}
NAMED: Known = {
    "outcome": "completed",
    "generation_id": GENERATION,
    "response_model": MODEL,
    "provider": PROVIDER,
    "finish_reasons": ("stop",),
}
WHOLE: Known = {**NAMED, "input_tokens": 16, "output_tokens": 18, "cost": COST}
FIELDS = (
    "outcome",
    "error_type",
    "error_message",
    "generation_id",
    "response_model",
    "provider",
    "finish_reasons",
    "input_tokens",
    "output_tokens",
    "cost",
)


def usage(tokens: str, cost: str) -> str:
    return f'{{"prompt_tokens":{tokens},"completion_tokens":{tokens},"cost":{cost}}}'


BODIES: dict[str, tuple[bytes, Known]] = {
    "html": (b"<html><h1>Sorry</h1></html>", INVALID),
    "text": (b"upstream connect error", INVALID),
    "empty": (b"", INVALID),
    "padding alone": (b"\n         \n", INVALID),
    "no utf-8": (b'{"id":"gen-\xff\xfe"}', {**NOTHING, "generation_id": "gen-\ufffd\ufffd"}),
    "utf-16": ('{"id":"gen-1"}'.encode("utf-16"), {**NOTHING, "generation_id": "gen-1"}),
    "a byte order mark": (b"\xef\xbb\xbf" + plain(), WHOLE),
    "truncated": (plain()[:-1], INVALID),
    "two objects": (plain() + plain(), INVALID),
    "events": (b"".join(STREAM), WHOLE),
    "a list": (b"[1]", INVALID),
    "a string": (b'"answer"', INVALID),
    "a number": (b"7", INVALID),
    "null": (b"null", INVALID),
    "an object of nothing": (b"{}", NOTHING),
    "choices that are text": (b'{"choices":"none"}', NOTHING),
    "choices of anything": (b'{"choices":["x",7,null,[],{"finish_reason":7}]}', {**NOTHING, "finish_reasons": (None,)}),
    "names that are no names": (b'{"id":7,"model":[],"provider":{"a":1}}', NOTHING),
    "a lone surrogate": (b'{"id":"gen-\\ud800"}', {**NOTHING, "generation_id": "gen-?"}),
    "no usage": (plain("null"), NAMED),
    "usage that is text": (plain('"many"'), NAMED),
    "usage that is a list": (plain("[1]"), NAMED),
    "negative usage": (plain(usage("-1", "-0.5")), NAMED),
    "usage in words": (plain(usage('"1"', '"0.5"')), NAMED),
    "usage of true": (plain(usage("true", "true")), NAMED),
    "half a token": (plain(usage("1.5", "0.5")), {**NAMED, "cost": 0.5}),
    "usage beyond all measure": (plain(usage("1" + "0" * 5000, "1e9999999")), NAMED),
    "usage that is no number": (plain(usage("NaN", "Infinity")), NAMED),
    "an error that is text": (
        b'{"error":"Sorry"}',
        {"outcome": "error", "error_type": "error", "error_message": "Sorry"},
    ),
    "an error of anything": (b'{"error":{"code":{},"message":[]}}', {"outcome": "error", "error_type": "error"}),
    "an error that is null": (b'{"error":null}', NOTHING),
    "a deep list": (DEEP_LIST, INVALID),
    "a deep object": (DEEP_OBJECT, INVALID),
    "deep choices": (b'{"id":"gen-1","choices":%s}' % DEEP_LIST, INVALID),
    "deep usage": (b'{"id":"gen-1","usage":%s}' % DEEP_OBJECT, INVALID),
    "a member of a million digits": (
        b'{"id":"gen-1","created":%s}' % (b"9" * 10**6),
        {**NOTHING, "generation_id": "gen-1"},
    ),
}

_WORDS = STREAM[:4]
_REST = STREAM[4:]
_INCOMPLETE: Known = {
    **NAMED,
    "outcome": "error",
    "error_type": "incomplete_response",
    "finish_reasons": (None,),
}

STREAMS: dict[str, tuple[Sequence[bytes], Known]] = {
    "nothing": ((), INVALID),
    "comments alone": ((COMMENT,) * 3, INVALID),
    "an end alone": ((DONE,), INVALID),
    "html": ((b"<html><h1>Sorry</h1></html>",), INVALID),
    "a plain answer": ((plain(),), WHOLE),
    "events that are no json": ((event("hello"), event("{"), DONE), INVALID),
    "events that are no objects": ((event("[1]"), event("null"), event("7"), DONE), INVALID),
    "no json amid words": ((*_WORDS, event("{oops"), *_REST), WHOLE),
    "no utf-8": ((*_WORDS, b'data: {"id":"\xff\xfe"}\n\n', *_REST), WHOLE),
    "cut within an event": ((*_WORDS, _REST[0][:50]), _INCOMPLETE),
    "no end": (_WORDS, _INCOMPLETE),
    "an end without its mark": (STREAM[:-1], WHOLE),
    "one byte at a time": ([bytes([byte]) for byte in b"".join(STREAM)], WHOLE),
    "carriage returns": ((b"".join(STREAM).replace(b"\n", b"\r"),), WHOLE),
    "both ends of line": ((b"".join(STREAM).replace(b"\n", b"\r\n"),), WHOLE),
    "negative usage": ((*_WORDS, chunk(finish="stop", usage=usage("-1", "-0.5")), DONE), NAMED),
    "usage that is text": ((*_WORDS, chunk(finish="stop", usage='"many"'), DONE), NAMED),
    "usage in words": ((*_WORDS, chunk(finish="stop", usage=usage('"1"', '"0.5"')), DONE), NAMED),
    "no usage": ((*_WORDS, chunk(finish="stop"), DONE), NAMED),
    "usage behind the end": ((*STREAM, event(f'{{"usage":{usage("99", "99")}}}')), WHOLE),
    "a deep event": ((*_WORDS, b"data: %s\n\n" % DEEP_LIST, *_REST), WHOLE),
    "a deep delta": ((*_WORDS, b'data: {"choices":[{"delta":%s}]}\n\n' % DEEP_OBJECT, *_REST), WHOLE),
    "deep usage": ((*_WORDS, b'data: {"usage":%s}\n\n' % DEEP_OBJECT, *_REST), WHOLE),
    "an event of five megabytes": ((*_WORDS, chunk("x" * 5 * 10**6), *_REST), WHOLE),
    "an error that is text": (
        (*_WORDS, event('{"error":"Sorry"}'), DONE),
        {**_INCOMPLETE, "error_type": "error", "error_message": "Sorry"},
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with replaying() as one:
        yield one


def check(seen: Watched, known: Known) -> None:
    """Check that the one call says what is known and nothing else, and that its one span says the same."""
    call, span = seen.pair
    assert {name: getattr(call, name) for name in FIELDS} == {name: known.get(name) for name in FIELDS}
    attributes = span.attributes or {}
    assert attributes["spancast.outcome"] == known["outcome"]
    assert attributes.get("error.type") == known.get("error_type")
    assert span.status.is_ok is ("error_type" not in known)


@every_kind
@pytest.mark.parametrize("name", BODIES)
def test_a_plain_answer_that_is_none(kind: Kind, name: str, server: Replay) -> None:
    body, known = BODIES[name]
    server.answer = Answer(200, JSON, [body])

    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", server.url, json=PROMPT)
        assert response.content == body
        return response.content, response.text

    check(same(kind, server.host, scenario), known)


@pytest.mark.parametrize("name", BODIES)
def test_a_plain_answer_that_is_none_read_as_a_stream(name: str, server: Replay) -> None:
    body, known = BODIES[name]
    server.answer = Answer(200, JSON, [body[: len(body) // 2], body[len(body) // 2 :]])

    async def scenario(caller: Caller) -> Any:
        async with caller.streaming(server.url, json=PROMPT) as response:
            return b"".join(await caller.pieces(response, "iter_bytes")) == body

    check(same(KINDS[2], server.host, scenario), known)


@every_kind
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_none(kind: Kind, name: str, server: Replay) -> None:
    chunks, known = STREAMS[name]
    server.answer = Answer(200, SSE, chunks)

    async def scenario(caller: Caller) -> Any:
        async with caller.streaming(server.url, json=PROMPT) as response:
            return b"".join(await caller.pieces(response, "iter_raw")) == b"".join(chunks)

    check(same(kind, server.host, scenario), {**known, "streamed": True})


@every_kind
@pytest.mark.parametrize("status", [200, 402, 500])
def test_an_error_without_a_body(kind: Kind, status: int, server: Replay) -> None:
    server.answer = Answer(status, {"content-type": "text/plain"})

    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", server.url, json=PROMPT)
        return response.status_code, response.content

    known = INVALID if status == 200 else {"outcome": "error", "error_type": str(status)}
    check(same(kind, server.host, scenario), known)


def complete(server: Replay, *, stream: bool) -> Any:
    """Return what the SDK makes of the answer: its objects, or the exception."""
    http_client = httpx2.Client(verify=False)  # certificates are slow to read, and none is needed here
    with openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0, http_client=http_client) as client:
        try:
            answer: Any = client.chat.completions.create(**PROMPT, stream=stream)
            return repr(list(answer)) if stream else repr(answer)
        except Exception as error:  # noqa: BLE001 - compared
            return described(error)


async def stream_async(server: Replay) -> Any:
    http_client = httpx2.AsyncClient(verify=False)
    async with openai.AsyncOpenAI(
        base_url=server.base_url, api_key="k", max_retries=0, http_client=http_client
    ) as client:
        try:
            answer = await client.chat.completions.create(**PROMPT, stream=True)
            return repr([each async for each in answer])
        except Exception as error:  # noqa: BLE001 - compared
            return described(error)


@pytest.mark.parametrize("name", BODIES)
def test_an_sdk_makes_the_same_of_a_plain_answer_that_is_none(name: str, server: Replay) -> None:
    body, known = BODIES[name]
    server.answer = Answer(200, JSON, [body])
    bare = complete(server, stream=False)
    with watched(server.host) as seen:
        assert complete(server, stream=False) == bare
    check(seen, known)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_an_sdk_makes_the_same_of_a_stream_that_is_none(name: str, asynchronous: bool, server: Replay) -> None:
    chunks, _ = STREAMS[name]
    server.answer = Answer(200, SSE, chunks)

    def ask() -> Any:
        return anyio.run(stream_async, server) if asynchronous else complete(server, stream=True)

    bare = ask()
    with watched(server.host) as seen:
        assert ask() == bare
    assert (len(seen), len(seen.spans)) == (1, 1)
