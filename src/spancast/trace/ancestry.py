"""The ancestors of open spans: which span is a parent where the spans in between are not exported."""

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanContext

from spancast.trace.nesting import is_carrier

GENAI_MARKERS: Final = frozenset(
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
"""The attributes that mark an agent, a tool, a workflow or a model call in other conventions than OpenTelemetry's:
those of OpenInference, OpenLLMetry, Langfuse, LangSmith, MLflow, Vercel and Pydantic AI."""

_GENAI_PREFIX = "gen_ai."
_MAX_DEPTH = 256
"""Ancestors that are searched, for a trace that is deeper, or whose ids form a cycle."""


class LiveSpans:
    """The spans that are referenced somewhere, by their ids. Thread-safe."""

    def __init__(self) -> None:
        self._by_id: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def add(self, span: Span) -> None:
        """Add a span; it is forgotten when it is collected."""
        self._by_id[span.get_span_context().span_id] = span

    def nearest_genai(self, parent: SpanContext | None) -> SpanContext | None:
        """Return the nearest GenAI span at or above `parent`; `None` if there is none in this process.

        A span that carries a call is skipped, since it is exported as that call. Call this before the child ends: its
        ancestors are open then, and have their attributes.
        """
        for _ in range(_MAX_DEPTH):
            if parent is None or (span := self._by_id.get(parent.span_id)) is None:
                return None
            if is_genai(span.attributes or {}) and not is_carrier(parent.span_id):
                return parent
            parent = span.parent
        return None


def is_genai(attributes: Mapping[str, Any]) -> bool:
    """Return whether a span is marked as part of a model's work, by any known convention."""
    return not GENAI_MARKERS.isdisjoint(attributes) or any(name.startswith(_GENAI_PREFIX) for name in attributes)


def parent_of(span: ReadableSpan) -> SpanContext | None:
    """Return the span's parent, in this process or another."""
    return span.parent if span.parent is not None and span.parent.is_valid else None
