"""Which of the application's spans travel, to whom, under whom, and with what of their words."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanKind, StatusCode, format_span_id

from spancast import attribute
from spancast.base import guard
from spancast.delivery.journal import frame
from spancast.destinations.destination import Destination
from spancast.records.app_span import AppSpan
from spancast.records.record import Record
from spancast.records.resource import scalars
from spancast.trace.app_spans import AppSpans
from spancast.trace.pending import MAX_PER_TRACE
from spancast.trace.stamp import Stamp

AGENT = {"gen_ai.operation.name": "invoke_agent"}
KEY = "sk-or-v1-" + "a1" * 32
CUT, MENDED = "span cut: a record holds no more", "span mended: a record holds no such value"


class Application:
    """A provider whose spans are looked at for destinations with these rules, each called by its rule."""

    def __init__(self, *rules: Any, words: bool = False) -> None:
        self.kept: list[AppSpan] = []
        destinations = [Destination("otlp", name=rule, spans=rule) for rule in rules]
        self.app_spans = AppSpans(destinations, self.kept.append, content=words)
        stamp = Stamp()
        stamp.app_spans = self.app_spans
        self.provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "shop"}))
        self.provider.add_span_processor(stamp)
        self.tracer = self.provider.get_tracer("application", "1.2")
        self.start = self.tracer.start_as_current_span

    def seen(self) -> list[AppSpan]:
        assert self.app_spans.complete(5.0)
        return self.kept

    def told(self) -> dict[str, tuple[str, ...]]:
        return {span.name: span.destinations for span in self.seen()}

    def call(self) -> None:
        """Take note of a call in the trace that is under way, as the recorder does."""
        self.app_spans.on_call(trace.get_current_span().get_span_context().trace_id)


@pytest.fixture
def application() -> Application:
    return Application("llm", "genai", "trace", "all")


def test_a_span_goes_to_whom_its_kind_is_for(application: Application) -> None:
    with application.start("request"):
        application.call()
        with application.start("agent", attributes=AGENT), application.start("database"):
            pass
    with application.start("without a call"):
        pass
    assert application.told() == {
        "database": ("trace", "all"),
        "agent": ("genai", "trace", "all"),
        "request": ("trace", "all"),
        "without a call": ("all",),
    }


def test_what_ended_before_the_first_call_of_a_trace_travels_once_there_is_one() -> None:
    application = Application("trace", "all")
    with application.start("request"):
        with application.start("before"):
            pass
        application.call()
    records = [(span.name, span.destinations) for span in application.seen()]
    assert records == [("before", ("all",)), ("before", ("trace",)), ("request", ("trace", "all"))]
    assert len({span.call_id for span in application.kept}) == len(records)


def test_no_more_spans_wait_for_a_call_than_there_is_room_for() -> None:
    application = Application("trace")
    with application.start("request"):
        for _ in range(MAX_PER_TRACE + 5):
            application.tracer.start_span("before").end()
        application.call()
    assert len(application.seen()) == MAX_PER_TRACE + 1


def test_the_nearest_genai_span_above_is_known_over_those_in_between(application: Application) -> None:
    with (
        application.start("agent", attributes=AGENT) as agent,
        application.start("database") as database,
        application.start("tool", attributes={"openinference.span.kind": "TOOL"}),
    ):
        pass
    tool = next(span for span in application.seen() if span.name == "tool")
    assert tool.parent_span_id == format_span_id(database.get_span_context().span_id)
    assert tool.genai_parent_span_id == format_span_id(agent.get_span_context().span_id)


def test_a_span_that_says_what_it_is_after_it_began_is_known_too(application: Application) -> None:
    with application.start("agent") as agent, application.start("tool", attributes=AGENT):
        agent.set_attributes(AGENT)
    tool = next(span for span in application.seen() if span.name == "tool")
    assert tool.genai_parent_span_id == format_span_id(agent.get_span_context().span_id)


def test_everything_of_a_span_is_kept() -> None:
    application = Application("genai")
    with (
        attribute(user="u_1", session="s_1"),
        application.start("agent", kind=SpanKind.SERVER, attributes=AGENT) as span,
    ):
        span.set_attribute("tags", ["a", "b"])
        span.add_event("step", {"n": 1})
        span.set_status(StatusCode.ERROR, "no")
    (seen,) = application.seen()
    assert (seen.kind, seen.status, seen.status_message) == ("server", "error", "no")
    assert seen.attributes == {**AGENT, "tags": ("a", "b"), "user.id": "u_1", "session.id": "s_1"}
    assert [(event.name, event.attributes) for event in seen.events] == [("step", {"n": 1})]
    assert (seen.user, seen.session, seen.scope, seen.resource) == (
        "u_1",
        "s_1",
        ("application", "1.2"),
        {"service.name": "shop"},
    )
    assert seen.started_at <= seen.ended_at


@pytest.mark.parametrize("words", [False, True])
def test_the_words_of_another_library_are_kept_where_ours_are(words: bool) -> None:
    application = Application("genai", words=words)
    said = {"gen_ai.prompt.0.content": "secret plan", "input.value": "secret plan", "gen_ai.prompt.name": "plan-1"}
    with application.start("agent", attributes={**AGENT, **said}) as span:
        span.add_event("gen_ai.user.message", {"content": "secret plan"})
    (seen,) = application.seen()
    assert seen.attributes == {**AGENT, "gen_ai.prompt.name": "plan-1"}
    assert set(seen.content_attributes) == ({"gen_ai.prompt.0.content", "input.value"} if words else set())
    assert ("secret plan" in repr(seen)) is words


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("name", ["lk.pii.response.text", "lk.pii.anything", "lk.chat_ctx"])
def test_what_livekit_marks_is_words(name: str, words: bool) -> None:
    application = Application("genai", words=words)
    application.tracer.start_span("agent", attributes={**AGENT, name: "secret plan", "lk.room_sid": "r"}).end()
    (seen,) = application.seen()
    assert (seen.attributes, name in seen.content_attributes) == ({**AGENT, "lk.room_sid": "r"}, words)


@pytest.mark.parametrize("words", [False, True])
def test_what_an_exception_says_is_words(words: bool) -> None:
    application = Application("genai", words=words)
    with suppress(ValueError), application.start("agent", attributes=AGENT):
        int("secret plan")
    (seen,) = application.seen()
    (raised,) = seen.events
    said = "ValueError: invalid literal for int() with base 10: 'secret plan'"
    assert (seen.status_message, raised.attributes["exception.type"]) == (said if words else "ValueError", "ValueError")
    assert ("secret plan" in repr(seen)) is words


def test_a_status_keeps_its_letters_whatever_its_exception_says() -> None:
    application = Application("genai")
    with suppress(ValueError), application.start("agent", attributes=AGENT):
        raise ValueError("a")
    (seen,) = application.seen()
    assert seen.status_message == "ValueError"


def test_no_secret_is_kept(application: Application) -> None:
    told = {**AGENT, "http.request.header.authorization": f"Bearer {KEY}", "note": f"used {KEY}", "db.password": "x1y2"}
    with application.start("agent", attributes=told) as span:
        span.record_exception(ValueError(f"bad key {KEY}"))
    assert KEY not in repr(application.seen())
    assert "x1y2" not in repr(application.kept)


UNWRITABLE: dict[str, Any] = {
    "half a character": "a\ud800b",
    "half a character \udfff": "its name",
    "halves in a list": ["\udfff", "b"],
    "an integer of 1300 bits": 10**400,
    "integers beyond 64 bits": [1, 2**64],
    "a list with nothing in between": ["a", None, "b"],
    "no number": float("nan"),
}


def test_whatever_an_application_puts_on_a_span_can_be_written_down() -> None:
    application, before = Application("genai", words=True), guard.faults[MENDED]
    application.tracer = application.provider.get_tracer("\ud800", "\udfff")
    with application.tracer.start_as_current_span("\ud800", attributes=AGENT) as span:
        for name, value in UNWRITABLE.items():
            span.set_attribute(name, value)
            span.set_attribute(f"gen_ai.prompt.{name}", value)
        span.add_event("\ud800", {**UNWRITABLE, "bytes": b"\xff"})
        span.set_status(StatusCode.ERROR, "no \ud800")
    (seen,) = application.seen()
    (read,) = read_back(seen)
    assert read.attributes["half a character"] == "a?b"
    assert read.attributes["half a character ?"] == "its name"
    assert read.attributes["halves in a list"] == ("?", "b")
    assert read.attributes["an integer of 1300 bits"] == "[truncated]"
    assert read.attributes["integers beyond 64 bits"] == (1, str(2**64))
    assert read.attributes["a list with nothing in between"] == ("a", "b")
    assert {name.removeprefix("gen_ai.prompt.") for name in read.content_attributes} == {*read.attributes} - {*AGENT}
    assert (read.name, read.status_message, read.scope, read.events[0].name) == ("?", "no ?", ("?", "?"), "?")
    assert guard.faults[MENDED] - before == 1


def test_what_can_be_written_down_is_kept_as_it_is() -> None:
    application, before = Application("genai", words=True), guard.faults.copy()
    told = {
        **AGENT,
        "é": "ü\U0001f600",
        "n": 2**63 - 1,
        "yes": True,
        "list": ("a", "é"),
        "gen_ai.prompt": "x" * 1_000_000,
    }
    with application.start("agent", attributes=told):
        pass
    (read,) = read_back(*application.seen())
    assert {**read.attributes, **read.content_attributes} == told
    assert guard.faults == before


@pytest.mark.parametrize("name", ["payload", "gen_ai.prompt.0.content"])
@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_span_is_as_large_as_a_record_may_be_and_is_counted_where_it_is_cut(name: str, letter: str) -> None:
    application, before = Application("genai", words=True), guard.faults[CUT]
    large = dict.fromkeys([name, *(f"{name}.{number}" for number in range(20))], letter * 3_000_000)
    with application.start("agent", attributes={**AGENT, **large}) as span:
        for _ in range(100):
            span.add_event("step", large)
    (read,) = read_back(*application.seen())
    kept = {**read.attributes, **read.content_attributes}
    assert kept["gen_ai.operation.name"] == "invoke_agent"
    assert str(kept[name]).startswith(letter * 100_000)
    assert str(kept[name]).endswith("[truncated]")
    assert guard.faults[CUT] - before == 1


def test_a_secret_that_is_cut_through_is_removed() -> None:
    application = Application("genai")
    with application.start("agent", attributes={**AGENT, "note": "x" * 399_990 + f" {KEY}"}):
        pass
    assert "sk-or" not in repr(application.seen())


def read_back(*spans: AppSpan) -> list[Any]:
    """Return spans as they are read in the journal."""
    decode = msgspec.msgpack.Decoder(Record).decode
    segment = b"".join(frame.pack(msgspec.msgpack.encode(span)) for span in spans)
    return [decode(each.payload) for each in frame.unpack(segment) if each.payload is not None]


def test_a_resource_can_be_written_down_whatever_it_says() -> None:
    told = {"half": "a\ud800", "half \udfff": "b", "large": 10**30, "no": [1], "yes": True, "service.name": "shop"}
    kept = {"half": "a?", "half ?": "b", "large": str(10**30), "yes": True, "service.name": "shop"}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(scalars(told))) == kept


def test_a_span_of_a_trace_that_is_not_sampled_stays() -> None:
    application = Application("all")
    remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0))
    above = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    application.tracer.start_span("request", above, links=[Link(remote)]).end()
    assert application.seen() == []
