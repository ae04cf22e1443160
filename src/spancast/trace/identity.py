"""Spans that are an identity and nothing more, for an application that has no tracer provider: nobody reads more."""

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
    """Gives spans their ids as the SDK would, and asks a sampler."""

    def __init__(self, sampler: Sampler) -> None:
        """Ask `sampler` which spans are kept."""
        self._sampler = sampler
        self.asks = self._sampler is not DEFAULT_ON
        """Whether the sampler is asked; the SDK's default keeps what its parent keeps, and every trace that begins."""

    def identity(self, above: SpanContext) -> Span:
        """Return a span under `above`, whose sampler need not be asked."""
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
        if not self.asks:
            return self.identity(above)
        trace_id = above.trace_id if above.is_valid else ids.trace_id()
        result = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
        flags = _SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else _DROPPED
        span_id = ids.span_id()
        return NonRecordingSpan(
            SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=result.trace_state)
        )

    def start_as_current_span(self, name: str, *args: Any, end_on_exit: bool = True, **options: Any) -> Any:
        """Make such a span the current one."""
        return use_span(self.start_span(name, *args, **options), end_on_exit)


class IdentityProvider(TracerProvider):
    """Has the resource and the sampler that the environment names.

    The SDK's own provider does more: in every process that the application forks it looks for its resource anew, in
    threads, which takes milliseconds, and under gevent lets the application's greenlets run in the child.
    """

    def __init__(self) -> None:
        self.resource = _resource()
        self._tracer = IdentityTracer(sampling._get_from_env_or_default())  # noqa: SLF001 - the SDK has no other way

    def get_tracer(self, *_args: Any, **_options: Any) -> IdentityTracer:
        """Return the one that there is."""
        return self._tracer


def _resource() -> Resource:
    """Return the resource that the environment names, as far as that can be found out now.

    The SDK looks for it in threads, which cannot be had where they are refused, or where the interpreter is ending.
    """
    try:
        return Resource.create()
    except RuntimeError:
        return OTELResourceDetector().detect()
