"""The tries that niquests makes by its own `retries`: each is a call. Run by `test_niquests.py`, where niquests is."""

import asyncio
import inspect
import json
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import niquests
import pytest
import tenacity
from niquests.adapters import AsyncHTTPConnectionPool, HTTPConnectionPool, Retry
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from spancast import attribute
from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.trace.tracing import Tracing
from tests.hooks.in_niquests import (
    KINDS,
    MULTIPLEXED,
    Caller,
    Kind,
    Scenario,
    every_kind,
    finished,
    run,
    same,
    serving,
    snapshot,
)
from tests.hooks.wires import WHOLE, head
from tests.support.answers import COST, GENERATION, JSON, PROMPT, plain
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched
from tests.support.watching import Seen

SAID = b'{"error":{"message":"No instances available","code":503}}'
NAMED = "gen-of-the-refusal"
REFUSED = (
    head(503, content_type="application/json", x_generation_id=NAMED, connection="close", content_length=str(len(SAID)))
    + SAID
)
ANSWERED = WHOLE["unsized"]
STREAMED = WHOLE["unsized events"]
CUT = b""
ERRORS = niquests.adapters.HTTPConnectionPool.__module__.partition(".")[0] + ".exceptions."
"""Where the errors of urllib3-future are, which has the name of urllib3 where it has its place."""

# Connections that are left open are left to the collector, which complains of their sockets.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")


@pytest.fixture(autouse=True)
def _nothing_said_of_tries(caplog: pytest.LogCaptureFixture) -> None:
    """Leave out what urllib3-future itself logs of a try that broke off."""
    caplog.set_level(logging.ERROR, HTTPConnectionPool.__module__)


both_ways = pytest.mark.parametrize("stream", [False, True])


def retries(total: int = 3, **options: Any) -> Any:
    return Retry(total, status_forcelist=[503], allowed_methods=None, **options)


def tried(calls: Sequence[Call]) -> list[Any]:
    """Return what came of each try, in the order in which they were begun, once they are known to be one another's."""
    found = sorted(calls, key=lambda call: call.started_at)
    first, *others = found
    assert [call.attempt_of for call in found] == [None, *[first.call_id] * len(others)]
    assert [call.retry for call in found] == [None, *range(1, len(found))]
    assert {call.request_model for call in found} == {PROMPT["model"]}
    return [(call.http_status, call.outcome, call.error_type, call.generation_id, call.cost) for call in found]


UNAVAILABLE = (503, "error", "503", NAMED, None)
COMPLETED = (200, "completed", None, GENERATION, COST)
BROKEN = (None, "error", ERRORS + "ProtocolError", None, None)


def asking(url: str, **options: Any) -> Scenario:
    async def scenario(caller: Caller) -> Any:
        response = await caller.post(url, **options)
        return await caller.content(response), snapshot(response)

    return scenario


@every_kind
@both_ways
@pytest.mark.parametrize("multiplexed", [False, True])
def test_each_try_is_a_call(kind: Kind, stream: bool, multiplexed: bool, wire: Verbatim) -> None:
    """On HTTP/1 nothing is multiplexed, whoever asks for it."""
    wire.answers = [REFUSED, CUT, REFUSED, STREAMED if stream else ANSWERED]
    options = {"retries": retries(), "multiplexed": multiplexed}
    seen = same(kind, wire.host, asking(wire.url, stream=stream), **options)
    assert tried(seen) == [UNAVAILABLE, BROKEN, UNAVAILABLE, COMPLETED]
    assert {call.error_message for call in seen if call.http_status == 503} == {"No instances available"}
    assert wire.requests[:4] == wire.requests[4:]


@every_kind
@both_ways
def test_of_one_that_succeeds_there_is_one(kind: Kind, stream: bool, wire: Verbatim) -> None:
    wire.answers = [STREAMED if stream else ANSWERED]
    seen = same(kind, wire.host, asking(wire.url, stream=stream), retries=retries())
    assert tried(seen) == [COMPLETED]


@every_kind
def test_what_is_asked_twice_is_not_linked(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, ANSWERED, REFUSED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        return [(await caller.post(wire.url)).status_code for _ in range(2)]

    seen = same(kind, wire.host, scenario, retries=retries())
    assert (tried(seen[:2]), tried(seen[2:])) == ([UNAVAILABLE, COMPLETED],) * 2


@every_kind
def test_a_request_with_a_name_of_its_own(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, REFUSED, ANSWERED]
    named = {"headers": {"Idempotency-Key": "one"}}
    assert tried(same(kind, wire.host, asking(wire.url, **named), retries=retries())) == [
        UNAVAILABLE,
        UNAVAILABLE,
        COMPLETED,
    ]


@every_kind
def test_a_request_that_the_application_sends_again_when_it_has_failed(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, REFUSED, CUT, ANSWERED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        request = niquests.Request("POST", wire.url, json=PROMPT).prepare()
        told = []
        for _ in range(3):
            try:
                told.append((await finished(caller.session.send(request))).status_code)
            except niquests.RequestException as error:
                told.append(type(error))
        return told

    seen = same(kind, wire.host, scenario, retries=retries(1))
    calls = sorted(seen, key=lambda call: call.started_at)
    assert tried(calls[:4]) == [UNAVAILABLE, UNAVAILABLE, BROKEN, COMPLETED]
    assert tried(calls[4:]) == [COMPLETED]


@every_kind
def test_an_equal_request_that_is_made_while_the_failure_is_handled(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        try:
            (await caller.post(wire.url)).raise_for_status()
        except niquests.HTTPError:
            return (await caller.post(wire.url)).status_code

    assert tried(same(kind, wire.host, scenario)) == [UNAVAILABLE, COMPLETED]


@every_kind
def test_equal_requests_of_a_loop_that_does_nothing_but_try_again(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, REFUSED, CUT, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        def ask_at_once() -> int:
            response = caller.session.post(wire.url, json=PROMPT)
            return response.raise_for_status().status_code  # type: ignore[no-any-return]  # see above

        async def ask() -> int:
            response = await caller.session.post(wire.url, json=PROMPT)
            return response.raise_for_status().status_code  # type: ignore[no-any-return]  # see above

        again = tenacity.retry(reraise=True, stop=tenacity.stop_after_attempt(3))
        return await finished(again(ask if kind.asynchronous else ask_at_once)())

    seen = same(kind, wire.host, scenario, retries=retries(1))
    assert tried(seen) == [UNAVAILABLE, UNAVAILABLE, BROKEN, COMPLETED]


@every_kind
@pytest.mark.parametrize("in_a_task", [False, True])
def test_what_a_hook_sends_meanwhile_is_none_of_the_tries(kind: Kind, in_a_task: bool, server: Replay) -> None:
    server.answers = {
        "/api/v1/models": Answer(503, JSON, [SAID]),
        "/api/v1/chat/completions": Answer(200, JSON, [plain()]),
    }
    again = retries(2, raise_on_status=False)

    async def scenario(caller: Caller) -> Any:
        told: list[int] = []

        def look_at_once(_request: Any) -> None:
            told.append(other.get(server.base_url + "/models").status_code)

        async def look(_request: Any) -> None:
            asked = other.get(server.base_url + "/models")
            told.append((await (asyncio.ensure_future(asked) if in_a_task else asked)).status_code)

        async with AsyncExitStack() as stack:
            other = type(caller.session)(retries=again)
            stack.push_async_callback(caller.close, other)
            hooks = {"pre_send": [look if kind.asynchronous else look_at_once]}
            told.append((await caller.post(server.url, hooks=hooks)).status_code)
        return told

    assert run(kind, scenario, retries=again) == [503, 200]
    assert tried(same(kind, server.host, scenario, retries=again)) == [COMPLETED]


def test_a_task_that_is_begun_meanwhile_is_none_of_the_tries(server: Replay) -> None:
    server.answers = {"/api/v1/models": Answer(silent=True)}
    server.answer = Answer(503, {**JSON, "x-generation-id": NAMED}, [SAID])
    again = retries(2, raise_on_status=False)

    async def scenario(caller: Caller) -> Any:
        async with AsyncExitStack() as stack:
            other = niquests.AsyncSession(retries=again)
            stack.push_async_callback(other.close)
            begun: list[asyncio.Task[Any]] = []

            async def begin(_request: Any) -> None:
                begun.append(asyncio.ensure_future(other.get(server.base_url + "/models")))

            status = (await caller.post(server.url, hooks={"pre_request": [begin]})).status_code
            (task,) = begun
            assert task.cancel()
            await asyncio.wait(begun)
            return status

    assert run(KINDS[1], scenario, retries=again) == 503
    assert tried(same(KINDS[1], server.host, scenario, retries=again)) == [UNAVAILABLE] * 3


@every_kind
@both_ways
@pytest.mark.parametrize("options", [{}, MULTIPLEXED], ids=["", "multiplexed"])
def test_the_last_try_fails_as_its_caller_is_told(kind: Kind, stream: bool, options: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        seen = same(kind, host, asking(f"http://{host}/chat/completions", stream=stream), retries=2, **options)
    errors = [error for _, _, error, _, _ in tried(seen)]
    assert errors == [ERRORS + "NewConnectionError"] * 2 + ["niquests.exceptions.ConnectionError"]


@every_kind
@both_ways
@pytest.mark.parametrize("raises", [False, True])
def test_tries_that_are_used_up(kind: Kind, stream: bool, raises: bool, wire: Verbatim) -> None:
    wire.answers = [REFUSED]
    seen = same(kind, wire.host, asking(wire.url, stream=stream), retries=retries(2, raise_on_status=raises))
    assert tried(seen) == [UNAVAILABLE] * 3
    assert {call.error_message for call in seen} == {"No instances available"}


@every_kind
@both_ways
def test_an_answer_that_is_not_good_enough_has_its_cost(kind: Kind, stream: bool, wire: Verbatim) -> None:
    wire.answers = [STREAMED if stream else ANSWERED]
    again = Retry(2, status_forcelist=[200], allowed_methods=None, raise_on_status=False)
    seen = same(kind, wire.host, asking(wire.url, stream=stream), retries=again)
    assert tried(seen) == [COMPLETED] * 3


@every_kind
def test_a_body_that_is_read_to_see_whether_to_try_again(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, ANSWERED]

    class Reading(Retry):  # type: ignore[misc,valid-type]  # the library is not where the types are checked
        def get_retry_after(self, response: Any) -> float | None:
            told.append((type(response).__name__, response._body))
            return None

    told: list[Any] = []
    again = Reading(2, status_forcelist=[503], allowed_methods=None, cache_response_body=True)
    seen = same(kind, wire.host, asking(wire.url), retries=again)
    assert tried(seen) == [UNAVAILABLE, COMPLETED]
    assert told[0] == told[1]
    assert told[0][1] == SAID


@every_kind
@both_ways
def test_a_refusal_that_breaks_off_is_told_by_its_status(kind: Kind, stream: bool, wire: Verbatim) -> None:
    wire.answers = [REFUSED[:-10], STREAMED if stream else ANSWERED]
    seen = same(kind, wire.host, asking(wire.url, stream=stream), retries=retries())
    assert tried(seen) == [UNAVAILABLE, COMPLETED]


@every_kind
@both_ways
def test_a_step_on_the_way_is_no_try_of_its_own(kind: Kind, stream: bool, wire: Verbatim) -> None:
    moved = head(307, location="/api/v1/chat/completions?moved", connection="close", content_length="0")
    wire.answers = [moved, REFUSED, STREAMED if stream else ANSWERED]
    seen = same(kind, wire.host, asking(wire.url, stream=stream), retries=retries())
    assert tried(seen) == [UNAVAILABLE, COMPLETED]


def test_a_task_that_is_cancelled_cancels_the_last_try() -> None:
    async def scenario() -> list[Call]:
        asked, answers = asyncio.Event(), [REFUSED]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            if answers:
                writer.write(answers.pop())
                writer.close()
            else:
                asked.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, niquests.AsyncSession() as session:
            session.mount("http://", niquests.adapters.AsyncHTTPAdapter(max_retries=retries()))
            host = "{}:{}".format(*server.sockets[0].getsockname())
            with watched(host) as seen:
                task = asyncio.ensure_future(session.post(f"http://{host}/api/v1/chat/completions", json=PROMPT))
                await asked.wait()
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                return list(seen)

    assert tried(asyncio.run(scenario())) == [UNAVAILABLE, (None, "cancelled", None, None, None)]


@every_kind
def test_each_try_has_a_span_beside_the_others(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, CUT, ANSWERED]
    current: list[Any] = []

    class Noting(Retry):  # type: ignore[misc,valid-type]  # see above
        def increment(self, *args: Any, **kwargs: Any) -> Any:
            current.append(trace.get_current_span().get_span_context().span_id)
            return super().increment(*args, **kwargs)

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(wire.url)
        current.append(trace.get_current_span().get_span_context().span_id)
        return response.status_code

    with watched(wire.host) as seen:
        tracer = seen.provider.get_tracer("the application's")
        with tracer.start_as_current_span("outer") as outer:
            run(kind, scenario, retries=Noting(3, status_forcelist=[503], allowed_methods=None))
    spans = sorted((span for span in seen.spans if span.name != "outer"), key=lambda span: span.start_time or 0)
    ours = outer.get_span_context().span_id
    assert [span.parent and span.parent.span_id for span in spans] == [ours] * 3
    assert current == [*[span.context.span_id for span in spans[:2]], ours]


@every_kind
@both_ways
def test_each_try_names_its_own_span(kind: Kind, stream: bool, wire: Verbatim) -> None:
    wire.answers = [REFUSED, CUT, ANSWERED]
    bare = run(kind, asking(wire.url, stream=stream), retries=retries())
    wire.requests.clear()
    with linking(wire.host) as seen:
        assert run(kind, asking(wire.url, stream=stream), retries=retries()) == bare
    assert_each_names_its_own(seen, [request.partition(b"\r\n\r\n")[2] for request in wire.requests])


@contextmanager
def linking(host: str) -> Iterator[Seen]:
    """Hook the clients so that each request names its span."""
    seen, tracing = Seen(), Tracing(TracerProvider(shutdown_on_exit=False))
    patches = Patches(Recorder(Routes([host]), tracing, seen.keep, link_broadcast=True))
    patches.install(HOOKS)
    try:
        yield seen
    finally:
        patches.remove()


def assert_each_names_its_own(seen: Seen, bodies: Sequence[bytes]) -> None:
    calls = sorted(seen, key=lambda call: call.started_at)
    names = [{"trace_id": call.trace_id, "parent_span_id": call.span_id} for call in calls]
    assert [json.loads(body) for body in bodies] == [{**PROMPT, "trace": name} for name in names]
    assert len({call.span_id for call in calls}) == len(bodies) == 3


def test_the_library_is_bare_again() -> None:
    def methods() -> list[Any]:
        pairs = [(each, name) for each in (HTTPConnectionPool, AsyncHTTPConnectionPool) for name in METHODS]
        return [inspect.getattr_static(owner, name) for owner, name in [*pairs, (Retry, "increment")]]

    bare = methods()
    with watched():
        looks = [(inspect.signature(each), inspect.iscoroutinefunction(each), each.__qualname__) for each in methods()]
    assert methods() == bare
    assert looks == [(inspect.signature(each), inspect.iscoroutinefunction(each), each.__qualname__) for each in bare]


METHODS = ("urlopen", "get_response")


class Answers:
    """An ASGI application that says one of `statuses` to each request, in a row and over again."""

    statuses: Sequence[int] = ()
    bodies: Sequence[bytes] = ()
    held: threading.Event | None = None
    """What an answer waits for."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = b""
        while (message := await receive()).get("more_body"):
            asked += message["body"]
        status, body = self.statuses[len(self.bodies) % len(self.statuses)], plain()
        self.bodies = [*self.bodies, asked + message.get("body", b"")]
        if self.held is not None:
            await asyncio.to_thread(self.held.wait, 10)
        headers = [(b"content-type", b"application/json")]
        if status == 503:
            headers, body = [*headers, (b"x-generation-id", NAMED.encode())], SAID
        elif status == 307:
            headers, body = [(b"location", b"/api/v1/chat/completions")], b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


ANSWERS = Answers()


@pytest.fixture(scope="module")
def http_2() -> Iterator[str]:
    with serving(ANSWERS) as host:
        yield f"http://{host}/api/v1/chat/completions"


@contextmanager
def answering(*statuses: int) -> Iterator[None]:
    ANSWERS.statuses, ANSWERS.bodies, ANSWERS.held = statuses, [], None
    yield


def host_of(url: str) -> str:
    return url.split("/")[2]


@every_kind
@both_ways
def test_each_try_by_http_2_is_a_call(kind: Kind, stream: bool, http_2: str) -> None:
    with answering(503, 503, 200):
        seen = same(kind, host_of(http_2), asking(http_2, stream=stream), retries=retries(), disable_http1=True)
    assert tried(seen) == [UNAVAILABLE, UNAVAILABLE, COMPLETED]


async def named(caller: Caller, response: Any) -> None:
    await finished(caller.session.gather(response))


async def read(caller: Caller, response: Any) -> None:
    if caller.kind.asynchronous:
        await caller.content(response)
    else:
        assert response.status_code


gathered = pytest.mark.parametrize("gather", [named, read])


@every_kind
@gathered
@pytest.mark.parametrize("statuses", [(503, 503, 200), (307, 503, 503, 200), (200,)], ids=str)
def test_each_try_of_a_promise_is_a_call(kind: Kind, gather: Any, statuses: tuple[int, ...], http_2: str) -> None:
    """One that is not named when it is gathered is never had again: niquests waits for it without an end."""

    async def scenario(caller: Caller) -> Any:
        with attribute(user="ann"):
            response = await caller.post(http_2, stream=True)
        assert response.lazy
        with attribute(user="bob"):
            await gather(caller, response)
        return await caller.content(response), snapshot(response)["hooks"], response.status_code, len(response.history)

    with answering(*statuses):
        seen = same(kind, host_of(http_2), scenario, retries=retries(), **MULTIPLEXED)
    assert tried(seen) == [UNAVAILABLE] * statuses.count(503) + [COMPLETED]
    assert {call.user for call in seen} == {"ann"}


@every_kind
def test_each_try_of_a_promise_names_its_own_span(kind: Kind, http_2: str) -> None:
    async def scenario(caller: Caller) -> Any:
        response = await caller.post(http_2, stream=True)
        await named(caller, response)
        return await caller.content(response)

    with answering(503, 503, 200), linking(host_of(http_2)) as seen:
        assert run(kind, scenario, retries=retries(), **MULTIPLEXED) == plain()
    assert_each_names_its_own(seen, ANSWERS.bodies)


@every_kind
def test_a_promise_that_is_waited_for_again_is_one_try(kind: Kind, http_2: str) -> None:
    class Patient(Retry):  # type: ignore[misc,valid-type]  # see above
        def increment(self, *args: Any, **kwargs: Any) -> Any:
            assert ANSWERS.held is not None
            ANSWERS.held.set()
            return super().increment(*args, **kwargs)

    async def scenario(caller: Caller) -> Any:
        ANSWERS.held = threading.Event()
        response = await caller.post(http_2, stream=True, timeout=(5, 0.2))
        await named(caller, response)
        return await caller.content(response), response.status_code, ANSWERS.held.is_set()

    with answering(200):
        again = {"retries": Patient(50, allowed_methods=None), **MULTIPLEXED}
        assert run(kind, scenario, **again) == (plain(), 200, True)
        seen = same(kind, host_of(http_2), scenario, **again)
    assert tried(seen) == [COMPLETED]


@every_kind
def test_equal_promises_keep_their_tries(kind: Kind, http_2: str) -> None:
    async def scenario(caller: Caller) -> Any:
        responses = [await caller.post(http_2, stream=True) for _ in range(2)]
        for response in responses:
            await named(caller, response)
        return [(await caller.content(response), response.status_code) for response in responses]

    with answering(503, 503, 200, 200):
        seen = same(kind, host_of(http_2), scenario, retries=retries(), **MULTIPLEXED)
    firsts = [call for call in seen if call.attempt_of is None]
    assert len(firsts) == 2
    for first in firsts:
        assert tried([call for call in seen if first.call_id in {call.call_id, call.attempt_of}]) == [
            UNAVAILABLE,
            COMPLETED,
        ]


@every_kind
def test_a_promise_that_is_tried_in_vain(kind: Kind, http_2: str) -> None:
    async def scenario(caller: Caller) -> Any:
        await named(caller, await caller.post(http_2, stream=True))

    with answering(503):
        seen = same(kind, host_of(http_2), scenario, retries=retries(2), **MULTIPLEXED)
    assert tried(seen) == [UNAVAILABLE] * 3
