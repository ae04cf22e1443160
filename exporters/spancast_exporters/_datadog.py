"""A span as Datadog's LLM Observability has it: the event that its own SDK sends (ddtrace 4.16, `llmobs`).

Costs are in US dollars (Datadog, "Cost"); Datadog shows them unchanged, and stores whole nanodollars. An unknown cost
is left out, and Datadog then estimates one.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from spancast.contract import Span
from spancast_exporters import _facts, _json
from spancast_exporters._datadog_messages import documents, instructions, messages, tools

ROOT = "undefined"
"""The parent of a span that has none."""
_NAMELESS = "unnamed-ml-app"
"""The application of ddtrace when nobody names it."""
_UNKNOWN = "unknown"
_LONGEST_TAG = 200
_MOST_TAGS = 100
"""Tags of the application."""
_LONGEST_APP = 193
_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Names:
    """The application's names from Datadog's variables (Datadog, "Unified service tagging")."""

    ml_app: str | None = None
    service: str | None = None
    env: str | None = None
    """For spans that state none."""
    version: str | None = None
    """For spans that state none."""


def event(span: Span, names: Names) -> dict[str, object]:
    """Return the span as an event."""
    kind = _facts.kind(span) or ("workflow" if span.parent_span_id is None else "task")
    found: dict[str, object] = {
        "name": _facts.shown_name(span)[:_LONGEST_NAME],
        "span_id": _number(span.span_id),
        "trace_id": span.trace_id,
        "parent_id": ROOT if span.parent_span_id is None else _number(span.parent_span_id),
        "start_ns": span.start,
        "duration": max(0, span.end - span.start),
        "status": "error" if span.status == "error" else "ok",
        "meta": _meta(span, kind),
        "metrics": _metrics(_facts.of(span)) if kind in _facts.MODELS else {},
        "tags": _tags(span, names),
        "_dd": {"span_id": _number(span.span_id), "trace_id": span.trace_id, "apm_trace_id": span.trace_id},
    }
    return {**found, "session_id": span.session} if span.session else found


def app(span: Span, names: Names) -> str:
    """Return the application of a span, in Datadog's spelling ("Application naming guidelines")."""
    wanted = names.ml_app or _service(span, names) or _NAMELESS
    spelt = "".join(char if char.isalnum() or char in "-:./" else "_" for char in _json.text(wanted).lower())
    while "__" in spelt:
        spelt = spelt.replace("__", "_")
    return spelt[:_LONGEST_APP].rstrip("_") or _NAMELESS


def _number(hexadecimal: str) -> str:
    return str(int(hexadecimal, 16))


def _meta(span: Span, kind: str) -> dict[str, object]:
    facts, failure = _facts.of(span), _facts.failure(span)
    modelled = kind in _facts.MODELS
    found: dict[str, object] = {
        "span": {"kind": kind},
        "metadata": _metadata(span),
        "model_name": (facts.model or _UNKNOWN)[:_LONGEST_NAME] if modelled else None,
        "model_provider": (facts.provider or _UNKNOWN).lower() if modelled else None,
        "input": _input(span, kind),
        "output": _output(span, kind),
        "tool_definitions": tools(_facts.content_text(span, _facts.TOOLS)) if kind == "llm" else None,
        "error": None if failure is None else {"message": "", "type": "", "stack": "", **_json.bounded(failure)},
    }
    return {name: value for name, value in found.items() if value is not None}


def _metadata(span: Span) -> dict[str, object]:
    """Return the fields that Datadog has no other place for, and the parameters by their names in the API."""
    ours = {**_facts.parameters(span), **_facts.names(span)}
    return _json.bounded({**ours, **span.metadata, **_facts.other_attributes(span), **ours})


def _metrics(facts: _facts.Facts) -> dict[str, int | float | Decimal]:
    found: dict[str, int | float | Decimal | None] = {
        "input_tokens": facts.input_tokens,
        "output_tokens": facts.output_tokens,
        "total_tokens": facts.total_tokens,
        "non_cached_input_tokens": _fresh(facts),
        "cache_read_input_tokens": facts.cached_tokens,
        "cache_write_input_tokens": facts.cache_write_tokens,
        "ephemeral_5m_input_tokens": facts.cache_write_5m_tokens,
        "ephemeral_1h_input_tokens": facts.cache_write_1h_tokens,
        "reasoning_output_tokens": facts.reasoning_tokens,
        "time_to_first_token": facts.time_to_first_token,
        "total_cost": facts.cost,
        "input_cost": facts.input_cost,
        "output_cost": facts.output_cost,
    }
    return {name: value for name, value in found.items() if value is not None}


def _fresh(facts: _facts.Facts) -> int | None:
    """Return the input tokens that were neither read from a cache nor written to one, where both are known."""
    if facts.input_tokens is None or facts.cached_tokens is None or facts.cache_write_tokens is None:
        return None
    fresh = facts.input_tokens - facts.cached_tokens - facts.cache_write_tokens
    return fresh if fresh >= 0 else None


def _tags(span: Span, names: Names) -> list[str]:
    failure = _facts.failure(span)
    ours = {
        "ml_app": app(span, names),
        "agent_service": app(span, names),
        "service": _service(span, names),
        "env": span.environment or names.env,
        "version": span.release or names.version,
        "session_id": span.session,
        "user_id": span.user,
        "error": "0" if failure is None else "1",
        "error_type": None if failure is None else failure.get("type"),
        "language": "python",
        "source": "integration",
    }
    own = {key.replace(":", "_"): value for key, value in islice(span.tags.items(), _MOST_TAGS)}
    tags = own | {key: value for key, value in ours.items() if value}
    return sorted(_json.text(f"{key}:{value}")[:_LONGEST_TAG] for key, value in tags.items())


def _service(span: Span, names: Names) -> str | None:
    stated = str(span.resource.get("service.name") or "")
    return names.service or (None if stated.startswith("unknown_service") else stated or None)


def _input(span: Span, kind: str) -> dict[str, object] | None:
    given = _facts.input_text(span)
    if kind == "embedding":
        found = documents(given)
        return {"documents": found} if found else None
    if kind != "llm":
        return None if given is None else {"value": given}
    system, found_messages = instructions(_facts.content_text(span, _facts.INSTRUCTIONS)), messages(given)
    if found_messages is None and given is not None:
        return {"value": given}
    return {"messages": [*system, *(found_messages or ())]} if system or found_messages else None


def _output(span: Span, kind: str) -> dict[str, object] | None:
    output = _facts.output_text(span)
    found_messages = messages(output) if kind == "llm" else None
    if found_messages is not None:
        return {"messages": found_messages}
    return None if output is None else {"value": output}
