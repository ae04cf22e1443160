"""How OpenRouter's own spans of a call, which its Broadcast sends to a platform, and ours find each other.

Either the request names our span, and Broadcast hangs its own under it; or it does not, and Broadcast's ids are those
that follow from the generation id.
"""

from hashlib import sha256

import msgspec

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode
_NONE = (b"", b"null")


def broadcast_ids(generation_id: str) -> tuple[str, str]:
    """Return the trace id and the root span id that Broadcast gives a generation whose request names no trace.

    Undocumented; it held for every recorded payload of Broadcast (recordings, `broadcast_payloads`).
    """
    digest = sha256(generation_id.encode()).hexdigest()
    return digest[:32], digest[:16]


def linked(body: bytes, trace_id: str, span_id: str) -> bytes | None:
    """Return a JSON body whose `trace` names our span; `None` where it names a span itself, or is no JSON object.

    Every other member stays as it is written (OpenRouter API, TraceConfig: `trace_id`, `parent_span_id`).
    """
    try:
        members = _members(body)
        trace = _object(members.get("trace"))
        if "trace_id" in trace or "parent_span_id" in trace:
            return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    ours = {"trace_id": _text(trace_id), "parent_span_id": _text(span_id)}
    return msgspec.json.encode({**members, "trace": {**trace, **ours}})


def _object(raw: msgspec.Raw | None) -> _Members:
    return {} if raw is None or bytes(raw) in _NONE else _members(raw)


def _text(value: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
