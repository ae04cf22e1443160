"""What becomes of a finished call behind the caller's back, whatever the application's redactor does."""

import asyncio
import gc
import json
import logging
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Span

from spancast.base import guard
from spancast.base.background import MAX_BYTES, MAX_WAITING
from spancast.capture.content.buffer import ContentBuffer
from spancast.recording import aftermath
from spancast.recording.aftermath import Aftermath, AftermathOptions
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.semconv import names
from spancast.trace import span as spans
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics
from tests.support.answers import plain
from tests.support.calls import a_call
from tests.support.waiting import eventually

REQUEST = b'{"messages": [{"role": "user", "content": "Hello"}]}'


class Desk:
    """An application that traces, with what it is told on which thread."""

    def __init__(self, **options: Any) -> None:
        self.kept: list[Content] = []
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._tracer = provider.get_tracer("t")
        self.aftermath = Aftermath(AftermathOptions(**{"capture_content": True, **options}), self.kept.append)

    def span(self, call: Call) -> Span:
        return spans.begin(self._tracer, call, Context(), INVALID_SPAN_CONTEXT)[0]

    def words(self) -> ContentBuffer | None:
        words = self.aftermath.content_buffer("chat", REQUEST, ())
        if words is not None:
            words.start(200, "", streamed=False)
            words.set_body(plain())
        return words

    def finish(self, **facts: Any) -> bool:
        """Let one call finish."""
        call = a_call(**facts)
        return self.aftermath.submit(call, self.words(), self.span(call))

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def attributes(self) -> dict[str, Any]:
        (span,) = self.ended
        return dict(span.attributes or {})


@pytest.fixture(autouse=True)
def _faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "faults", Counter())
    monkeypatch.setattr(guard, "_last_logged", {})


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Lets a redactor go that waits for it."""
    event = threading.Event()
    yield event
    event.set()


def test_the_words_are_kept_and_the_span_ends_with_them() -> None:
    desk = Desk()
    assert desk.finish(call_id="c" * 32)
    assert desk.aftermath.drain(10)
    (content,) = desk.kept
    assert content.call_id == "c" * 32
    assert desk.attributes[names.INPUT_MESSAGES] == content.input_messages
    assert desk.attributes[names.OUTPUT_MESSAGES] == content.output_messages
    assert json.loads(content.output_messages or "")[0]["parts"][0]["content"] == "Hello there, how are you?"


def test_the_span_ends_at_the_calls_own_time_however_long_its_words_take(gate: threading.Event) -> None:
    desk = Desk(redact=lambda text: text if gate.wait(10) else None)
    desk.finish(started_at=1_700_000_000_000_000_000, duration=5)
    gate.set()
    assert desk.aftermath.drain(10)
    assert desk.ended[0].end_time == 1_700_000_000_000_000_005


def test_where_the_words_are_for_the_event_alone_they_are_not_on_the_span() -> None:
    logs, exporter = LoggerProvider(shutdown_on_exit=False), InMemoryLogRecordExporter()
    logs.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    desk = Desk(content_on_span=False, events=Events(logs))
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert names.INPUT_MESSAGES not in desk.attributes
    (record,) = exporter.get_finished_logs()
    assert names.INPUT_MESSAGES in (record.log_record.attributes or {})


def test_where_no_words_are_wanted_none_are_held_and_the_span_is_the_callers_to_end() -> None:
    desk = Desk(capture_content=False)
    assert desk.words() is None
    assert not desk.finish()
    assert desk.aftermath.drain(0)
    assert desk.kept == []
    assert desk.ended == ()


def test_an_event_without_words_ends_the_span_too() -> None:
    logs, exporter = LoggerProvider(shutdown_on_exit=False), InMemoryLogRecordExporter()
    logs.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    desk = Desk(capture_content=False, events=Events(logs))
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert len(desk.ended) == len(exporter.get_finished_logs()) == 1


def test_an_event_that_nobody_keeps_is_not_made() -> None:
    desk = Desk(capture_content=False, events=Events(), metrics=Metrics())
    before = threading.active_count()
    assert not desk.finish()
    assert threading.active_count() == before


def test_nothing_is_done_on_the_callers_thread() -> None:
    threads: dict[str, set[str]] = {"redactor": set(), "metrics": set(), "event": set(), "span": set(), "words": set()}

    def note(what: str) -> None:
        threads[what].add(threading.current_thread().name)

    class Nosy:
        """Is asked of each measurement whether it would do for an example."""

        def should_sample(self, *_: Any) -> bool:
            note("metrics")
            return False

    class Spans(SimpleSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            note("span")
            super().on_end(span)

    class Logs(SimpleLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            note("event")
            super().on_emit(log_record)

    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    meters = MeterProvider([reader], shutdown_on_exit=False, exemplar_filter=Nosy())  # type: ignore[arg-type]
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(Logs(InMemoryLogRecordExporter()))
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(Spans(exporter))

    def redact(text: str) -> str:
        note("redactor")
        return text

    after = Aftermath(
        AftermathOptions(capture_content=True, redact=redact, metrics=Metrics(meters), events=Events(logs)),
        lambda _content: note("words"),
    )
    call = a_call()
    words = after.content_buffer("chat", REQUEST, ())
    assert after.submit(call, words, spans.begin(tracers.get_tracer("t"), call, Context(), INVALID_SPAN_CONTEXT)[0])
    assert after.drain(10)
    assert threads == {
        "redactor": {"spancast-content"},
        "metrics": {"spancast-metrics"},
        "event": {"spancast-content"},
        "span": {"spancast-content"},
        "words": {"spancast-content"},
    }


@pytest.mark.parametrize(
    "error", [ValueError("Hello"), SystemExit("Hello"), asyncio.CancelledError("Hello"), KeyboardInterrupt("Hello")]
)
def test_a_redactor_that_raises_costs_the_words_and_never_the_call(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def redact(_text: str) -> str:
        raise error

    desk = Desk(redact=redact)
    assert desk.finish()
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert [(content.input_messages, content.output_messages) for content in desk.kept] == [(None, None)] * 2
    assert len(desk.ended) == 2
    assert all((span.attributes or {}).get(names.COST) == 0.00123 for span in desk.ended)
    assert guard.faults["content lost: it could not be read"] == 2
    (record,) = caplog.records
    assert type(error).__qualname__ in record.getMessage()
    assert "Hello" not in caplog.text


def test_what_cannot_be_kept_ends_the_span_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    desk = Desk()

    def refuse(_content: Content) -> None:
        raise OSError("the disk is full")

    desk.aftermath = Aftermath(AftermathOptions(capture_content=True), refuse)
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert names.OUTPUT_MESSAGES in desk.attributes


def test_an_event_that_fails_ends_the_span_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)

    class Broken(SimpleLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            raise RuntimeError(log_record)

    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(Broken(InMemoryLogRecordExporter()))
    desk = Desk(events=Events(logs))
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert names.OUTPUT_MESSAGES in desk.attributes


def test_a_slow_redactor_costs_the_words_of_whom_it_lets_wait_and_never_their_spans(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(aftermath, "LATE_SECONDS", 0.5)
    desk = Desk(redact=lambda text: text if gate.wait(30) else None)
    call = a_call()
    assert desk.aftermath.submit(call, desk.words(), desk.span(call))
    eventually(lambda: desk.aftermath._content_work.is_overdue(0.5), 10)
    assert desk.ended == ()
    assert desk.finish()
    eventually(lambda: len(desk.ended) >= 1, 10)
    attributes = desk.ended[0].attributes or {}
    assert (attributes[names.CALL_ID], attributes[names.COST]) == (call.call_id, 0.00123)
    assert names.INPUT_MESSAGES not in attributes
    assert guard.faults["content lost: it took too long"] >= 1
    assert [record.getMessage() for record in caplog.records] == [
        "Prompts and completions are not stored: reading them takes too long. Make the setting redact faster."
    ]
    gate.set()
    assert desk.aftermath.drain(10)
    eventually(lambda: len(desk.ended) == 2, 10)


def test_at_the_end_no_span_waits_for_a_redactor(gate: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(redact=lambda text: text if gate.wait(30) else None)
    for _ in range(3):
        desk.finish()
    assert not desk.aftermath.drain(0.05)
    desk.aftermath.give_up()
    assert len(desk.ended) == 3
    assert desk.aftermath.drain(0)
    assert [content.input_messages for content in desk.kept] == [None] * 3, "nobody is to wait for words"
    with caplog.at_level(logging.WARNING):
        gate.set()
        desk.finish()  # one thread writes: when this is done, so is what was given up
        assert desk.aftermath.drain(60)
    assert caplog.records == []
    assert (len(desk.kept), len(desk.ended)) == (5, 4)


def test_a_queue_that_is_full_costs_the_words_and_the_span_is_the_callers_to_end(gate: threading.Event) -> None:
    begun = threading.Event()

    def redact(text: str) -> str:
        begun.set()
        gate.wait(60)
        return text

    desk = Desk(redact=redact)
    desk.finish()
    assert begun.wait(10)
    assert [desk.finish() for _ in range(MAX_WAITING + 1)] == [True] * MAX_WAITING + [False]
    assert guard.faults["content lost: too much waits"] == 1
    gate.set()
    assert desk.aftermath.drain(60)
    assert len(desk.ended) == MAX_WAITING + 1


def test_words_that_hold_too_much_are_refused(gate: threading.Event) -> None:
    begun = threading.Event()

    def redact(text: str) -> str:
        begun.set()
        gate.wait(60)
        return text

    desk = Desk(redact=redact)
    desk.finish()
    assert begun.wait(10)
    big = b" " * (MAX_BYTES // 2)
    taken = [desk.aftermath.submit(a_call(), ContentBuffer("chat", big), None) for _ in range(3)]
    assert taken == [True, True, False]


def test_metrics_are_recorded_whoever_wants_words() -> None:
    reader = InMemoryMetricReader()
    desk = Desk(capture_content=False, metrics=Metrics(MeterProvider([reader], shutdown_on_exit=False)))
    assert not desk.finish()
    assert desk.aftermath.drain(10)
    data = reader.get_metrics_data()
    assert data is not None
    found = {metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics}
    assert "openrouter.client.cost" in found


def test_metrics_do_not_wait_for_words(gate: threading.Event) -> None:
    reader = InMemoryMetricReader()
    metrics = Metrics(MeterProvider([reader], shutdown_on_exit=False))
    desk = Desk(redact=lambda text: text if gate.wait(30) else None, metrics=metrics)
    assert desk.finish()
    eventually(lambda: reader.get_metrics_data() is not None, 10)


def test_a_call_that_the_redactor_makes_has_no_words() -> None:
    found: list[ContentBuffer | None] = []

    def redact(text: str) -> str:
        found.append(desk.words())
        return text

    desk = Desk(redact=redact)
    desk.finish()
    assert desk.aftermath.drain(10)
    assert found
    assert set(found) == {None}


def test_a_redactor_may_wait_for_what_it_is_a_part_of() -> None:
    answers: list[bool] = []

    def redact(text: str) -> str:
        answers.append(desk.aftermath.drain(30))
        return text

    desk = Desk(redact=redact)
    desk.finish()
    assert desk.aftermath.drain(10)
    assert set(answers) == {False}


def test_words_are_let_go_once_they_are_written() -> None:
    class Held(ContentBuffer):
        __slots__ = ("__weakref__",)

    desk, call = Desk(), a_call()
    words: ContentBuffer | None = Held("chat", REQUEST)
    gone = weakref.ref(words)
    assert desk.aftermath.submit(call, words, desk.span(call))
    del words
    assert desk.aftermath.drain(10)
    gc.collect()
    eventually(lambda: gone() is None, 10)


def test_without_a_journal_the_words_are_on_the_span_alone() -> None:
    desk = Desk()
    desk.aftermath = Aftermath(AftermathOptions(capture_content=True))
    assert desk.finish()
    assert desk.aftermath.drain(10)
    assert names.OUTPUT_MESSAGES in desk.attributes
