"""A span as one flat record, for a file or the console. Unknown values are left out; money is text."""

from decimal import Decimal

from spancast.contract import Span
from spancast_exporters import _facts, _json


def money(amount: Decimal) -> str:
    """Return an amount to its last digit, in plain notation."""
    return format(amount, "f")


def record(span: Span) -> dict[str, object]:
    """Return the facts of a span, with tokens and costs for a model call. Times are Unix nanoseconds."""
    failure = _facts.failure(span) or {}
    found: dict[str, object] = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": _facts.names(span).get("generation_name") or span.name,
        "kind": _facts.kind(span),
        "start": span.start,
        "end": span.end,
        "status": span.status,
        "error_type": failure.get("type"),
        "error_message": failure.get("message"),
        **(_of_model(span) if _facts.kind(span) in _facts.MODELS else {}),
        "user": span.user,
        "session": span.session,
        "trace_name": span.trace_name,
        "environment": span.environment,
        "release": span.release,
    }
    return {name: value for name, value in found.items() if value is not None}


def line(span: Span) -> bytes:
    """Return a span with its attributes and content as one line of JSON."""
    labels = {"tags": span.tags, "metadata": span.metadata}
    own = {"resource": span.resource, "attributes": span.attributes, "content": span.content}
    return (
        _json.encoded({**record(span), **{name: value for name, value in {**labels, **own}.items() if value}}) + b"\n"
    )


def _of_model(span: Span) -> dict[str, object]:
    facts, call = _facts.of(span), span.generation
    costs = {"cost_usd": facts.cost, "input_cost_usd": facts.input_cost, "output_cost_usd": facts.output_cost}
    return {
        "model": facts.model,
        "provider": facts.provider if call is None else call.provider,
        "generation_id": None if call is None else call.generation_id,
        "finish_reason": None if call is None else call.finish_reason,
        "input_tokens": facts.input_tokens,
        "output_tokens": facts.output_tokens,
        "total_tokens": facts.total_tokens,
        "cached_tokens": facts.cached_tokens,
        "cache_write_tokens": facts.cache_write_tokens,
        "reasoning_tokens": facts.reasoning_tokens,
        "time_to_first_token": facts.time_to_first_token,
        **{name: None if amount is None else money(amount) for name, amount in costs.items()},
    }
