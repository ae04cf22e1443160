"""The inference-details event of a Call, where that is asked for: what its span says, as a log record of its own.

(GenAI semantic conventions, `gen_ai.client.inference.operation.details`, opt-in.)
"""

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from spancast.call import Call
from spancast.content import Content
from spancast.trace.attributes import answer_attributes, content_attributes, request_attributes

NAME = "gen_ai.client.inference.operation.details"


class Events:
    """Emits Calls to the application's logger provider. From one thread."""

    def __init__(self, provider: LoggerProvider | None = None) -> None:
        self._given = provider

    def emit(self, call: Call, content: Content | None) -> None:
        """Emit a finished call, with its words where they are known."""
        provider = self._given or get_logger_provider()
        words = {} if content is None else content_attributes(content)
        provider.get_logger("spancast").emit(
            LogRecord(
                timestamp=call.started_at + (call.duration or 0),
                event_name=NAME,
                severity_number=SeverityNumber.INFO,
                context=_place(call),
                attributes=request_attributes(call) | answer_attributes(call) | words,
            )
        )


def _place(call: Call) -> Context:
    """Return the context of the call's span, for the record to be found by."""
    if call.trace_id is None or call.span_id is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if call.sampled else TraceFlags.DEFAULT)
    place = SpanContext(int(call.trace_id, 16), int(call.span_id, 16), is_remote=False, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(place), Context())
