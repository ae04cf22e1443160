"""Which open span is above which: what a span is put under where the spans in between do not travel."""

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanContext

from spancast.trace.nesting import is_carrier

MARKS: Final = frozenset(
    {
        "openinference.span.kind",
        "traceloop.span.kind",
        "langfuse.observation.type",
        "langsmith.span.kind",
        "mlflow.spanType",
        "ai.operationId",
        "agent_name",
    }
)
"""By what other conventions than OpenTelemetry's mark an agent, a tool, a workflow or a model's call: OpenInference's,
OpenLLMetry's, Langfuse's, LangSmith's, MLflow's, Vercel's, Pydantic AI's."""

_GENAI = "gen_ai."
_DEEPEST = 256
"""Spans looked at on the way up: a trace that is deeper, or whose ids form a ring, ends there."""


class Family:
    """The spans that live, by their ids. From any thread; a span that is collected is forgotten."""

    def __init__(self) -> None:
        self._living: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def begun(self, span: Span) -> None:
        """Take note of a span."""
        self._living[span.get_span_context().span_id] = span

    def genai_above(self, parent: SpanContext | None) -> SpanContext | None:
        """Return the nearest GenAI span at or above `parent`; `None` where there is none, or it is not of this process.

        One that carries a call is left out: it travels as that call.

        To be asked before the span itself ends: the ones above it are open then, and have said what they are.
        """
        for _ in range(_DEEPEST):
            if parent is None or (span := self._living.get(parent.span_id)) is None:
                return None
            if is_genai(span.attributes or {}) and not is_carrier(parent.span_id):
                return parent
            parent = span.parent
        return None


def is_genai(attributes: Mapping[str, Any]) -> bool:
    """Whether a span says of itself, in the words of any known convention, that it is a part of a model's work."""
    return not MARKS.isdisjoint(attributes) or any(name.startswith(_GENAI) for name in attributes)


def parent_of(span: ReadableSpan) -> SpanContext | None:
    """Return the span's parent in this process or another."""
    return span.parent if span.parent is not None and span.parent.is_valid else None
