"""The inference-details event of a Call, where that is asked for: what its span says, as a log record of its own.

(GenAI semantic conventions, `gen_ai.client.inference.operation.details`, opt-in.) On a span the words are JSON text;
on an event the conventions want them as what they mean.
"""

from typing import TYPE_CHECKING

import msgspec
from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from spancast.records.call import Call
from spancast.records.content import Content
from spancast.trace.attributes import answer_attributes, content_attributes, request_attributes
from spancast.trace.span import SCOPE
from spancast.trace.tracing import VERSION

if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue

NAME = "gen_ai.client.inference.operation.details"


class Events:
    """Emits Calls to the application's logger provider, as soon as it has one."""

    def __init__(self, provider: LoggerProvider | None = None) -> None:
        self._given = provider

    def wanted(self) -> bool:
        """Return whether anybody keeps log records here; the API's own providers do not."""
        return not type(self._provider()).__module__.startswith("opentelemetry._logs")

    def emit(self, call: Call, content: Content | None) -> None:
        """Emit a finished call, with its words where they are known."""
        attributes: dict[str, AnyValue] = {**request_attributes(call), **answer_attributes(call)}
        if content is not None:
            attributes.update((name, msgspec.json.decode(words)) for name, words in content_attributes(content).items())
        self._provider().get_logger(SCOPE, VERSION).emit(
            LogRecord(
                timestamp=call.started_at + (call.duration or 0),
                event_name=NAME,
                severity_number=SeverityNumber.INFO,
                context=_place(call),
                attributes=attributes,
            )
        )

    def _provider(self) -> LoggerProvider:
        return self._given or get_logger_provider()


def _place(call: Call) -> Context:
    """Return the context of the call's span, for the record to be found by."""
    if call.trace_id is None or call.span_id is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if call.sampled else TraceFlags.DEFAULT)
    place = SpanContext(int(call.trace_id, 16), int(call.span_id, 16), is_remote=False, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(place), Context())
