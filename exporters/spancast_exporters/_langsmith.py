"""A span as LangSmith reads it (LangSmith, "Trace with OpenTelemetry"; langsmith-collector-proxy, `otel_converter.go`).

Three details are easy to miss. LangSmith stores tokens and costs only for a run with outputs, so that a run whose
content is not sent has the output `{}`. An error needs an `exception` event; the status of the span alone does not
count. `langsmith.trace.name` is the name of the run, and the name of a trace is that of its root run.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from spancast.contract import Attribute, Event, Generation, Span
from spancast_exporters import _facts, _json, _openai, _otlp

_METADATA = "langsmith.metadata."
_MOST_TAGS = 100
_LONGEST_TAG = 200
_KINDS = {"llm": "llm", "embedding": "embedding", "tool": "tool", "retrieval": "retriever"}
"""Run types; all other work is a chain."""

_CONVERTED = (_facts.INPUT, _facts.OUTPUT, _facts.INSTRUCTIONS, _facts.TOOLS)
"""Content that is sent in OpenAI's format in LangSmith's own attributes instead."""
_ARGUMENTS, _RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
_LISTS = ("gen_ai.request.stop_sequences", "gen_ai.request.encoding_formats")
"""Parameters that LangSmith reads from attributes, but not from lists."""
_OUTPUTS = (
    "output.value",
    "traceloop.entity.output",
    "gen_ai.completion",
    "llm.output_messages",
    "all_messages_events",
)
"""Attributes in which LangSmith finds the outputs of other libraries' spans, or prefixes of their names."""


def otlp(span: Span, project: str | None) -> bytes:
    """Return the span in OTLP, of a project where no header can name it."""
    kind = _facts.kind(span)
    found: dict[str, Attribute | None] = {
        "langsmith.span.kind": _KINDS.get(kind or "", "chain"),
        "langsmith.span.tags": _tags(span),
        "langsmith.trace.name": _name(span),
        "langsmith.trace.session_name": project,
        **_metadata(span),
        **(_measured(span) if kind in _facts.MODELS else {}),
        **_words(span),
    }
    known = {name: value for name, value in found.items() if value is not None}
    return _otlp.encoded(replace(span, events=_events(span)), known, (*_CONVERTED, *_LISTS, *_otlp.labels(span)))


def _name(span: Span) -> str | None:
    """Return the name that the request gives (OpenRouter, Broadcast, "LangSmith"); `None` for the span's own name."""
    named = _facts.requested_names(span)
    return _json.text(named[0]) if named else None


def _tags(span: Span) -> str | None:
    """Return the tags separated by commas, as LangSmith expects them."""
    tags = (f"{key}:{value}".replace(",", ";")[:_LONGEST_TAG] for key, value in islice(span.tags.items(), _MOST_TAGS))
    return _json.text(",".join(tags)) or None


def _metadata(span: Span) -> dict[str, Attribute | None]:
    """Return the metadata that LangSmith uses, and fields that it has no place for; a thread is a session."""
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
    parameters = _facts.parameters(span)
    tools = _openai.tools(span.content.get(_facts.TOOLS))
    model = None if span.generation is None else span.generation.request_model
    return {
        "gen_ai.system": facts.provider,
        "llm.invocation_parameters": _json.dumps_known({"model": model, **parameters, "tools": tools}),
        "langsmith.usage_metadata": _json.dumps_known(_usage(facts)),
        "gen_ai.completion": None if _has_outputs(span) else "{}",
    }


def _usage(facts: _facts.Facts) -> dict[str, object]:
    """Return LangSmith's `UsageMetadata` (langsmith 0.15, schemas); a stated cost is not estimated."""
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
    has_event = any(event.name in ("gen_ai.choice", "gen_ai.assistant.message") for event in span.events)
    return has_event or any(name.startswith(_OUTPUTS) for name in stated)


def _words(span: Span) -> dict[str, Attribute | None]:
    """Return input and output: of a model in OpenAI's format, of a tool its arguments and result."""
    content = {**span.attributes, **span.content}
    asked, answered = _openai.input_messages(content), _openai.choices(content.get(_facts.OUTPUT))
    words: dict[str, Attribute | None] = {
        "gen_ai.prompt": _object(content.get(_ARGUMENTS) or content.get(_facts.INPUT), "input"),
        "gen_ai.completion": _object(content.get(_RESULT) or content.get(_facts.OUTPUT), "output"),
    }
    if asked:
        words["gen_ai.prompt"] = _json.dumps({"messages": asked})
    if answered:
        words["gen_ai.completion"] = _json.dumps({"choices": answered})
    return {name: value for name, value in words.items() if value is not None}


def _object(words: object, name: str) -> str | None:
    """Return a JSON object as it is, and any other text as an object with it under `name`."""
    if not isinstance(words, str) or not words:
        return None
    meant = _json.read(words)
    return _json.dumps(meant if isinstance(meant, dict) else {name: words if meant is None else meant})


def _events(span: Span) -> Sequence[Event]:
    """Return the events, and an exception for an error that has none."""
    failure = _facts.failure(span)
    if failure is None or any(event.name == "exception" for event in span.events):
        return span.events
    kind, message = failure.get("type"), failure.get("message")
    text = f"{kind}: {message}" if kind and message and kind != message else message or kind or "error"
    raised: dict[str, Attribute] = {"exception.type": kind or "error", "exception.message": text}
    return (*span.events, Event(name="exception", time=span.end, attributes=raised))
