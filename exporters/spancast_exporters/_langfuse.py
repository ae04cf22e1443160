"""A span as Langfuse reads it (langfuse 4.16, `OtelIngestionProcessor`; Langfuse, "OpenTelemetry", property mapping).

Langfuse reads user and session from every span, and its own attributes before all others. It takes a stated usage and
cost as they are, and estimates a cost where none is stated. `gen_ai.usage.cost` is not enough: Langfuse ignores a zero
in it, and would estimate.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

from spancast.contract import Attribute, Generation, Span
from spancast_exporters import _facts, _json, _openai, _otlp

_LONGEST = 200
"""Characters of a user, a session, a tag and the name of a trace (langfuse 5.0.4, `propagate_attributes`)."""
_LONGEST_ENVIRONMENT = 40
_MOST_TAGS = 100
_OBSERVATION = "langfuse.observation."

_CONVERTED = (_facts.INPUT, _facts.OUTPUT, _facts.INSTRUCTIONS, _facts.TOOLS)
"""Content that is sent in OpenAI's format instead: Langfuse finds no tool calls in that of the conventions."""
_COST = "gen_ai.usage.cost"
_UNFINISHED = {
    "closed": "closed by the application before its end",
    "cancelled": "cancelled by the application",
    "abandoned": "dropped by the application",
    "killed": "the process died",
}
"""Outcomes that are not errors, but worth a warning."""


def otlp(span: Span, environment: str | None, release: str | None) -> bytes:
    """Return the span in OTLP. `environment` and `release` win over those of the resource alone."""
    words = _words(span.content)
    found = {
        **_trace(_facts.with_environment(span, environment, release)),
        **_state(span),
        **_measured(span),
        **words,
        **(_called(span, span.generation) if span.generation is not None else {}),
    }
    known = {name: value for name, value in found.items() if value is not None}
    drop = [*(_CONVERTED if words else ()), *_half(span), *_otlp.labels(span)]
    return _otlp.encoded(replace(span, name=_name(span)), known, drop)


def _half(span: Span) -> tuple[str, ...]:
    """Return the charge's attribute where the provider's bill is unknown: Langfuse would take it for the cost."""
    return (_COST,) if span.generation is not None and span.generation.spent is None else ()


def _name(span: Span) -> str:
    """Return what the request calls the call (OpenRouter, Broadcast, "Langfuse"), else the span's own name."""
    return (span.generation and span.generation.generation_name) or span.name


def _trace(span: Span) -> dict[str, Attribute | None]:
    tags = (f"{key}:{value}" for key, value in islice(span.tags.items(), _MOST_TAGS))
    metadata = _json.bounded(span.metadata)
    return {
        "langfuse.trace.name": _json.text(span.trace_name)[:_LONGEST] if span.trace_name else None,
        "langfuse.user.id": _identity(span.user),
        "langfuse.session.id": _identity(span.session),
        "langfuse.trace.tags": tuple(_json.text(tag)[:_LONGEST] for tag in tags) or None,
        "langfuse.trace.metadata": _json.dumps(metadata) if metadata else None,
        "langfuse.environment": _environment(span.environment),
        "langfuse.release": _release(span.release),
    }


def _identity(wanted: str | None) -> str | None:
    """Return a user or session within Langfuse's limit; a hash keeps long ones distinct."""
    known = wanted and _json.text(wanted)
    if not known or len(known) <= _LONGEST:
        return known or None
    mark = sha256(known.encode()).hexdigest()[:16]
    return f"{known[: _LONGEST - 1 - len(mark)]}~{mark}"


def _environment(wanted: str | None) -> str | None:
    """Return an environment in Langfuse's spelling; it replaces any other by `default`."""
    spelt = re.sub(r"[^a-z0-9_-]", "-", (wanted or "").lower())
    spelt = f"env-{spelt}" if spelt.startswith("langfuse") else spelt
    return spelt[:_LONGEST_ENVIRONMENT] or None


def _release(wanted: str | None) -> str | None:
    return _json.text(wanted)[:_LONGEST] if wanted else None


def _state(span: Span) -> dict[str, Attribute | None]:
    """Return the level and the status message, of an error or of an unfinished call."""
    failure = _facts.failure(span)
    if failure is not None:
        message = failure.get("message") or failure.get("type")
        return {f"{_OBSERVATION}level": "ERROR", f"{_OBSERVATION}status_message": message and _json.text(message)}
    outcome = None if span.generation is None else span.generation.outcome
    why = _UNFINISHED.get(outcome or "")
    return {f"{_OBSERVATION}level": why and "WARNING", f"{_OBSERVATION}status_message": why}


def _measured(span: Span) -> dict[str, Attribute | None]:
    """Return the cost of a model call and when its answer began, for spans of any library."""
    if _facts.kind(span) not in _facts.MODELS:
        return {}
    facts = _facts.of(span)
    costs = {"input": facts.input_cost, "output": facts.output_cost, "total": facts.cost}
    return {
        f"{_OBSERVATION}cost_details": _json.dumps_known(costs) if facts.cost is not None else None,
        f"{_OBSERVATION}completion_start_time": _began(span, facts.time_to_first_token),
    }


def _began(span: Span, seconds: float | None) -> str | None:
    """Return when the answer began, as ISO 8601 in microseconds."""
    if seconds is None:
        return None
    at, ns = divmod(span.start + round(seconds * 1e9), 10**9)
    moment = datetime.fromtimestamp(at, UTC).replace(microsecond=ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _called(span: Span, call: Generation) -> dict[str, Attribute | None]:
    """Return the attributes of our own calls; those of other libraries Langfuse reads itself."""
    facts = _facts.of(span)
    return {
        f"{_OBSERVATION}type": "embedding" if call.operation == "embeddings" else "generation",
        f"{_OBSERVATION}model.name": facts.model and _json.text(facts.model),
        f"{_OBSERVATION}model.parameters": _json.dumps_known(_facts.parameters(span)),
        f"{_OBSERVATION}usage_details": _json.dumps_known(_usage(facts)),
        f"{_OBSERVATION}metadata": _json.dumps_known(_shown(call)),
    }


def _usage(facts: _facts.Facts) -> dict[str, object]:
    """Return the tokens by Langfuse's names, each token counted once."""
    cached, written, thought = facts.cached_tokens, facts.cache_write_tokens, facts.reasoning_tokens
    return {
        "input": _without(facts.input_tokens, cached, written),
        "input_cached_tokens": cached,
        "input_cache_creation": written,
        "output": _without(facts.output_tokens, thought),
        "output_reasoning_tokens": thought,
        "total": facts.total_tokens,
    }


def _without(whole: int | None, *parts: int | None) -> int | None:
    return None if whole is None else max(0, whole - sum(part or 0 for part in parts))


def _shown(call: Generation) -> dict[str, object]:
    """Return useful fields that Langfuse has no place for; it filters by top-level metadata only."""
    return {
        "provider": call.provider,
        "generation_id": call.generation_id,
        "finish_reason": call.finish_reason,
        "cost_source": call.cost_source,
        "is_byok": call.is_byok,
        "error_type": call.error_type,
        "app": call.app_title or call.app_url,
    }


def _words(content: Mapping[str, Attribute]) -> dict[str, Attribute | None]:
    """Return input and output in OpenAI's format, as Langfuse's own wrapper of OpenAI sends them.

    Both are set, since Langfuse looks for neither elsewhere once one of them is its own attribute.
    """
    asked, offered = _openai.input_messages(content), _openai.tools(content.get(_facts.TOOLS))
    answered = _openai.messages(content.get(_facts.OUTPUT))
    if asked is None and answered is None and offered is None:
        return {}
    given = {"tools": offered, "messages": asked or []} if offered else asked
    return {
        f"{_OBSERVATION}input": _json.dumps(given) if given else _json.optional_text(content.get(_facts.INPUT)),
        f"{_OBSERVATION}output": _json.dumps(answered[0] if len(answered) == 1 else answered)
        if answered
        else _json.optional_text(content.get(_facts.OUTPUT)),
    }
