"""A call of a model as an event of Raindrop's (Raindrop, "HTTP API"; raindrop-ai 0.0.75, `TrackEvent`, `TrackAIEvent`).

The properties have the names that OpenRouter's Broadcast gives them (OpenRouter, "Raindrop"): `model`, `provider`,
`total_cost`, `prompt_tokens`, `completion_tokens`, `duration_ms`, `finish_reason`. An event without words has no
`ai_data`, which Raindrop takes with words alone; its session is the property `convo_id` then.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

import msgspec

from spancast.contract import Generation, Span
from spancast_exporters import _facts, _json, _openai

_LARGEST = 1024 * 1024
"""Bytes of one event; Raindrop takes no larger one (raindrop-ai 0.0.75, `max_ingest_size_bytes`)."""
_SHORT, _SHORTEST = 10_000, 1_000
"""Characters that remain of the content, and then of other texts, where an event is too large; these always fit."""
_CUT = " [cut: larger than Raindrop takes]"
_WORDS = ("system_prompt", "tool_calls")
"""Properties with content."""
_NOBODY = "anonymous"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event(span: Span) -> bytes:
    """Return the event of a call as JSON within Raindrop's size limit."""
    own, words = _own(span), _words(span)
    labels = _json.bounded({**span.tags, **span.metadata})
    whole = _written(span, own, words, labels)
    if _size(whole) <= _LARGEST:
        return whole
    short = {name: _shortened(text, _SHORT) for name, text in words.items() if text}
    cut = _written(span, own, short, labels)
    return cut if _size(cut) <= _LARGEST else _written(span, _least(own), short, {})


def _size(written: bytes) -> int:
    """Return the size of JSON in ASCII, as Raindrop's SDK measures it."""
    text = written.decode()
    beyond, pairs = len(text) - len(text.encode("ascii", "ignore")), len(text.encode("utf-16-le")) // 2 - len(text)
    return len(text) + 5 * beyond + 6 * pairs


def event_ids(written: bytes) -> list[str]:
    """Return the ids of the events in a request, in order."""
    return [each["event_id"] for each in msgspec.json.decode(written)]


def _written(
    span: Span, own: Mapping[str, object], words: Mapping[str, str | None], labels: Mapping[str, object]
) -> bytes:
    said: dict[str, object] = {name: text for name, text in words.items() if text and name not in _WORDS}
    session = span.session or None
    properties = {**labels, **own, **{name: words.get(name) for name in _WORDS}}
    if said:
        said |= {name: value for name, value in (("model", own.get("model")), ("convo_id", session)) if value}
    else:
        properties["convo_id"] = session
    found = {
        "event_id": str(uuid5(NAMESPACE_OID, f"{span.trace_id}:{span.span_id}")),
        "user_id": span.user if span.user and span.user.strip() else _NOBODY,
        "event": _name(span),
        "timestamp": (_EPOCH + timedelta(microseconds=span.start // 1000)).isoformat(),
        "properties": {name: value for name, value in properties.items() if value is not None},
        **({"ai_data": said} if said else {}),
    }
    return _json.encoded(found)


def _name(span: Span) -> str:
    """Return the name that the request gives, else the operation: Raindrop lists all names, so there should be few."""
    named = _facts.names(span).get("generation_name") or span.attributes.get("gen_ai.operation.name")
    return str(named or span.name or "call")


def _own(span: Span) -> dict[str, object]:
    facts, call, failure = _facts.of(span), span.generation, _facts.failure(span)
    first = facts.time_to_first_token
    parameters = {name: value for name, value in _facts.parameters(span).items() if _is_plain(value)}
    return {
        **parameters,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "trace_name": span.trace_name or None,
        "model": facts.model,
        "provider": facts.provider,
        "total_cost": facts.cost,
        "input_cost": facts.input_cost,
        "output_cost": facts.output_cost,
        "prompt_tokens": facts.input_tokens,
        "completion_tokens": facts.output_tokens,
        "total_tokens": facts.total_tokens,
        "cached_tokens": facts.cached_tokens,
        "cache_write_tokens": facts.cache_write_tokens,
        "reasoning_tokens": facts.reasoning_tokens,
        "duration_ms": max(0, span.end - span.start) / 1e6,
        "time_to_first_token_ms": None if first is None else first * 1e3,
        "environment": span.environment or None,
        "release": span.release or None,
        "error": None if failure is None else failure.get("message") or failure.get("type") or "error",
        "error_type": None if failure is None else failure.get("type"),
        **({} if call is None else _of_call(call)),
    }


def _of_call(call: Generation) -> dict[str, object]:
    """Return the properties that only our own calls have."""
    return {
        "provider": call.provider,
        "generation_id": call.generation_id,
        "finish_reason": call.finish_reason,
        "outcome": call.outcome,
        "http_status": call.http_status,
        "is_byok": call.is_byok,
        "cost_source": call.cost_source,
        "app": call.app_title or call.app_url,
    }


def _words(span: Span) -> dict[str, str | None]:
    """Return the user's latest message, the output, and the content that Raindrop has no field for."""
    if not span.content:
        return {}
    asked, choices = _openai.input_messages(span.content), _openai.choices(span.content.get(_facts.OUTPUT))
    answers = [] if choices is None else [choice["message"] for choice in choices]
    calls = [each for message in answers for each in message.get("tool_calls", ())]
    return {
        "input": _latest(asked or ()) or _facts.input_text(span),
        "output": "\n".join(filter(None, map(_text, answers)))
        or (_facts.output_text(span) if choices is None else None),
        "system_prompt": "\n".join(_text(message) for message in asked or () if message["role"] == "system") or None,
        "tool_calls": _json.dumps([each["function"] for each in calls]) if calls else None,
    }


def _latest(messages: Sequence[_openai.Message]) -> str | None:
    """Return the user's last message with text, else the last message with text."""
    by_user = [message for message in messages if message["role"] == "user"]
    return next(filter(None, map(_text, reversed([*messages, *by_user]))), None)


def _text(message: _openai.Message) -> str:
    """Return the text of a message, with the types of other parts in brackets."""
    content = message["content"]
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    return "\n".join(str(part["text"]) if part["type"] == "text" else f"[{part['type']}]" for part in parts)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool | int | float)


def _least(own: Mapping[str, object]) -> dict[str, object]:
    return {name: _shortened(value, _SHORTEST) if isinstance(value, str) else value for name, value in own.items()}


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}{_CUT}"
