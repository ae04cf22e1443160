"""A span as a call of Weave's Traces view: the pair of messages that Weave's SDK sends (weave 0.54, `upsert_batch`).

Weave shows `summary.weave.costs` unchanged where the model's name is in no price table, W&B's or the project's; else it
computes a cost (weave 0.53.12, `token_costs.py`). W&B's table has dozens of OpenRouter's names
(`costs/cost_checkpoint.json`), so `summary.usage` uses other names: `openrouter:openai/gpt-5`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from spancast.contract import Span
from spancast_exporters import _facts, _json, _openai

_LONGEST_NAME = 128
_KINDS = {"llm": "llm", "embedding": "embedding", "tool": "tool", "agent": "agent", "retrieval": "search"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN = "unknown"


def call(span: Span, project_id: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return the start and the end message of a call."""
    failure = _facts.failure(span)
    session = span.session or None
    start = {
        "project_id": project_id,
        "id": span.span_id,
        "op_name": _facts.shown_name(span)[:_LONGEST_NAME],
        "display_name": _facts.shown_name(span)[:_LONGEST_NAME],
        "trace_id": span.trace_id,
        "parent_id": span.parent_span_id,
        "thread_id": session,
        "turn_id": span.span_id if session and span.parent_span_id is None else None,
        "started_at": _moment(span.start),
        "attributes": _attributes(span),
        "inputs": _inputs(span),
    }
    end = {
        "project_id": project_id,
        "id": span.span_id,
        "trace_id": span.trace_id,
        "started_at": _moment(span.start),
        "ended_at": _moment(span.end),
        "exception": None if failure is None else _error_text(failure),
        "output": _output(span),
        "summary": _summary(span),
    }
    return _json.without_none(start), _json.without_none(end)


def _attributes(span: Span) -> dict[str, object]:
    """Return the attributes to filter calls by (OpenRouter, Broadcast, "W&B Weave": `user_id`, `session_id`)."""
    facts, kind = _facts.of(span), _facts.kind(span)
    ours = _json.without_none(
        {
            "user_id": span.user or None,
            "session_id": span.session or None,
            "trace_name": span.trace_name or None,
            "environment": span.environment or None,
            "release": span.release or None,
            "tags": dict(span.tags) or None,
            "model": facts.model,
            "provider": facts.provider,
            "time_to_first_token": facts.time_to_first_token,
            "cost_usd": None if facts.cost is None else format(facts.cost, "f"),
            "reasoning_tokens": facts.reasoning_tokens,
            "weave": {"kind": _KINDS[kind]} if kind in _KINDS else None,
        }
    )
    return _json.bounded({**ours, **span.metadata, **_facts.other_attributes(span), **ours})


def _inputs(span: Span) -> dict[str, object]:
    if _facts.kind(span) not in _facts.MODELS:
        return _object(_facts.input_text(span), "input")
    messages = _openai.input_messages(_facts.conversation(span))
    asked_for = None if span.generation is None else span.generation.request_model
    found = {
        "model": asked_for or _facts.of(span).model,
        "messages": messages,
        "input": None if messages else _facts.input_text(span),
        "tools": _openai.tools(_facts.content_text(span, _facts.TOOLS)),
    }
    return _json.without_none({**_facts.parameters(span), **found})


def _output(span: Span) -> object:
    """Return the output; of a model in OpenAI's format, which Weave shows as a chat."""
    output = _facts.output_text(span)
    choices = _openai.choices(output) if _facts.kind(span) in _facts.MODELS else None
    if choices:
        identity = None if span.generation is None else span.generation.generation_id
        return _json.without_none(
            {"id": identity, "object": "chat.completion", "model": _facts.of(span).model, "choices": choices}
        )
    return _object(output, "output") or None


def _summary(span: Span) -> dict[str, object]:
    failed = span.status == "error"
    found: dict[str, object] = {"status_counts": {"success": int(not failed), "error": int(failed)}}
    if _facts.kind(span) not in _facts.MODELS:
        return found
    facts = _facts.of(span)
    model = f"openrouter:{facts.model or _UNKNOWN}"
    usage = _json.without_none(
        {
            "requests": 1,
            "prompt_tokens": facts.input_tokens,
            "completion_tokens": facts.output_tokens,
            "total_tokens": facts.total_tokens,
            "cache_read_input_tokens": facts.cached_tokens,
            "cache_creation_input_tokens": facts.cache_write_tokens,
        }
    )
    costs = _costs(facts)
    priced = {"weave": {"costs": {model: {**usage, **costs}}}} if costs else {}
    return {**found, "usage": {model: usage}, **priced}


def _costs(facts: _facts.Facts) -> dict[str, object]:
    """Return the costs; where the parts are unknown, the total is attributed to the completion."""
    if facts.cost is None:
        return {}
    known = _json.without_none(
        {
            "prompt_tokens_total_cost": facts.input_cost,
            "completion_tokens_total_cost": facts.cost if facts.input_cost is None else facts.output_cost,
        }
    )
    return {**known, "provider_id": "openrouter"}


def _object(words: str | None, called: str) -> dict[str, object]:
    meant = _json.read(words)
    if isinstance(meant, dict):
        return meant
    return {} if words is None else {called: words if meant is None else meant}


def _error_text(failure: Mapping[str, str]) -> str:
    return failure.get("message") or failure.get("type") or "error"


def _moment(nanoseconds: int) -> str:
    """Return Unix time as ISO 8601; Weave stores milliseconds."""
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat()
