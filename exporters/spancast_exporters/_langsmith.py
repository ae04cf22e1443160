"""A span as LangSmith reads it (LangSmith, "Trace with OpenTelemetry"; langsmith-collector-proxy, `otel_converter.go`).

Three things of it are not to be guessed. Tokens and dollars are kept only of a run that has outputs: one whose words
are not sent says `{}`. An error is what an `exception` event says; the status of the span alone is none. The name of a
trace is that of its root: `langsmith.trace.name` is the name of the run that has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from spancast.contract import Attribute, Event, Generation, Span
from spancast_exporters import _facts, _json, _openai, _otlp

_METADATA = "langsmith.metadata."
_MOST_TAGS = 100
_LONGEST_TAG = 200
_MODELS = ("llm", "embedding")
_KINDS = {"llm": "llm", "embedding": "embedding", "tool": "tool", "retrieval": "retriever"}
"""Run types; all other work is a chain."""

_INPUT, _OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_TOOLS = "gen_ai.tool.definitions"
_CONVERTED = (_INPUT, _OUTPUT, "gen_ai.system_instructions", _TOOLS)
"""The words that are sent in OpenAI's shape, in the places where LangSmith has its own."""
_ARGUMENTS, _RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
_LISTS = ("gen_ai.request.stop_sequences", "gen_ai.request.encoding_formats")
"""Parameters that LangSmith reads from attributes, and of a list makes none."""
_OUTPUTS = (
    "output.value",
    "traceloop.entity.output",
    "gen_ai.completion",
    "llm.output_messages",
    "all_messages_events",
)
"""Where LangSmith finds the outputs of other libraries' spans, or what such names begin with."""


def otlp(span: Span, project: str | None) -> bytes:
    """Return the span in OTLP, of a project where no header can name it."""
    kind = _facts.kind(span)
    found: dict[str, Attribute | None] = {
        "langsmith.span.kind": _KINDS.get(kind or "", "chain"),
        "langsmith.span.tags": _tags(span),
        "langsmith.trace.name": _name(span),
        "langsmith.trace.session_name": project,
        **_metadata(span),
        **(_measured(span) if kind in _MODELS else {}),
        **_words(span),
    }
    known = {name: value for name, value in found.items() if value is not None}
    return _otlp.encoded(replace(span, events=_events(span)), known, (*_CONVERTED, *_LISTS, *_otlp.labels(span)))


def _name(span: Span) -> str | None:
    """Return what the request calls the run (OpenRouter, Broadcast, "LangSmith"); `None` for the span's own name."""
    of_trace = span.trace_name if span.parent_span_id is None else None
    named = of_trace or (span.generation and span.generation.generation_name)
    return _json.text(named) if named else None


def _tags(span: Span) -> str | None:
    """Return the tags as LangSmith parts them, by commas."""
    tags = (f"{key}:{value}".replace(",", ";")[:_LONGEST_TAG] for key, value in islice(span.tags.items(), _MOST_TAGS))
    return _json.text(",".join(tags)) or None


def _metadata(span: Span) -> dict[str, Attribute | None]:
    """Return what LangSmith knows a run by, and what it has no field for; a thread is a session."""
    known: dict[str, object] = {
        "user_id": span.user,
        "session_id": span.session,
        "thread_id": span.session,
        "trace_name": span.trace_name,
        "environment": span.environment,
        "release": span.release,
        **({} if span.generation is None else _shown(span.generation)),
    }
    ours = {name: value for name, value in known.items() if value is not None and value != ""}
    stated = _json.bounded(ours | {name: value for name, value in span.metadata.items() if name not in ours})
    return {
        f"{_METADATA}{name}": value for name, value in stated.items() if isinstance(value, str | bool | int | float)
    }


def _shown(call: Generation) -> dict[str, object]:
    first = call.time_to_first_token
    return {
        "ls_provider": "openrouter",
        "ls_model_name": call.response_model or call.request_model,
        "ls_model_type": "embedding" if call.operation == "embeddings" else "chat",
        "provider": call.provider,
        "generation_id": call.generation_id,
        "finish_reason": call.finish_reason,
        "outcome": call.outcome,
        "cost_source": call.cost_source,
        "is_byok": call.is_byok,
        "error_type": call.error_type,
        "time_to_first_token": None if first is None else first / 1e9,
        "app": call.app_title or call.app_url,
    }


def _measured(span: Span) -> dict[str, Attribute | None]:
    """Return the parameters, the tokens and the dollars of a model's work."""
    facts = _facts.of(span)
    asked = _facts.parameters(span)
    tools = _openai.tools(span.content.get(_TOOLS))
    model = None if span.generation is None else span.generation.request_model
    return {
        "gen_ai.system": facts.provider,
        "llm.invocation_parameters": _written({"model": model, **asked, "tools": tools}),
        "langsmith.usage_metadata": _written(_usage(facts)),
        "gen_ai.completion": None if _has_outputs(span) else "{}",
    }


def _usage(facts: _facts.Facts) -> dict[str, object]:
    """Return LangSmith's `UsageMetadata` (langsmith 0.15, schemas): what is given of a cost is not estimated."""
    return {
        "input_tokens": facts.input_tokens,
        "output_tokens": facts.output_tokens,
        "total_tokens": facts.total_tokens,
        "input_token_details": _known(cache_read=facts.cached_tokens, cache_creation=facts.cache_write_tokens),
        "output_token_details": _known(reasoning=facts.reasoning_tokens),
        "input_cost": facts.input_cost,
        "output_cost": facts.output_cost,
        "total_cost": facts.cost,
    }


def _known(**counts: int | None) -> dict[str, int] | None:
    return {name: count for name, count in counts.items() if count is not None} or None


def _has_outputs(span: Span) -> bool:
    stated = (*span.attributes, *span.content)
    told = any(event.name in ("gen_ai.choice", "gen_ai.assistant.message") for event in span.events)
    return told or any(name.startswith(_OUTPUTS) for name in stated)


def _words(span: Span) -> dict[str, Attribute | None]:
    """Return what was asked and answered: of a model as OpenAI has it, of a tool what it took and gave."""
    content = {**span.attributes, **span.content}
    asked, answered = _openai.asked(content), _openai.choices(content.get(_OUTPUT))
    words: dict[str, Attribute | None] = {
        "gen_ai.prompt": _object(content.get(_ARGUMENTS) or content.get(_INPUT), "input"),
        "gen_ai.completion": _object(content.get(_RESULT) or content.get(_OUTPUT), "output"),
    }
    if asked:
        words["gen_ai.prompt"] = _text({"messages": asked})
    if answered:
        words["gen_ai.completion"] = _text({"choices": answered})
    return {name: value for name, value in words.items() if value is not None}


def _object(words: object, name: str) -> str | None:
    """Return an object as it is written, and anything else as one that holds it by a name."""
    if not isinstance(words, str) or not words:
        return None
    meant = _json.read(words)
    return _text(meant if isinstance(meant, dict) else {name: words if meant is None else meant})


def _events(span: Span) -> Sequence[Event]:
    """Return the events, and an exception for an error that has none."""
    failure = _facts.failure(span)
    if failure is None or any(event.name == "exception" for event in span.events):
        return span.events
    kind, message = failure.get("type"), failure.get("message")
    told = f"{kind}: {message}" if kind and message and kind != message else message or kind or "error"
    raised: dict[str, Attribute] = {"exception.type": kind or "error", "exception.message": told}
    return (*span.events, Event(name="exception", time=span.end, attributes=raised))


def _text(value: object) -> str:
    return _json.encoded(value).decode()


def _written(values: Mapping[str, Any]) -> str | None:
    """Return as JSON what is known of it; `None` where nothing is."""
    known = {name: value for name, value in values.items() if value is not None}
    return _text(known) if known else None
