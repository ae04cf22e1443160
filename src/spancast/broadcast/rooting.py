"""Under which span another is placed at a destination: one whose parent is not sent would be an orphan there."""

from dataclasses import replace

from spancast.contract import Span
from spancast.destinations.destination import Destination
from spancast.records.record import SpanRecord


def rooted(destination: Destination, span: Span, sent: SpanRecord) -> Span:
    """Return a span under its nearest ancestor that the destination is sent; as a root where there is none.

    A span that its request has placed elsewhere stays there.
    """
    if destination.spans in ("trace", "all") or span.parent_span_id != sent.parent_span_id:
        return span
    parent = sent.genai_parent_span_id if destination.spans == "genai" else None
    return span if parent == span.parent_span_id else replace(span, parent_span_id=parent)
