"""Spans that are an identity and nothing more, for an application that has no tracer provider: nobody reads more."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    get_current_span,
    use_span,
)
from opentelemetry.util.types import Attributes

from spancast.base import ids

_SAMPLED, _DROPPED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)


class OwnIds(IdGenerator):
    """Ids that no seed of the application's repeats, and that take no random number from it."""

    def generate_span_id(self) -> int:
        """Return a new one."""
        return ids.span_id()

    def generate_trace_id(self) -> int:
        """Return a new one."""
        return ids.trace_id()

    def is_trace_id_random(self) -> bool:
        """Return that it is (W3C Trace Context, random trace id flag)."""
        return True


class IdentityTracer(Tracer):
    """Gives spans their ids as the SDK would, and asks the sampler that the environment names."""

    def __init__(self, provider: TracerProvider) -> None:
        """Take the sampler and the ids of a provider."""
        self._sampler, self._ids = provider.sampler, provider.id_generator
        self.asks = self._sampler is not DEFAULT_ON
        """Whether the sampler is asked; the SDK's default keeps what its parent keeps, and every trace that begins."""

    def identity(self, above: SpanContext) -> Span:
        """Return a span under `above`, whose sampler need not be asked."""
        if not above.is_valid:
            flags, state = _SAMPLED, None
            trace_id = self._ids.generate_trace_id()
        else:
            flags, state = (_SAMPLED if above.trace_flags.sampled else _DROPPED), above.trace_state
            trace_id = above.trace_id
        span_id = self._ids.generate_span_id()
        return NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=state))

    def start_span(  # noqa: PLR0913, PLR0917 - the signature is OpenTelemetry's
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,  # noqa: ARG002 - see above
        record_exception: bool = True,  # noqa: ARG002 - see above
        set_status_on_exception: bool = True,  # noqa: ARG002 - see above
    ) -> Span:
        """Return a span that records nothing."""
        above = get_current_span(context).get_span_context()
        if not self.asks:
            return self.identity(above)
        trace_id = above.trace_id if above.is_valid else self._ids.generate_trace_id()
        result = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
        flags = _SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else _DROPPED
        span_id = self._ids.generate_span_id()
        return NonRecordingSpan(
            SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=result.trace_state)
        )

    def start_as_current_span(self, name: str, *args: Any, end_on_exit: bool = True, **options: Any) -> Any:
        """Make such a span the current one."""
        return use_span(self.start_span(name, *args, **options), end_on_exit)
