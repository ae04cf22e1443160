"""The inference-details event of a Call, which is opt-in: the attributes of its span, as a log record.

(GenAI semantic conventions, `gen_ai.client.inference.operation.details`.) Content is JSON text on a span; on an event
the conventions ask for structured values.
"""

from typing import TYPE_CHECKING

import msgspec
from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from spancast.records.call import Call
from spancast.records.content import Content
from spancast.spans.attributes import content_attributes, request_attributes, response_attributes
from spancast.spans.scope import SCOPE, VERSION

if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue

NAME = "gen_ai.client.inference.operation.details"


class Events:
    """Emits Calls to the application's logger provider, as soon as it has one."""

    def __init__(self, provider: LoggerProvider | None = None) -> None:
        self._given = provider

    def is_enabled(self) -> bool:
        """Return whether log records are processed; the API's own providers drop them."""
        return not type(self._provider()).__module__.startswith("opentelemetry._logs")

    def emit(self, call: Call, content: Content | None) -> None:
        """Emit a finished call, with its content if it is given."""
        attributes: dict[str, AnyValue] = {**request_attributes(call), **response_attributes(call)}
        if content is not None:
            attributes.update((name, msgspec.json.decode(value)) for name, value in content_attributes(content).items())
        self._provider().get_logger(SCOPE, VERSION).emit(
            LogRecord(
                timestamp=call.started_at + (call.duration or 0),
                event_name=NAME,
                severity_number=SeverityNumber.INFO,
                context=_context(call),
                attributes=attributes,
            )
        )

    def _provider(self) -> LoggerProvider:
        return self._given or get_logger_provider()


def _context(call: Call) -> Context:
    """Return the context of the call's span, which links the log record to it."""
    if call.trace_id is None or call.span_id is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if call.sampled else TraceFlags.DEFAULT)
    span_context = SpanContext(int(call.trace_id, 16), int(call.span_id, 16), is_remote=False, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(span_context), Context())
