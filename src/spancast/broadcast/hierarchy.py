"""Where a call stands at a destination, by what its request says in `trace` (OpenRouter docs, Broadcast).

Trace, span, generation: `trace_id` puts calls into one trace, `span_name` puts a span between the trace and the call,
`parent_span_id` names the span that all of it hangs under, and `generation_name` is what the call is called. An
application that has a span of its own open has said where the call belongs; there, only the names count.

An id of the right number of hex digits is taken as it is, as one from another tracing system is meant; any other text
stands for the beginning of its SHA-256, as Broadcast has it. What is derived is kept: a span that is the same for ten
destinations has the same ids, not equal ones, and is encoded once.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from spancast.contract import Attribute, Span
from spancast.records.call import Call
from spancast.records.record import Sent
from spancast.trace import names

_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_WORKFLOW = "invoke_workflow"
"""What the span in between does (GenAI semantic conventions, `gen_ai.operation.name`)."""
_SHARED = (names.USER, names.SESSION, names.TRACE_ID, names.TRACE_NAME, names.ENVIRONMENT, names.RELEASE)
"""Attributes of a call that are its trace's, too; platforms read them span by span."""


def trace_id(call: Sent) -> str:
    """Return the trace that a call, or another span, is of at a destination."""
    if not isinstance(call, Call):
        return call.trace_id
    asked = call.request_trace_id
    if asked is not None and _stands_alone(call):
        return _id(asked, _TRACE_DIGITS)
    return call.trace_id or call.call_id


def placed(span: Span) -> Span:
    """Return the span of a call where its request says that it stands, and called what it says."""
    call = span.generation
    if call is None:
        return span
    name, trace, above = call.generation_name or span.name, span.trace_id, span.parent_span_id
    if _stands_alone(call):
        if call.request_trace_id is not None:
            trace, above = trace_id(call), _parent(call)
        if call.span_name is not None:
            above = _between(call.call_id)
    if (name, trace, above) == (span.name, span.trace_id, span.parent_span_id):
        return span
    return replace(span, name=name, trace_id=trace, parent_span_id=above)


def with_spans_between(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans, and before each of a call the span that its request puts between the trace and the call."""
    for span in spans:
        call = span.generation
        if call is not None and call.span_name is not None and _stands_alone(call):
            yield _span_between(span, call, call.span_name)
        yield span


def _span_between(span: Span, call: Call, name: str) -> Span:
    """Return the span above a call. It is as long as the call, and says what its trace is, but nothing of the call."""
    kept: dict[str, Attribute] = {names.OPERATION: _WORKFLOW, names.SPAN_NAME: name}
    kept |= {key: span.attributes[key] for key in _SHARED if key in span.attributes}
    own = (names.TAG, names.METADATA)
    kept |= {key: value for key, value in span.attributes.items() if key.startswith(own)}
    return replace(
        span,
        name=name,
        span_id=_between(call.call_id),
        parent_span_id=_parent(call),
        kind="internal",
        status_message=None,
        status="unset",
        attributes=kept,
        content={},
        events=(),
        generation=None,
    )


def _stands_alone(call: Call) -> bool:
    """Whether the application had no span open that the call is under, or in."""
    return call.parent_span_id is None and not call.carried


def _parent(call: Call) -> str | None:
    """Return the span that the request names above the call: it is of the trace that it names, and of no other."""
    asked = call.request_parent_span_id
    return None if asked is None or call.request_trace_id is None else _id(asked, _SPAN_DIGITS)


@lru_cache(1024)
def _id(written: str, digits: int) -> str:
    if re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", written) and written.strip("0"):
        return written.lower()
    return sha256(written.encode()).hexdigest()[:digits]


@lru_cache(1024)
def _between(call_id: str) -> str:
    """Return the id of the span between: of each call its own, since no platform lets a span grow."""
    return sha256(f"{call_id}:span".encode()).hexdigest()[:_SPAN_DIGITS]
