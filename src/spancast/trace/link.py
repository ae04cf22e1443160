"""Linking OpenRouter's own spans of a call, which its Broadcast sends to a platform, with ours.

Either the request names our span, and Broadcast puts its own under it; or it does not, and Broadcast's ids follow from
the generation id (`spancast.spans.broadcast_ids`).
"""

from typing import Any

from spancast.capture.json_body import Members, decode_members, is_null


def linked_trace(members: Members, trace_id: str | None, span_id: str | None) -> dict[str, Any] | None:
    """Return the `trace` of a request that names our span, beside what the application has written there.

    Returns:
        `None` if we have no span, the request names one itself, or its `trace` is no object (OpenRouter API,
        TraceConfig: `trace_id`, `parent_span_id`).
    """
    if not trace_id or not span_id:
        return None
    member = members.get("trace")
    trace: Members | None = {} if member is None or is_null(member) else decode_members(member)
    if trace is None or "trace_id" in trace or "parent_span_id" in trace:
        return None
    return {**trace, "trace_id": trace_id, "parent_span_id": span_id}
