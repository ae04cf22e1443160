"""A span as Langfuse reads it (langfuse 4.16, `OtelIngestionProcessor`; Langfuse, "OpenTelemetry", property mapping).

Langfuse reads whom a span was for on each span, and its own attributes before all others. Of usage and cost it takes
what it is given as it is; where it is given no cost it estimates one. A cost of nothing is a cost, too: that is why
`gen_ai.usage.cost` would not do, of which Langfuse takes no zero.
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
_MODELS = ("llm", "embedding")

_INPUT = "gen_ai.input.messages"
_OUTPUT = "gen_ai.output.messages"
_TOOLS = "gen_ai.tool.definitions"
_CONVERTED = (_INPUT, _OUTPUT, "gen_ai.system_instructions", _TOOLS)
"""The words that are sent in OpenAI's shape instead: in that of the conventions Langfuse finds no tool calls."""
_COST = "gen_ai.usage.cost"
_UNFINISHED = {
    "closed": "closed by the application before its end",
    "cancelled": "cancelled by the application",
    "abandoned": "dropped by the application",
    "killed": "the process died",
}
"""What is no failure of a call, and worth a warning."""


def otlp(span: Span, environment: str | None, release: str | None) -> bytes:
    """Return the span in OTLP. `environment` and `release` win over those of the resource alone."""
    words = _words(span.content)
    found = {
        **_trace(_facts.placed(span, environment, release)),
        **_state(span),
        **_measured(span),
        **words,
        **(_called(span, span.generation) if span.generation is not None else {}),
    }
    known = {name: value for name, value in found.items() if value is not None}
    drop = [*(_CONVERTED if words else ()), *_half(span), *_otlp.labels(span)]
    return _otlp.encoded(replace(span, name=_name(span)), known, drop)


def _half(span: Span) -> tuple[str, ...]:
    """Return the charge, where the provider's own bill beside it is not known: Langfuse would take it for the cost."""
    return (_COST,) if span.generation is not None and span.generation.spent is None else ()


def _name(span: Span) -> str:
    """Return what the request calls the call (OpenRouter, Broadcast, "Langfuse"), else the span's own name."""
    return (span.generation and span.generation.generation_name) or span.name


def _trace(span: Span) -> dict[str, Attribute | None]:
    tags = (f"{key}:{value}" for key, value in islice(span.tags.items(), _MOST_TAGS))
    said = _json.bounded(span.metadata)
    return {
        "langfuse.trace.name": _json.text(span.trace_name)[:_LONGEST] if span.trace_name else None,
        "langfuse.user.id": _identity(span.user),
        "langfuse.session.id": _identity(span.session),
        "langfuse.trace.tags": tuple(_json.text(tag)[:_LONGEST] for tag in tags) or None,
        "langfuse.trace.metadata": _json.encoded(said).decode() if said else None,
        "langfuse.environment": _environment(span.environment),
        "langfuse.release": _release(span.release),
    }


def _identity(wanted: str | None) -> str | None:
    """Return what tells a user or a session apart, in the room that there is: two long ones stay two."""
    known = wanted and _json.text(wanted)
    if not known or len(known) <= _LONGEST:
        return known or None
    mark = sha256(known.encode()).hexdigest()[:16]
    return f"{known[: _LONGEST - 1 - len(mark)]}~{mark}"


def _environment(wanted: str | None) -> str | None:
    """Return an environment spelt as Langfuse demands; what it does not take it calls `default`."""
    spelt = re.sub(r"[^a-z0-9_-]", "-", (wanted or "").lower())
    spelt = f"env-{spelt}" if spelt.startswith("langfuse") else spelt
    return spelt[:_LONGEST_ENVIRONMENT] or None


def _release(wanted: str | None) -> str | None:
    return _json.text(wanted)[:_LONGEST] if wanted else None


def _state(span: Span) -> dict[str, Attribute | None]:
    """Return what is wrong with a span; an error is one without being told."""
    failure = _facts.failure(span)
    if failure is not None:
        said = failure.get("message") or failure.get("type")
        return {f"{_OBSERVATION}level": "ERROR", f"{_OBSERVATION}status_message": said and _json.text(said)}
    outcome = None if span.generation is None else span.generation.outcome
    why = _UNFINISHED.get(outcome or "")
    return {f"{_OBSERVATION}level": why and "WARNING", f"{_OBSERVATION}status_message": why}


def _measured(span: Span) -> dict[str, Attribute | None]:
    """Return what a model's work cost and when its answer began, whoever made the span."""
    if _facts.kind(span) not in _MODELS:
        return {}
    facts = _facts.of(span)
    costs = {"input": facts.input_cost, "output": facts.output_cost, "total": facts.cost}
    return {
        f"{_OBSERVATION}cost_details": _written(costs) if facts.cost is not None else None,
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
    """Return what is said of a call of ours; of other libraries' Langfuse knows the attributes."""
    facts = _facts.of(span)
    return {
        f"{_OBSERVATION}type": "embedding" if call.operation == "embeddings" else "generation",
        f"{_OBSERVATION}model.name": facts.model and _json.text(facts.model),
        f"{_OBSERVATION}model.parameters": _written(_facts.parameters(span)),
        f"{_OBSERVATION}usage_details": _written(_usage(facts)),
        f"{_OBSERVATION}metadata": _written(_shown(call)),
    }


def _usage(facts: _facts.Facts) -> dict[str, object]:
    """Return the tokens by Langfuse's names, of which none counts another's."""
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
    """Return what Langfuse has no field for and people filter by: it filters by metadata of the first level alone."""
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
    """Return what was asked and answered in OpenAI's shape, as Langfuse's own wrapper of OpenAI has it.

    Once one of the two is Langfuse's own, it looks for neither elsewhere.
    """
    asked, offered = _openai.asked(content), _openai.tools(content.get(_TOOLS))
    answered = _openai.messages(content.get(_OUTPUT))
    if asked is None and answered is None and offered is None:
        return {}
    given = {"tools": offered, "messages": asked or []} if offered else asked
    return {
        f"{_OBSERVATION}input": _text(given) if given else _plain(content.get(_INPUT)),
        f"{_OBSERVATION}output": _text(answered[0] if len(answered) == 1 else answered)
        if answered
        else _plain(content.get(_OUTPUT)),
    }


def _plain(words: object) -> str | None:
    return _json.text(words) if isinstance(words, str) and words else None


def _text(value: object) -> str:
    return _json.encoded(value).decode()


def _written(values: Mapping[str, object]) -> str | None:
    """Return as JSON what is known of it; `None` where nothing is."""
    known = {name: value for name, value in values.items() if value is not None}
    return _text(known) if known else None
