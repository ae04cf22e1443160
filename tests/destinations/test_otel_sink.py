"""Span exporters of OpenTelemetry's as destinations."""

import pytest
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id

from spancast.contract import Delivered, Retry, Sink
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.otel_sink import OtelSink, readable
from spancast.errors import ConfigurationError
from tests.support.delivered import deliver
from tests.support.spans import SECOND, WORDS, a_trace, of_call

KEPT = InMemorySpanExporter()
"""Found as `module:name` by a test."""


class Failing(SpanExporter):
    def export(self, spans):  # noqa: ARG002 - as the SDK calls it
        return SpanExportResult.FAILURE


def test_an_instance_is_a_destination_and_gets_the_spans(tmp_path):
    exporter = InMemorySpanExporter()
    standing = deliver(tmp_path, a_trace(), exporter)  # type: ignore[arg-type]  # what the destination takes
    assert standing.delivered == 4
    found = {format_span_id(span.context.span_id): span for span in exporter.get_finished_spans() if span.context}
    assert set(found) == {span.span_id for span in a_trace()}
    call = found[a_trace()[1].span_id]
    assert call.parent is not None
    assert format_span_id(call.parent.span_id) == a_trace()[0].span_id
    assert call.attributes is not None
    assert call.attributes["openrouter.cost_usd"] == "0.000106000000000001"


def test_a_span_is_what_it_was():
    agent, call, tool, _ = (readable(span) for span in a_trace())
    assert (call.name, call.kind, agent.kind) == ("chat openai/gpt-5-mini", SpanKind.CLIENT, SpanKind.INTERNAL)
    assert call.start_time is not None
    assert (call.end_time or 0) - call.start_time == 2 * SECOND
    assert (tool.status.status_code, agent.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    (event,) = tool.events
    assert (event.name, (event.attributes or {})["exception.type"]) == ("exception", "TimeoutError")
    assert call.resource.attributes["service.name"] == "shop"
    assert call.instrumentation_scope is not None
    assert call.instrumentation_scope.name == "spancast"
    assert "get_weather" in str((readable(of_call(WORDS)).attributes or {})["gen_ai.output.messages"])


def test_what_it_does_not_take_is_offered_again():
    sink = discover.exporter(Destination(Failing()))
    assert isinstance(sink, Sink)
    assert sink.write([of_call()]) == Retry("Failing did not take it; its own log says why")
    assert OtelSink(InMemorySpanExporter()).write([of_call()]) == Delivered()


def test_one_that_is_named_is_made():
    assert repr(discover.exporter(Destination(f"{ConsoleSpanExporter.__module__}:ConsoleSpanExporter"))) == (
        "OtelSink(ConsoleSpanExporter)"
    )


def test_a_class_in_the_place_of_an_instance_is_refused():
    with pytest.raises(ConfigurationError, match="exporter cannot be"):
        Destination(ConsoleSpanExporter)  # type: ignore[arg-type]  # what is refused
