"""Calls and spans as tests need them: real records, made by hand."""

import itertools
import time
from decimal import Decimal

from spancast.contract import Span
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call
from spancast.records.content import Content

_numbers = itertools.count(1)


def a_call(**facts: object) -> Call:
    """Return a finished call for the destination `platform`, unlike any other."""
    number = next(_numbers)
    given = {
        "call_id": f"{number:032x}",
        "operation": "chat",
        "started_at": time.time_ns(),
        "outcome": "completed",
        "duration": 1_000_000,
        "request_model": "openai/gpt-5",
        "input_tokens": 12,
        "output_tokens": 34,
        "cost": Decimal("0.00123"),
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "destinations": ("platform",),
        "resource": {"service.name": "shop"},
    }
    return Call(**{**given, **facts})  # type: ignore[arg-type]


def to_span(call: Call, content: Content | None = None) -> Span:
    """Return the span of a call, with enough of it to be told from others."""
    return Span(
        name=f"{call.operation} {call.request_model}",
        trace_id=call.trace_id or call.call_id,
        span_id=call.span_id or call.call_id[:16],
        parent_span_id=call.parent_span_id,
        kind="client",
        start=call.started_at,
        end=call.started_at + (call.duration or 0),
        status="error" if call.error_type else "unset",
        status_message=call.error_message,
        attributes={
            "gen_ai.request.model": call.request_model or "",
            "gen_ai.usage.input_tokens": call.input_tokens or 0,
            "gen_ai.usage.cost": float(call.cost or 0),
            "gen_ai.response.finish_reasons": ("stop",),
        },
        content={} if content is None else {"gen_ai.input.messages": content.input_messages or ""},
        resource=call.resource,
        scope=("spancast", "0"),
        generation=call,
        encoder=OtlpEncoder(),
    )
