"""Spans that have ids and nothing more, for an application without a tracer provider, where nobody exports them."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    TracerProvider,
    get_current_span,
    use_span,
)
from opentelemetry.util.types import Attributes

from spancast.base import ids

_SAMPLED, _DROPPED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)


class IdentityTracer(Tracer):
    """Creates spans with the ids and the sampling that the SDK would give them."""

    def __init__(self, sampler: Sampler) -> None:
        """Sample spans by `sampler`."""
        self._sampler = sampler
        self.uses_sampler = self._sampler is not DEFAULT_ON
        """Whether the sampler is called; the SDK's default samples as the parent is, and every new trace."""

    def identity(self, above: SpanContext) -> Span:
        """Return a span under `above` without calling the sampler."""
        if not above.is_valid:
            flags, state = _SAMPLED, None
            trace_id = ids.trace_id()
        else:
            flags, state = (_SAMPLED if above.trace_flags.sampled else _DROPPED), above.trace_state
            trace_id = above.trace_id
        span_id = ids.span_id()
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
        if not self.uses_sampler:
            return self.identity(above)
        trace_id = above.trace_id if above.is_valid else ids.trace_id()
        result = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
        flags = _SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else _DROPPED
        span_id = ids.span_id()
        return NonRecordingSpan(
            SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=result.trace_state)
        )

    def start_as_current_span(self, name: str, *args: Any, end_on_exit: bool = True, **options: Any) -> Any:
        """Make such a span current."""
        return use_span(self.start_span(name, *args, **options), end_on_exit)


class IdentityProvider(TracerProvider):
    """Has the resource and the sampler that the environment configures.

    The SDK's own provider does more: in every forked process it detects its resource again, in threads, which takes
    milliseconds and, under gevent, lets the application's greenlets run in the child.
    """

    def __init__(self) -> None:
        self.resource = _resource()
        self._tracer = IdentityTracer(sampling._get_from_env_or_default())  # noqa: SLF001 - the SDK has no other way

    def get_tracer(self, *_args: Any, **_options: Any) -> IdentityTracer:
        """Return the only tracer."""
        return self._tracer


def _resource() -> Resource:
    """Return the resource that the environment configures.

    The SDK detects it in threads; where none can be started, or the interpreter is shutting down, without them.
    """
    try:
        return Resource.create()
    except RuntimeError:
        return OTELResourceDetector().detect()
