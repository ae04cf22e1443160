"""An exchange is finished exactly once, with the outcome that it had, and keeps no secret."""

import asyncio
import gc
import json
import threading
import weakref
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest

from spancast.capture.exchange import Exchange
from spancast.records.call import Outcome
from tests.support.answers import DONE, GENERATION, JSON, SSE, STREAM, chunk, event, plain
from tests.support.exchanges import Heard, answered, opened, streamed
from tests.support.unrecorded import events, plain_body

PATH = "/chat/completions"
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
PASSWORD = "correct-horse-battery"
SENT = {"authorization": f"Bearer {KEY}", "x-api-key": PASSWORD}


class ReadError(Exception):
    """What a client library raises."""


def begun(chunks: tuple[bytes, ...] = STREAM[:4]) -> Heard:
    """Return an exchange whose stream is under way."""
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(chunks)
    return heard


def close_under(error: BaseException) -> Callable[[Exchange], None]:
    def close(exchange: Exchange) -> None:
        with suppress(BaseException), closing(exchange):
            raise error

    return close


ENDINGS: dict[str, tuple[Callable[[Exchange], None], Outcome]] = {
    "the client fails": (lambda exchange: exchange.fail(ReadError("secret")), "error"),
    "it is closed": (lambda exchange: exchange.close(), "closed"),
    "it is closed while something else fails": (close_under(ValueError()), "closed"),
    "its task is cancelled": (lambda exchange: exchange.fail(asyncio.CancelledError()), "cancelled"),
    "it is closed while its task is cancelled": (close_under(asyncio.CancelledError()), "cancelled"),
    "it is interrupted": (lambda exchange: exchange.fail(KeyboardInterrupt()), "cancelled"),
    "the program exits": (close_under(SystemExit()), "cancelled"),
    "its generator is collected": (lambda exchange: exchange.fail(GeneratorExit()), "abandoned"),
    "it is closed by a generator's end": (close_under(GeneratorExit()), "abandoned"),
    "it is collected": (lambda exchange: exchange.finish("abandoned"), "abandoned"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_answer_that_is_cut_has_the_outcome_that_cut_it(ending: str) -> None:
    end, outcome = ENDINGS[ending]
    heard = begun()
    end(heard.exchange)
    call = heard.call
    assert (call.outcome, call.generation_id) == (outcome, GENERATION)
    assert (call.cost, call.cost_source, call.finish_reasons) == (None, None, (None,))
    assert (call.error_type is not None) is (outcome == "error")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("path", "chunks"),
    [
        ("/chat/completions", list(STREAM)),
        ("/responses", events("responses")[:-1]),
        ("/messages", events("messages")[:-1]),
        ("/images", events("images")),
    ],
)
def test_an_answer_that_has_said_that_it_is_whole_is_completed_whatever_comes_then(
    path: str, chunks: list[bytes], ending: str
) -> None:
    heard = opened(path)
    heard.exchange.headers(200, SSE)
    heard.feed(chunks)
    ENDINGS[ending][0](heard.exchange)
    assert (heard.call.outcome, heard.call.error_type) == ("completed", None)
    assert heard.call.cost is not None


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_http_error_is_an_error_however_its_answer_ended(ending: str) -> None:
    heard = opened(PATH)
    heard.exchange.headers(503, JSON)
    ENDINGS[ending][0](heard.exchange)
    assert (heard.call.outcome, heard.call.error_type, heard.call.http_status) == ("error", "503", 503)


def test_a_request_that_gets_no_answer_fails_with_the_name_of_the_exception() -> None:
    heard = opened(PATH)
    heard.exchange.fail(ReadError(f"{KEY} refused"))
    call = heard.call
    assert (call.outcome, call.http_status, call.error_message) == ("error", None, None)
    assert call.error_type == f"{__name__}.ReadError"
    assert heard.opened == []
    assert call.duration is not None
    assert call.time_to_headers is None


def test_an_error_in_the_body_comes_before_the_exception_that_followed_it() -> None:
    heard = begun((*STREAM[:4], chunk(error={"code": 502, "message": "Bad gateway"})))
    heard.exchange.fail(ReadError())
    assert (heard.call.outcome, heard.call.error_type, heard.call.error_message) == ("error", "502", "Bad gateway")


def test_what_is_known_with_the_headers_is_told_with_the_headers() -> None:
    heard = opened(PATH, b'{"model":"a/b"}')
    assert heard.exchange.headers(200, {**SSE, "x-generation-id": "gen-1"}) is True
    (call,) = heard.opened
    assert (call.outcome, call.http_status, call.generation_id) == (None, 200, "gen-1")
    assert (call.request_model, call.streamed, call.cost) == ("a/b", True, None)
    assert call.time_to_headers is not None
    assert heard.finished == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json", False),
        ("", False),
        ("x-text/event-stream", False),
    ],
)
def test_events_are_told_by_their_content_type(kind: str, *, expected: bool) -> None:
    assert opened(PATH).exchange.headers(200, {"content-type": kind}) is expected


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", ""])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "mark"])
def test_events_under_another_content_type_are_read(kind: str, mark: bytes) -> None:
    for first in (b"", b"\n\n", b"event: message\n", b"id: 1\n", b"retry: 9\n"):
        call = streamed(PATH, [mark, first, *STREAM], headers={"content-type": kind})
        assert (call.outcome, call.finish_reasons, str(call.cost)) == ("completed", ("stop",), "0.000106000000000001")


def test_events_under_another_content_type_may_be_cut_and_left() -> None:
    assert streamed(PATH, STREAM[:4], headers=JSON).error_type == "incomplete_response"
    heard = opened(PATH)
    heard.exchange.headers(200, JSON)
    heard.feed(STREAM)
    heard.exchange.close()
    assert heard.call.outcome == "completed"


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_one_object_under_the_content_type_of_events_is_read(end: bytes) -> None:
    for path, body in ((PATH, plain()), ("/embeddings", b'{"model":"a/b","data":[]}')):
        call = streamed(path, [b": OPENROUTER PROCESSING\n\n", b"\n  \n", body + end])
        assert (call.outcome, call.error_type, call.response_model is None) == ("completed", None, False)
    body = b'{"error":{"code":429,"message":"Slow down","metadata":{"error_type":"rate_limit_exceeded"}}}'
    call = streamed(PATH, [body + end], status=429)
    assert (call.error_type, call.error_message) == ("rate_limit_exceeded", "Slow down")


@pytest.mark.parametrize("body", [b"", b"<html>Moved</html>", b"{}"])
def test_a_redirect_is_no_answer_and_says_so_by_its_status(body: bytes) -> None:
    call = answered(PATH, body, status=307, headers={"location": "/elsewhere"})
    assert (call.outcome, call.error_type, call.cost) == ("error", "307", None)


def test_an_answer_without_any_header_is_read_as_one_object() -> None:
    assert str(answered(PATH, plain(), headers={}).cost) == "0.000106000000000001"


def test_the_id_in_the_headers_comes_before_the_one_in_the_body() -> None:
    call = answered(PATH, plain(), headers={**JSON, "x-generation-id": "gen-1"})
    assert (call.generation_id, call.response_id) == ("gen-1", GENERATION)


def test_the_provider_in_the_body_comes_before_the_one_in_the_headers() -> None:
    headers = {**JSON, "x-provider-name": "Elsewhere"}
    assert answered(PATH, plain(), headers=headers).provider == "Azure"
    assert answered(PATH, b'{"id": "gen-1"}', headers=headers).provider == "Elsewhere"


def test_a_cache_hit_costs_nothing_even_where_no_usage_says_so() -> None:
    hit, miss = ({**SSE, "x-openrouter-cache-status": word} for word in ("HIT", "MISS"))
    call = streamed(PATH, [chunk("Hello"), chunk(finish="stop"), DONE], headers=hit)
    assert (call.cost, call.cost_source, call.cache_hit) == (0, "response", True)
    sound = answered(
        "/audio/speech", b"ID3", headers={"content-type": "audio/mpeg", "x-openrouter-cache-status": "HIT"}
    )
    assert (sound.cost, sound.cost_source) == (0, "response")
    call = streamed(PATH, [chunk("Hello"), chunk(finish="stop"), DONE], headers=miss)
    assert (call.cost, call.cost_source, call.cache_hit) == (None, None, False)


def test_its_own_end_mark_finishes_a_stream_before_the_chunk_is_handed_on() -> None:
    heard = begun(STREAM[:-1])
    assert heard.finished == []
    heard.exchange.feed(STREAM[-1])
    assert heard.call.outcome == "completed"


def test_what_comes_before_the_headers_or_behind_the_end_is_not_heard() -> None:
    heard = opened(PATH)
    heard.exchange.feed(plain())
    heard.exchange.headers(200, JSON)
    heard.feed([plain()])
    heard.exchange.finish("completed")
    heard.feed([b"more"])
    heard.exchange.body(b"more")
    heard.exchange.close()
    heard.exchange.fail(ReadError())
    assert (heard.call.outcome, heard.call.generation_id) == ("completed", GENERATION)


def test_a_body_is_given_whole_to_a_caller_who_does_not_stream() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, JSON)
    heard.feed([plain()[:50]])
    heard.exchange.body(plain())
    assert heard.call.generation_id == GENERATION


@pytest.mark.parametrize("round_", range(30))
def test_of_many_threads_that_finish_it_at_once_one_does(round_: int) -> None:
    heard, barrier = begun(), threading.Barrier(16)
    outcomes: tuple[Outcome, ...] = ("completed", "error", "closed", "cancelled", "abandoned")

    def finish(number: int) -> None:
        barrier.wait()
        heard.exchange.finish(outcomes[number % len(outcomes)])

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard.call.outcome in outcomes


def test_an_exchange_may_be_finished_while_it_is_fed() -> None:
    for _ in range(30):
        heard, errors = begun(), []
        started = threading.Event()

        def feed(heard: Heard = heard, started: threading.Event = started, errors: list[Exception] = errors) -> None:
            started.set()
            try:
                heard.feed([chunk("word " * 50)] * 500)
            except Exception as error:  # noqa: BLE001 - whatever it is, it reached the application
                errors.append(error)

        thread = threading.Thread(target=feed)
        thread.start()
        started.wait()
        heard.exchange.close()
        thread.join()
        assert errors == []
        assert heard.call.outcome == "closed"


def test_a_listener_may_finish_it_again() -> None:
    heard = opened(PATH)
    heard.exchange._on_finish = lambda call: (heard.finished.append(call), heard.exchange.finish("closed"))[0]
    heard.exchange.finish("error")
    assert heard.call.outcome == "error"


class Carried:
    """Something that an exchange carries, of which there is to be seen whether it is let go."""


@pytest.mark.parametrize("headers", [SSE, JSON, {**SSE, "content-encoding": "gzip"}])
def test_a_finished_exchange_waits_for_no_garbage_collector(headers: dict[str, str]) -> None:
    gc.disable()
    try:
        heard = opened(PATH)
        heard.exchange.headers(200, headers)
        heard.exchange.context = carried = Carried()
        heard.exchange.finish("closed")
        seen = weakref.ref(carried)
        del carried, heard
        assert seen() is None
    finally:
        gc.enable()


QUOTING = [
    {"code": 401, "message": f"No such key: {KEY}"},
    {"code": 401, "message": f"No such key: {PASSWORD}."},
    {"code": f"bad key {KEY}", "message": "No"},
    {"type": PASSWORD, "message": f"Bearer {KEY}"},
    {"message": "x" * 120 + KEY, "metadata": {"error_type": KEY, "raw": KEY, "provider_name": f"P {KEY}"}},
    {"message": "No", "metadata": {"previous_errors": [{"code": KEY, "message": KEY}, {"code": PASSWORD}]}},
    f"{PASSWORD}{KEY}",
    {"message": json.dumps({"authorization": f"Bearer {KEY}"})},
]


def secretless(call: Any) -> bool:
    seen = repr(call)
    halves = (KEY[:20], KEY[-20:], PASSWORD[:14], PASSWORD[-14:])
    return not any(half in seen for half in halves)


@pytest.mark.parametrize("error", QUOTING, ids=range(len(QUOTING)))
def test_no_secret_of_the_request_survives_in_its_failure(error: Any) -> None:
    body = json.dumps({"error": error, "error_type": None})
    calls = [
        answered(PATH, body.encode(), status=401, sent=SENT),
        answered(PATH, body.encode(), status=200, sent=SENT),
        streamed(PATH, [*STREAM[:3], event(body)], sent=SENT),
        answered("/messages", json.dumps({"type": "error", "error": error}).encode(), status=401, sent=SENT),
        answered("/responses", json.dumps({"status": "failed", "error": error}).encode(), sent=SENT),
        answered(
            "/videos/job-1", body.replace("{", '{"id":"job-1","status":"failed",', 1).encode(), method="GET", sent=SENT
        ),
    ]
    for call in calls:
        assert call.outcome == "error"
        assert call.error_type
        assert secretless(call)


def test_the_key_is_known_by_its_hash_alone() -> None:
    call = answered(PATH, plain(), sent=SENT)
    assert call.key_hash is not None
    assert secretless(call)


def test_no_word_of_a_providers_own_survives() -> None:
    assert "diary" not in repr(answered(PATH, plain_body("error_502"), status=502))


@pytest.mark.parametrize("cut", [1, 16, -3])
def test_a_stream_that_is_closed_in_the_midst_of_its_first_event_is_closed(cut: int) -> None:
    heard = begun((chunk("Hello")[:cut],))
    heard.exchange.close()

    assert (heard.call.outcome, heard.call.error_type) == ("closed", None)


def test_a_stream_of_no_objects_that_is_closed_is_no_answer() -> None:
    heard = begun((event("<html>"), event("more")[:5]))
    heard.exchange.close()

    assert (heard.call.outcome, heard.call.error_type) == ("error", "invalid_response")


ECHOED = "0123456789-abcdef"


@pytest.mark.parametrize("where", ["id", "model", "provider", "service_tier", "finish_reason", "native_finish_reason"])
def test_a_credential_that_an_answer_echoes_is_not_kept(where: str) -> None:
    stated = json.loads(plain())
    (stated["choices"][0] if "reason" in where else stated)[where] = f"for {ECHOED}"
    heard = opened(sent={"authorization": f"Bearer {ECHOED}"})
    heard.exchange.headers(200, JSON)
    heard.exchange.body(json.dumps(stated).encode())
    assert ECHOED not in repr(heard.call)
    assert "for [removed]" in repr(heard.call)


@pytest.mark.parametrize("header", ["x-generation-id", "x-provider-name", "request-id"])
def test_a_credential_that_a_header_echoes_is_not_kept_while_the_call_is_under_way(header: str) -> None:
    heard = opened(sent={"cf-aig-authorization": f"Bearer {ECHOED}"})
    heard.exchange.headers(200, {**JSON, header: ECHOED})
    (under_way,) = heard.opened
    assert ECHOED not in repr(under_way)


def test_routing_that_echoes_a_credential_is_not_kept() -> None:
    routing = {"strategy": "auto", "attempts": [{"model": ECHOED, "provider": "A", "status": 200}]}
    heard = opened(sent={"authorization": f"Bearer {ECHOED}"})
    heard.exchange.headers(200, JSON)
    heard.exchange.body(json.dumps({**json.loads(plain()), "openrouter_metadata": routing}).encode())
    assert (heard.call.routing, heard.call.generation_id) == (None, GENERATION)
