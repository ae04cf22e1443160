"""A request becomes a Call and a span, whatever of ours or of the application's fails beside it."""

import json
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import NoOpTracerProvider, format_span_id, format_trace_id

from spancast import attribute
from spancast.attribution import rules
from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.headers import REQUEST_HEADERS, RESPONSE_HEADERS
from spancast.capture.http_request import HttpRequest
from spancast.capture.request.endpoint import server_and_key
from spancast.capture.route import Routes
from spancast.recording.aftermath import Aftermath
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.trace.tracing import Tracing
from tests.support.answers import COST, GENERATION, JSON, PROMPT, plain


class Recorded:
    """A recorder, with what it keeps in a list and what it traces in another."""

    def __init__(self, sampler: Sampler = DEFAULT_ON, provider: Any = None, keep: Any = None) -> None:
        self.kept: list[Call] = []
        self._spans = InMemorySpanExporter()
        self.provider = provider or TracerProvider(
            sampler, shutdown_on_exit=False, resource=Resource({"service.name": "shop"})
        )
        if isinstance(self.provider, TracerProvider):
            self.provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.recorder = Recorder(Routes(), Tracing(self.provider), keep or self.kept.append, ("otlp", "webhook"))

    @property
    def spans(self) -> Any:
        return self._spans.get_finished_spans()

    def open(self, body: Mapping[str, Any] | bytes = PROMPT, headers: Mapping[str, str] | None = None) -> Exchange:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        exchange = self.recorder.open(a_request(body=content, headers=headers or {}))
        assert exchange is not None
        return exchange

    def call(self, **request: Any) -> Call:
        """Make a call that is answered, and return what was kept of it."""
        exchange = self.open(**request)
        exchange.headers(200, JSON)
        exchange.body(plain())
        return self.kept[-1]


def a_request(**parts: Any) -> HttpRequest:
    given: dict[str, Any] = {
        "method": "POST",
        "scheme": "https",
        "host": "openrouter.ai",
        "port": None,
        "path": "/api/v1/chat/completions",
        "headers": {},
        "body": b"{}",
    }
    return HttpRequest(**{**given, **parts})


@pytest.fixture
def as_in_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "faults", type(guard.faults)())


@pytest.mark.parametrize(
    "parts",
    [{"host": "api.openai.com"}, {"method": "GET"}, {"path": "/api/v1/models"}, {"path": "/chat/completions/x"}],
    ids=str,
)
def test_what_asks_no_model_opens_nothing(parts: dict[str, str]) -> None:
    recorded = Recorded()
    assert recorded.recorder.open(a_request(**parts)) is None
    assert recorded.kept == []


def test_a_call_is_kept_when_its_headers_have_come_and_when_it_ends() -> None:
    recorded = Recorded()
    exchange = recorded.open()
    assert recorded.kept == []
    exchange.headers(200, {**JSON, "x-generation-id": GENERATION})
    (opened,) = recorded.kept
    assert (opened.outcome, opened.generation_id, opened.cost) == (None, GENERATION, None)
    assert recorded.spans == ()
    exchange.body(plain())
    _, done = recorded.kept
    assert (done.call_id, done.outcome, done.cost) == (opened.call_id, "completed", COST)
    assert len(recorded.spans) == 1


class Noting(dict[str, str]):
    """Headers that remember by which names they were asked."""

    def __init__(self, headers: Mapping[str, str], asked: set[bytes]) -> None:
        super().__init__(headers)
        self.asked = asked

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name).encode())
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name.encode())
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name.encode())
        return super().get(name, default)


def test_no_header_is_read_that_the_hooks_of_httpx_leave_out() -> None:
    asked: set[bytes] = set()
    answered: set[bytes] = set()
    recorded = Recorded()
    exchange = recorded.open(headers=Noting({"x-title": "Shop", "authorization": "Bearer sk-or-v1-0"}, asked))
    server_and_key("https", "openrouter.ai", None, "/api/v1/chat/completions", Noting({}, asked))
    exchange.headers(429, Noting({**JSON, "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, answered))
    exchange.body(b"{}")
    assert asked == REQUEST_HEADERS
    assert answered == RESPONSE_HEADERS


def test_ids_are_neither_repeated_by_a_seed_of_the_applications_nor_taken_from_its_random_numbers() -> None:
    kept: list[Call] = []
    recorder = Recorder(Routes(), Tracing(), kept.append)
    for _ in range(3):
        random.seed(42)
        first = random.random()
        random.seed(42)
        exchange = recorder.open(a_request())
        assert exchange is not None
        assert random.random() == first
        exchange.headers(200, JSON)
    assert len({call.call_id for call in kept}) == len({call.trace_id for call in kept}) == 3
    assert len({call.span_id for call in kept}) == 3


OWN_KEY = "sk-or-v1-0123456789abcdef"


@pytest.mark.parametrize(
    "body",
    [
        {"model": f"@preset/{OWN_KEY}"},
        {"models": ["a/b", OWN_KEY]},
        {"fallbacks": [{"model": OWN_KEY}]},
        {"stop": [OWN_KEY]},
        {"plugins": [{"id": OWN_KEY}]},
        *({field: OWN_KEY} for field in ("preset", "tool_choice", "service_tier", "verbosity", "previous_response_id")),
        *({field: OWN_KEY} for field in ("user", "session_id", "reasoning_effort", "response_format")),
        {"metadata": {OWN_KEY: "a"}, "trace": {"trace_name": OWN_KEY}},
    ],
)
def test_a_requests_own_key_is_kept_of_nothing_that_it_asks_for(body: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {OWN_KEY}", "x-openrouter-categories": f"a,{OWN_KEY}", "x-title": OWN_KEY}
    kept = Recorded().call(body={**PROMPT, "top_p": 0.5, **body}, headers=headers)
    assert OWN_KEY not in repr(kept)
    assert kept.parameters is not None
    assert kept.parameters.top_p == 0.5
    assert kept.app_categories == ("a", "[removed]")


def test_what_a_tag_holds_that_is_named_as_a_secret_is_not_kept() -> None:
    with attribute(tags={"password": "x", "team": "blue", "note": "gsk_0123456789abcdefghijklmnop"}):
        kept = Recorded().call(body={**PROMPT, "metadata": {"has_token": True, "token": "x"}})
    assert kept.tags == {"password": "[removed]", "team": "blue", "note": "[removed]"}
    assert kept.metadata == {"has_token": "true", "token": "[removed]"}


@pytest.mark.parametrize(
    ("user", "told", "kept"),
    [
        ("ada@example.com", "User ada@example.com is over its limit", "User [removed] is over its limit"),
        ("7", "User '7' has 17 calls left of 7.", "User '[removed]' has 17 calls left of [removed]."),
    ],
)
def test_a_user_who_is_pseudonymised_is_not_kept_of_what_an_answer_quotes(
    user: str, told: str, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(**asked: Any) -> str | None:
        exchange = Recorded().open({**PROMPT, **asked})
        exchange.headers(403, JSON)
        recorded: list[Call] = []
        exchange._on_finish = recorded.append
        exchange.body(json.dumps({"error": {"code": 403, "message": told}}).encode())
        assert recorded[0].error_type == "403"
        return recorded[0].error_message

    assert said(user=user) == told
    monkeypatch.setattr(rules, "_current", rules.Rules(hash_key=b"key"))
    assert said(user=user) == kept
    with attribute(user=user):
        assert said() == kept
    assert said(user="another") == told


def test_the_words_of_a_failed_job_are_not_kept_where_users_are_pseudonymised(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> Any:
        recorded = Recorded()
        exchange = recorded.recorder.open(a_request(method="GET", path="/api/v1/videos/job-1", body=b""))
        assert exchange is not None
        exchange.headers(200, JSON)
        exchange.body(b'{"id":"job-1","status":"failed","error":"ada may not do that"}')
        (late,) = recorded.kept
        return late

    assert (told().error_type, told().error_message) == ("failed", "ada may not do that")
    monkeypatch.setattr(rules, "_current", rules.Rules(hash_key=b"key"))
    assert (told().error_type, told().error_message) == ("failed", None)


def test_a_user_who_is_pseudonymised_is_not_kept_as_the_name_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_current", rules.Rules(hash_key=b"key"))
    named = {"trace_id": "u_1", "generation_name": "u_1", "trace_name": "chat", "environment": "u_1", "release": "2"}
    kept = Recorded().call(body={**PROMPT, "user": "u_1", "trace": named}, headers={"x-title": "u_1"})
    pseudonym = kept.user
    assert pseudonym not in (None, "u_1")
    assert (kept.request_trace_id, kept.generation_name, kept.environment, kept.app_title) == (pseudonym,) * 4
    assert (kept.trace_name, kept.release) == ("chat", "2")


def test_every_call_has_a_key_of_its_own() -> None:
    recorded = Recorded()
    keys = {recorded.call().call_id for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {32}


def test_a_call_has_its_place_in_the_applications_trace() -> None:
    recorded = Recorded()
    with recorded.provider.get_tracer("application").start_as_current_span("request") as outer:
        call = recorded.call()
    above, (span, _) = outer.get_span_context(), recorded.spans
    assert call.trace_id == format_trace_id(above.trace_id) == format_trace_id(span.context.trace_id)
    assert call.span_id == format_span_id(span.context.span_id)
    assert call.parent_span_id == format_span_id(above.span_id) == format_span_id(span.parent.span_id)
    assert (call.sampled, call.resource, call.destinations) == (True, {"service.name": "shop"}, ("otlp", "webhook"))


def test_a_call_outside_of_every_trace_begins_one() -> None:
    recorded = Recorded()
    call = recorded.call()
    assert call.parent_span_id is None
    assert call.trace_id == format_trace_id(recorded.spans[0].context.trace_id)


@pytest.mark.parametrize(
    ("body", "headers", "user", "session"),
    [
        ({}, {}, "u_block", "s_block"),
        ({"user": "u_body"}, {}, "u_body", "s_block"),
        ({"session_id": "s_body"}, {"x-session-id": "s_header"}, "u_block", "s_body"),
        ({}, {"x-session-id": "s_header"}, "u_block", "s_header"),
        ({"user": "", "session_id": 7}, {"x-session-id": ""}, "u_block", "s_block"),
    ],
)
def test_what_the_request_itself_says_of_its_user_wins(
    body: dict[str, Any], headers: dict[str, str], user: str, session: str
) -> None:
    recorded = Recorded()
    with attribute(user="u_block", session="s_block", tags={"feature": "search"}):
        call = recorded.call(body=PROMPT | body, headers=headers)
    assert (call.user, call.session, call.tags) == (user, session, {"feature": "search"})
    assert (recorded.spans[0].attributes["user.id"], recorded.spans[0].attributes["session.id"]) == (user, session)


def test_whom_a_call_is_for_is_decided_when_it_is_asked() -> None:
    recorded = Recorded()
    with attribute(user="u_1"):
        exchange = recorded.open()
    with attribute(user="u_2"):
        exchange.headers(200, JSON)
        exchange.body(plain())
    assert recorded.kept[-1].user == "u_1"


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, TraceIdRatioBased(0.0), ParentBased(ALWAYS_OFF)])
def test_a_call_that_is_not_sampled_is_kept_all_the_same(sampler: Sampler) -> None:
    recorded = Recorded(sampler)
    call = recorded.call()
    assert recorded.spans == ()
    assert (call.outcome, call.cost, call.sampled) == ("completed", COST, False)
    assert call.trace_id is not None


def test_a_call_in_a_trace_that_is_not_sampled_is_kept_all_the_same() -> None:
    recorded = Recorded(ParentBased(ALWAYS_OFF))
    with recorded.provider.get_tracer("application").start_as_current_span("request") as outer:
        call = recorded.call()
    assert recorded.spans == ()
    assert (call.cost, call.sampled) == (COST, False)
    assert call.trace_id == format_trace_id(outer.get_span_context().trace_id)


def test_a_call_that_the_application_does_not_want_traced_is_kept_all_the_same() -> None:
    recorded = Recorded()
    with suppress_instrumentation():
        call = recorded.call()
    assert recorded.spans == ()
    assert (call.cost, call.trace_id, call.span_id) == (COST, None, None)


def test_a_provider_that_makes_no_spans_gives_a_call_its_parents_place() -> None:
    recorded = Recorded(provider=NoOpTracerProvider())
    assert recorded.call().trace_id is None
    with TracerProvider(shutdown_on_exit=False).get_tracer("application").start_as_current_span("request") as outer:
        call = recorded.call()
    place = outer.get_span_context()
    assert (call.trace_id, call.parent_span_id) == (format_trace_id(place.trace_id), format_span_id(place.span_id))
    assert call.span_id is None


def test_the_calls_own_span_is_left_alone_by_whoever_is_current_when_it_ends() -> None:
    recorded = Recorded()
    exchange = recorded.open()
    with recorded.provider.get_tracer("application").start_as_current_span("later") as later:
        exchange.headers(200, JSON)
        exchange.body(plain())
        assert trace.get_current_span() is later
        assert later.is_recording()
    assert [span.name for span in recorded.spans] == ["chat openai/gpt-5-mini", "later"]


def test_a_journal_that_fails_costs_neither_the_span_nor_the_caller(as_in_an_application: None) -> None:
    def full(_call: Call) -> None:
        raise OSError("The disk is full.")

    recorded = Recorded(keep=full)
    exchange = recorded.open()
    exchange.headers(200, JSON)
    exchange.body(plain())
    assert recorded.spans[0].attributes["spancast.outcome"] == "completed"
    assert sum(guard.faults.values()) == 2


class NoTracers(TracerProvider):
    """A provider that gives no tracer."""

    def get_tracer(self, *_: Any, **__: Any) -> Any:
        raise LookupError("no such tracer")


class NoProcessors(TracerProvider):
    """A provider that takes no processor."""

    def add_span_processor(self, *_: Any, **__: Any) -> None:
        raise LookupError("no more processors")


class FailingSampler(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> Any:
        raise LookupError("nobody knows")

    def get_description(self) -> str:
        return "fails"


class FailingProcessor(SpanProcessor):
    def on_start(self, *_: Any, **__: Any) -> None:
        raise LookupError("no room")


def with_a_failing_processor() -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(FailingProcessor())
    return provider


@pytest.mark.parametrize(
    "provider",
    [
        lambda: NoTracers(shutdown_on_exit=False),
        lambda: NoProcessors(shutdown_on_exit=False),
        lambda: TracerProvider(FailingSampler(), shutdown_on_exit=False),
        with_a_failing_processor,
    ],
    ids=["get_tracer", "add_span_processor", "sampler", "on_start"],
)
def test_an_application_whose_tracing_fails_has_its_calls_booked(
    as_in_an_application: None, provider: Callable[[], TracerProvider]
) -> None:
    kept: list[Any] = []
    recorder = Recorder(Routes(), Tracing(provider()), kept.append)
    exchange = recorder.open(a_request(body=json.dumps(PROMPT).encode()))
    assert exchange is not None
    exchange.headers(200, JSON)
    exchange.body(plain())
    assert (kept[-1].outcome, kept[-1].cost) == ("completed", COST)
    assert sum(guard.faults.values()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here.")
def test_what_a_parent_has_abandoned_a_forked_child_does_not_end() -> None:
    recorded = Recorded()
    exchange = recorded.open()
    exchange.headers(200, JSON)
    exchange.finish("abandoned")
    child = os.fork()
    if child == 0:
        recorded.recorder.submit_abandoned()
        os._exit(len(recorded.spans))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    recorded.recorder.submit_abandoned()
    assert len(recorded.spans) == 1


def test_nothing_is_kept_where_only_spans_are_wanted() -> None:
    recorded = Recorded()
    recorder = Recorder(Routes(), Tracing(recorded.provider), append=None)
    exchange = recorder.open(a_request())
    assert exchange is not None
    exchange.headers(200, JSON)
    exchange.body(plain())
    assert len(recorded.spans) == 1


def test_an_abandoned_call_is_kept_at_once_and_its_span_ends_with_the_next() -> None:
    recorded = Recorded()
    exchange = recorded.open()
    exchange.headers(200, JSON)
    exchange.finish("abandoned")
    assert recorded.kept[-1].outcome == "abandoned"
    assert recorded.spans == ()
    recorded.open()
    (span,) = recorded.spans
    assert span.attributes["spancast.outcome"] == "abandoned"
    assert span.end_time == recorded.kept[1].started_at + (recorded.kept[1].duration or 0)


@pytest.fixture
def _threads_that_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_that_take_turns_often")
def test_abandoned_calls_are_settled_once_by_whichever_thread_comes_first() -> None:
    recorded, together = Recorded(), threading.Barrier(8)
    for exchange in [recorded.open() for _ in range(500)]:
        exchange.finish("abandoned")

    def settle() -> None:
        together.wait()
        recorded.recorder.submit_abandoned()

    with ThreadPoolExecutor(8) as pool:
        for settled in [pool.submit(settle) for _ in range(8)]:
            settled.result()
    assert len(recorded.spans) == 500


def test_what_openrouter_is_not_told_is_not_kept_either() -> None:
    """A key, in a header or quoted by an error, is in no record and no span."""
    recorded = Recorded()
    exchange = recorded.open(headers={"authorization": "Bearer sk-or-v1-very-secret"})
    exchange.headers(401, JSON)
    exchange.body(b'{"error":{"code":401,"message":"No auth for sk-or-v1-very-secret"}}')
    assert "very-secret" not in repr(recorded.kept)
    assert "very-secret" not in repr([(span.attributes, span.status.description) for span in recorded.spans])


def test_a_span_that_goes_out_in_a_batch_is_ended_behind_the_callers_back_and_before_a_flush() -> None:
    exported, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exported))
    seen = Recorded()
    seen.recorder = Recorder(Routes(), Tracing(provider), seen.kept.append, (), Aftermath())
    call = seen.call()
    provider.force_flush()
    (span,) = exported.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["openrouter.generation.id"] == call.generation_id
    assert (span.start_time, span.end_time) == (call.started_at, call.started_at + (call.duration or 0))
    provider.shutdown()
