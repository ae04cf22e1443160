"""The spans that exporters are given, each built once for all destinations."""

from collections.abc import Callable
from dataclasses import replace

from spancast import contract
from spancast.base.cache import WeightedCache
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.record import SpanRecord
from spancast.spans.attributes import content_attributes
from spancast.spans.export import export_app_span, export_call
from spancast.spans.scope import VERSION

CACHED_SPANS = 1024
"""Cached spans; couriers read the same records at about the same time."""


class SpanCache:
    """Builds the spans that exporters are given. Thread-safe."""

    def __init__(self, encoder: Callable[[], contract.Encoder], version: str) -> None:
        """Create an encoder for each span, and set `version` on its scope."""
        self._encoder, self._version = encoder, version
        self._spans: WeightedCache[str, tuple[SpanRecord, contract.Span]] = WeightedCache(CACHED_SPANS)

    def span_of(self, record: SpanRecord, content: Content | None = None) -> contract.Span:
        """Return the span of a record; `content` is that of a call."""
        span = self._cached(record)
        return span if content is None else replace(span, content=content_attributes(content))

    def _cached(self, record: SpanRecord) -> contract.Span:
        cached = self._spans.get(record.call_id)
        if cached is not None and cached[0] == record:  # a call's cost may have been set since
            return cached[1]
        span = self._export(record)
        self._spans.put(record.call_id, (record, span), 1)
        return span

    def _export(self, record: SpanRecord) -> contract.Span:
        if isinstance(record, Call):
            return export_call(record, self._encoder(), self._version)
        return export_app_span(record, self._encoder())


to_span = SpanCache(OtlpEncoder, VERSION).span_of
"""Returns the span of a record; its cache is shared by all destinations of the process."""
