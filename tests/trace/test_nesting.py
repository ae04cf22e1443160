"""Beside another instrumentation: one LLM span a call, theirs with what ours would have said, or ours that says so."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import attach, detach, get_current, set_value
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, Sampler
from opentelemetry.trace import Span, StatusCode, format_span_id, format_trace_id

from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.capture.route import Routes
from spancast.delivery.otlp import OtlpEncoder
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.semconv import names
from spancast.spans.export import export_call
from spancast.testing import Simulator
from spancast.trace import nesting
from spancast.trace.tracing import Tracing
from tests.bookkeeping.records import call
from tests.support.answers import COST, DONE, GENERATION, JSON, PROVIDER, SSE, STREAM, TEXT, USAGE, chunk, plain
from tests.support.programs import surroundings

BODY = b'{"model":"openai/gpt-5-mini","messages":[],"user":"u_1"}'
LLM: dict[str, Any] = {names.OPERATION: "chat"}
BILL = chunk(finish="stop", usage=USAGE)


class Beside:
    """A recorder in a provider that another library makes its spans in."""

    def __init__(self, sampler: Sampler = DEFAULT_ON, limits: SpanLimits | None = None) -> None:
        self._spans = InMemorySpanExporter()
        provider = TracerProvider(sampler, shutdown_on_exit=False, span_limits=limits)
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.calls: list[Call] = []
        tracing = Tracing(provider)
        tracing.watch()
        self.recorder = Recorder(Routes(), tracing, self.calls.append)
        self.theirs = provider.get_tracer("openinference.instrumentation.openai")
        self.logfire = provider.get_tracer("logfire.openai")

    @property
    def spans(self) -> list[ReadableSpan]:
        self.recorder.submit_abandoned()
        return list(self._spans.get_finished_spans())

    @property
    def finished(self) -> list[Call]:
        return [call for call in self.calls if call.outcome is not None]

    def open(self, body: bytes = BODY, **headers: str) -> Exchange:
        sent = {"content-type": "application/json", **headers}
        request = HttpRequest("POST", "https", "openrouter.ai", None, "/api/v1/chat/completions", sent, body)
        exchange = self.recorder.open(request)
        assert exchange is not None
        return exchange

    def call(self) -> None:
        """Make a call that is answered."""
        exchange = self.open()
        exchange.headers(200, JSON)
        exchange.body(plain())

    def stream(self) -> Exchange:
        """Begin a call whose answer is streamed, up to the last piece of its text."""
        exchange = self.open()
        exchange.headers(200, {**SSE, "x-generation-id": GENERATION})
        for each in TEXT:
            exchange.feed(each)
        return exchange


@pytest.fixture
def beside() -> Beside:
    return Beside()


def said(span: Span | ReadableSpan) -> dict[str, Any]:
    return dict(getattr(span, "attributes", None) or {})


def test_an_open_llm_span_carries_a_call_and_no_other_is_made(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("agent"), beside.theirs.start_as_current_span("llm", attributes=LLM):
        beside.call()

    llm, agent = beside.spans
    assert (llm.name, agent.name) == ("llm", "agent")
    told = said(llm)
    assert (told[names.COST], told[names.COST_USD]) == (float(COST), str(COST))
    assert (told[names.PROVIDER], told[names.GENERATION_ID], told[names.USER]) == (PROVIDER, GENERATION, "u_1")
    assert (told[names.OUTCOME], told[names.HTTP_STATUS]) == ("completed", 200)
    assert names.BESIDE not in told
    assert not any(name.startswith("openrouter.") for name in said(agent))


def test_a_call_has_the_ids_of_the_span_that_carries_it(beside: Beside) -> None:
    theirs = beside.theirs.start_as_current_span
    with theirs("agent") as agent, theirs("llm", attributes=LLM) as llm:
        beside.call()

    place = llm.get_span_context()
    assert {(call.trace_id, call.span_id, call.parent_span_id, call.sampled) for call in beside.calls} == {
        (
            format_trace_id(place.trace_id),
            format_span_id(place.span_id),
            format_span_id(agent.get_span_context().span_id),
            True,
        )
    }


def test_the_record_of_a_carried_call_is_that_span_with_our_attributes(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        beside.call()

    sent = export_call(beside.finished[0], OtlpEncoder(), "1")
    assert (sent.span_id, sent.parent_span_id) == (format_span_id(llm.get_span_context().span_id), None)
    assert sent.attributes[names.COST_USD] == str(COST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (names.COST, 7.5),
        (names.USER, "theirs"),
        (names.GENAI_PROVIDER, "openai"),
        (names.PROVIDER, "theirs"),
        (names.GENERATION_ID, "theirs"),
        (names.OUTCOME, "theirs"),
        (names.INPUT_TOKENS, 1),
    ],
)
@pytest.mark.parametrize("early", [True, False], ids=["before the call", "while it is answered"])
def test_nothing_that_a_span_has_is_overwritten(beside: Beside, name: str, value: Any, early: bool) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        if early:
            llm.set_attribute(name, value)
        exchange = beside.stream()
        llm.set_attribute(name, value)
        exchange.feed(BILL)
        exchange.feed(DONE)

    assert said(llm)[name] == value


def test_the_bill_is_on_the_span_before_the_piece_that_states_it_is_handed_on(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.stream()
        assert names.COST not in said(llm)
        exchange.feed(BILL)
        assert said(llm)[names.COST_USD] == str(COST)
        assert said(llm)[names.COST_SOURCE] == "response"
        assert names.OUTCOME not in said(llm)
        exchange.feed(DONE)
        assert said(llm)[names.OUTCOME] == "completed"


def test_what_the_headers_say_is_on_the_span_though_the_body_never_comes(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.open()
        assert said(llm)[names.USER] == "u_1"
        exchange.headers(200, {**SSE, "x-generation-id": GENERATION})

    assert said(llm)[names.GENERATION_ID] == GENERATION
    exchange.finish("abandoned")
    assert [span.name for span in beside.spans] == ["llm"]
    assert names.OUTCOME not in said(llm)


def test_a_span_that_ends_behind_the_bill_has_carried_the_call(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM):
        exchange = beside.stream()
        exchange.feed(BILL)
    exchange.feed(DONE)

    assert [span.name for span in beside.spans] == ["llm"]
    assert beside.finished[0].outcome == "completed"


def test_ours_is_made_and_marked_where_theirs_ended_before_the_bill(beside: Beside) -> None:
    with beside.logfire.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.stream()
    exchange.feed(BILL)
    exchange.feed(DONE)

    theirs, ours = beside.spans
    assert said(ours)[names.BESIDE] == "logfire"
    assert said(ours)[names.COST_USD] == str(COST)
    assert ours.parent == llm.get_span_context()
    assert names.COST not in said(theirs)
    (call,) = beside.finished
    assert ours.context is not None
    assert (call.span_id, call.parent_span_id) == (
        format_span_id(ours.context.span_id),
        format_span_id(llm.get_span_context().span_id),
    )
    assert (ours.start_time, ours.end_time) == (call.started_at, call.started_at + (call.duration or 0))
    assert (call.beside, export_call(call, OtlpEncoder(), "1").attributes[names.BESIDE]) == ("logfire", "logfire")


def test_ours_is_made_where_theirs_ended_with_a_part_of_the_bill(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM):
        exchange = beside.stream()
        exchange.feed(chunk(usage='{"prompt_tokens":16}'))
    exchange.feed(BILL)
    exchange.feed(DONE)

    theirs, ours = beside.spans
    assert names.COST_USD not in said(theirs)
    assert said(ours)[names.COST_USD] == str(COST)


def test_a_stream_that_is_closed_before_its_bill_is_carried_by_the_span_that_has_its_id(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.stream()
    exchange.close()

    assert [span.name for span in beside.spans] == ["llm"]
    assert said(llm)[names.GENERATION_ID] == GENERATION
    assert beside.finished[0].outcome == "closed"


@pytest.mark.parametrize(
    "attributes",
    [
        {names.OPERATION: "chat"},
        {names.OPERATION: "embeddings"},
        {"openinference.span.kind": "LLM"},
        {"langfuse.observation.type": "generation"},
        {"llm.request.type": "chat"},
    ],
)
def test_an_llm_span_is_known_in_every_vocabulary(beside: Beside, attributes: dict[str, str]) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=attributes):
        beside.call()

    assert [span.name for span in beside.spans] == ["llm"]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {names.OPERATION: "invoke_agent", names.REQUEST_MODEL: "openai/gpt-5-mini"},
        {names.OPERATION: "execute_tool"},
        {names.OPERATION: "invoke_workflow"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "TOOL"},
        {"openinference.span.kind": "CHAIN"},
        {"langfuse.observation.type": "span"},
        {"langfuse.observation.type": "agent"},
        {"traceloop.span.kind": "workflow"},
        {names.REQUEST_MODEL: "openai/gpt-5-mini"},
    ],
)
def test_no_other_span_is_taken_for_one(beside: Beside, attributes: dict[str, str]) -> None:
    with beside.theirs.start_as_current_span("other", attributes=attributes) as other:
        beside.call()

    ours, _ = beside.spans
    assert (ours.name, ours.parent) == ("chat openai/gpt-5-mini", other.get_span_context())
    assert names.BESIDE not in said(ours)
    assert names.COST not in said(other)


def test_a_span_of_ours_carries_no_other_call(beside: Beside) -> None:
    exchange = beside.open()
    token = attach(exchange.context)  # type: ignore[arg-type]  # as the hook does, for whatever is begun meanwhile
    try:
        beside.call()
    finally:
        detach(token)
    exchange.headers(200, JSON)
    exchange.body(plain())

    assert len({call.span_id for call in beside.finished}) == len(beside.spans) == 2


def test_an_llm_span_is_found_above_a_span_of_http(beside: Beside) -> None:
    theirs = beside.theirs.start_as_current_span
    with theirs("llm", attributes=LLM), theirs("POST", attributes={"http.request.method": "POST"}) as request:
        beside.call()

    assert [span.name for span in beside.spans] == ["POST", "llm"]
    assert names.COST in said(beside.spans[1])
    assert names.COST not in said(request)


def test_an_llm_span_above_a_tool_is_of_another_call(beside: Beside) -> None:
    theirs = beside.theirs.start_as_current_span
    with theirs("llm", attributes=LLM) as llm, theirs("tool", attributes={names.OPERATION: "execute_tool"}):
        beside.call()

    assert [span.name for span in beside.spans] == ["chat openai/gpt-5-mini", "tool", "llm"]
    assert names.COST not in said(llm)


@contextmanager
def generation(beside: Beside, model: str) -> Iterator[Span]:
    """Begin a span that is not made the current one and says what it is only then, as Langfuse's drop-in does."""
    span = beside.theirs.start_span("generation")
    span.set_attributes({"langfuse.observation.type": "generation", "langfuse.observation.model.name": model})
    yield span
    span.end()


@pytest.mark.parametrize("nested", [True, False], ids=["inside a span", "alone"])
def test_an_llm_span_that_is_not_the_current_one_is_found_beside_it(beside: Beside, nested: bool) -> None:
    app = beside.theirs.start_span("app")
    token = attach(trace.set_span_in_context(app) if nested else get_current())
    with generation(beside, "openai/gpt-5-mini"):
        beside.call()
    detach(token)

    assert [span.name for span in beside.spans] == ["generation"]
    assert said(beside.spans[0])[names.COST_USD] == str(COST)


def test_an_llm_span_beside_the_current_one_is_left_alone_where_it_asks_another_model(beside: Beside) -> None:
    with generation(beside, "anthropic/claude-haiku-4.5") as other:
        beside.call()

    assert names.COST not in said(other)
    assert [span.name for span in beside.spans] == ["chat openai/gpt-5-mini", "generation"]


def test_a_try_that_failed_makes_room_on_the_span_for_the_next(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        failed = beside.open(**{"x-stainless-retry-count": "0"})
        failed.headers(500, JSON)
        failed.body(b'{"error":{"code":500,"message":"no"}}')
        exchange = beside.open(**{"x-stainless-retry-count": "1"})
        exchange.headers(200, JSON)
        exchange.body(plain())

    first, second = beside.finished
    assert first.span_id == second.span_id == format_span_id(llm.get_span_context().span_id)
    assert [span.name for span in beside.spans] == ["llm"]
    told = said(llm)
    assert (told[names.HTTP_STATUS], told[names.OUTCOME], told[names.COST_USD]) == (200, "completed", str(COST))
    assert (told[names.CALL_ID], told[names.ATTEMPT_OF]) == (second.call_id, first.call_id)
    assert names.ERROR_TYPE not in told
    assert beside.spans[0].status.status_code is StatusCode.UNSET


def test_a_call_that_failed_is_on_their_span_and_its_failure_is_theirs_to_say(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.open()
        exchange.headers(402, JSON)
        exchange.body(b'{"error":{"code":402,"message":"Insufficient credits"}}')

    assert [span.name for span in beside.spans] == ["llm"]
    assert (said(llm)[names.OUTCOME], said(llm)[names.HTTP_STATUS]) == ("error", 402)
    assert names.ERROR_TYPE not in said(llm)
    assert beside.finished[0].error_type is not None


def test_a_span_that_carries_a_call_carries_no_second_one(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        beside.call()
        beside.call()

    assert [span.name for span in beside.spans] == ["chat openai/gpt-5-mini", "llm"]
    assert said(llm)[names.CALL_ID] == beside.finished[0].call_id


def test_a_call_that_is_under_way_keeps_its_span_from_another(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm:
        exchange = beside.stream()
        beside.call()
        exchange.feed(BILL)
        exchange.feed(DONE)

    other, first = beside.finished
    assert said(llm)[names.CALL_ID] == first.call_id
    assert other.span_id != first.span_id


def test_an_open_span_is_told_where_instrumentation_is_suppressed(beside: Beside) -> None:
    with beside.theirs.start_as_current_span("llm", attributes=LLM) as llm, suppress_instrumentation():
        beside.call()

    assert [span.name for span in beside.spans] == ["llm"]
    assert said(llm)[names.COST_USD] == str(COST)


def test_nothing_is_made_of_a_call_where_instrumentation_is_suppressed(beside: Beside) -> None:
    with suppress_instrumentation():
        beside.call()

    assert beside.spans == []
    assert (beside.finished[0].span_id, beside.finished[0].cost) == (None, COST)


def test_a_span_that_is_nearly_full_keeps_what_it_has_and_gets_the_bill_first() -> None:
    beside = Beside(limits=SpanLimits(max_attributes=32))
    theirs = LLM | {f"theirs.{n}": n for n in range(15)}
    with beside.theirs.start_as_current_span("llm", attributes=theirs) as llm:
        beside.call()

    told = said(llm)
    assert theirs.items() <= told.items()
    assert (told[names.COST], told[names.GENERATION_ID]) == (float(COST), GENERATION)
    assert beside.spans[0].dropped_attributes == 0


def test_a_call_under_a_span_that_is_not_sampled_is_not_sampled() -> None:
    beside = Beside(ALWAYS_OFF)
    with beside.theirs.start_as_current_span("llm", attributes=LLM):
        beside.call()

    assert beside.spans == []
    assert (beside.finished[0].sampled, beside.finished[0].cost) == (False, COST)


def test_what_a_genai_instrumentation_says_elsewhere_of_the_call_is_told_too(beside: Beside) -> None:
    class Data:
        attributes: dict[str, Any] = {}  # noqa: RUF012 - one call, one test

    token = attach(set_value("opentelemetry.genai.client.inference.context", Data))
    try:
        with beside.theirs.start_as_current_span("llm", attributes=LLM):
            beside.call()
    finally:
        detach(token)

    assert Data.attributes[names.COST] == float(COST)
    assert Data.attributes[names.GENERATION_ID] == GENERATION
    assert names.OPERATION not in Data.attributes
    assert names.RESPONSE_MODEL not in Data.attributes


def test_a_stream_without_an_open_llm_span_is_heard_to_its_end(beside: Beside) -> None:
    exchange = beside.open()
    exchange.headers(200, SSE)
    for each in STREAM:
        exchange.feed(each)

    (ours,) = beside.spans
    assert (ours.name, said(ours)[names.COST_USD]) == ("chat openai/gpt-5-mini", str(COST))


LATE = """
import os
import httpx, spancast
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spancast.start()
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-4o-mini"}
theirs = trace.get_tracer("theirs").start_span("generation", attributes=said)
httpx.post(
    os.environ["OPENROUTER_BASE_URL"] + "/chat/completions",
    json={"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]},
    headers={"Authorization": "Bearer sk-or-v1-simulator"},
)
theirs.end()
spancast.stop()
print([(span.name, "openrouter.cost_usd" in span.attributes) for span in spans.get_finished_spans()])
"""


def test_the_first_call_of_a_program_is_carried_though_its_provider_was_made_behind_the_start(tmp_path: Any) -> None:
    with Simulator(seed=1) as openrouter:
        done = subprocess.run(
            [sys.executable, "-c", LATE],
            env=surroundings(tmp_path, openrouter),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert (done.stdout.strip(), done.stderr) == ("[('generation', True)]", "")


def test_nothing_of_ours_stays_on_opentelemetry_behind_the_end() -> None:
    before = trace._set_tracer_provider
    tracing = Tracing()
    tracing.watch()
    assert trace._set_tracer_provider is not before
    tracing.stop()

    assert trace._set_tracer_provider is before


@pytest.mark.parametrize(("operation", "seen"), [("responses", "openllmetry"), ("chat", None)])
def test_openllmetry_is_seen_where_its_wrapper_sends_the_request(
    monkeypatch: pytest.MonkeyPatch, operation: str, seen: str | None
) -> None:
    wrappers = ModuleType("opentelemetry.instrumentation.openai.v1.responses_wrappers")
    exec("def wrapper(send): return send()\nasync def awaits(send): return await send()", vars(wrappers))
    monkeypatch.setitem(sys.modules, wrappers.__name__, wrappers)
    sent = call(operation=operation)

    async def send() -> str | None:
        await asyncio.sleep(0)
        return nesting.library_beside(sent)

    assert wrappers.wrapper(lambda: nesting.library_beside(sent)) == seen
    assert asyncio.run(wrappers.awaits(send)) == seen
    assert nesting.library_beside(sent) is None
    assert asyncio.run(send()) is None
