"""Where a call is placed at a destination, by the `trace` of its request (OpenRouter docs, Broadcast).

The hierarchy is trace, span, generation: `trace_id` puts calls into one trace, `span_name` puts a span between the
trace and the call, `parent_span_id` names the span above these, and `generation_name` names the call. Where the
application has a span of its own open, that places the call; then only the names count.

A valid hex id is used as it is, since it is one of another tracing system; any other text becomes the beginning of its
SHA-256, as in Broadcast. Derived ids are cached: a span that is the same for ten destinations then has identical ids,
and is encoded once.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from spancast.contract import Attribute, Span
from spancast.records.call import Call
from spancast.records.record import SpanRecord
from spancast.semconv import names

_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_WORKFLOW = "invoke_workflow"
"""The operation of the span between trace and call (GenAI semantic conventions, `gen_ai.operation.name`)."""
_SHARED = (names.USER, names.SESSION, names.TRACE_ID, names.TRACE_NAME, names.ENVIRONMENT, names.RELEASE)
"""Attributes that a call shares with its trace; platforms read them from each span."""


def trace_id(call: SpanRecord) -> str:
    """Return the id of the trace of a call, or of another span, at a destination."""
    if not isinstance(call, Call):
        return call.trace_id
    requested = call.request_trace_id
    if requested is not None and _stands_alone(call):
        return _id(requested, _TRACE_DIGITS)
    return call.trace_id or call.call_id


def placed(span: Span) -> Span:
    """Return the span of a call with the place and the name that its request states."""
    call = span.generation
    if call is None:
        return span
    name, trace, parent = call.generation_name or span.name, span.trace_id, span.parent_span_id
    if _stands_alone(call):
        if call.request_trace_id is not None:
            trace, parent = trace_id(call), _parent(call)
        if call.span_name is not None:
            parent = _between(call.call_id)
    if (name, trace, parent) == (span.name, span.trace_id, span.parent_span_id):
        return span
    return replace(span, name=name, trace_id=trace, parent_span_id=parent)


def with_spans_between(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans, each call's after the span that its request puts between the trace and the call."""
    for span in spans:
        call = span.generation
        if call is not None and call.span_name is not None and _stands_alone(call):
            yield _span_between(span, call, call.span_name)
        yield span


def _span_between(span: Span, call: Call, name: str) -> Span:
    """Return the span above a call: as long as the call, with the attributes of its trace but none of its own."""
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
    """Whether the application had no span open above the call, and none that carries it."""
    return call.parent_span_id is None and not call.carried


def _parent(call: Call) -> str | None:
    """Return the parent span that the request names: it counts only in the trace that the request names."""
    requested = call.request_parent_span_id
    return None if requested is None or call.request_trace_id is None else _id(requested, _SPAN_DIGITS)


@lru_cache(1024)
def _id(written: str, digits: int) -> str:
    if re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", written) and written.strip("0"):
        return written.lower()
    return sha256(written.encode()).hexdigest()[:digits]


@lru_cache(1024)
def _between(call_id: str) -> str:
    """Return the id of the span between: one for each call, since no platform lets a span be extended."""
    return sha256(f"{call_id}:span".encode()).hexdigest()[:_SPAN_DIGITS]
