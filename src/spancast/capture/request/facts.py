"""What a request of any dialect states: its model, parameters, user and trace. Messages and files are not read."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from spancast.base.urls import location
from spancast.capture.json_decoder import Decoder
from spancast.capture.request import claude_code
from spancast.capture.request.trace_fields import trace_facts
from spancast.capture.values import (
    Facts,
    Number,
    Text,
    count,
    flag,
    integer,
    items,
    labels,
    member,
    number,
    stated,
    text,
    texts,
)
from spancast.records.call import Parameters


class _Request(msgspec.Struct):
    """The members that are read, of all dialects: no two use one name for different things."""

    models: Any = None
    fallbacks: Any = None
    stream: Any = None
    user: Text | None = None
    session_id: Text | None = None
    metadata: Any = None
    trace: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_k: Any = None
    min_p: Number | None = None
    top_a: Number | None = None
    frequency_penalty: Number | None = None
    presence_penalty: Number | None = None
    repetition_penalty: Number | None = None
    seed: Any = None
    n: Any = None
    stop: Any = None
    stop_sequences: Any = None
    reasoning: Any = None
    reasoning_effort: Any = None
    verbosity: Any = None
    modalities: Any = None
    response_format: Any = None
    text: Any = None
    output_config: Any = None
    dimensions: Any = None
    encoding_format: Any = None
    service_tier: Any = None
    tools: msgspec.Raw = msgspec.Raw()
    tool_choice: Any = None
    parallel_tool_calls: Any = None
    plugins: Any = None
    preset: Any = None
    model: Text | None = None
    previous_response_id: Any = None


_decode = Decoder(_Request)
_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode


def request_facts(body: bytes | None, content_type: str = "") -> Facts:
    """Return what a request states; `body` is `None` where it is not in memory."""
    if not body:
        return {}
    if content_type.lower().startswith("multipart/form-data"):
        return form_facts(form_fields(body, content_type))
    request = _decode(body)
    return {} if request is None else _facts(request)


def form_facts(fields: Mapping[str, Any]) -> Facts:
    """Return the same from the fields of a form that the client library has not encoded yet."""
    request = _decode.of({name: _form_value(name, value) for name, value in fields.items()})
    return {} if request is None else _facts(request)


def _form_value(name: str, value: Any) -> Any:
    """Return the value of a form field, in which numbers and objects are written as text."""
    read = _FORM_VALUES.get(name) if isinstance(value, str) else None
    if read is None:
        return value
    try:
        return read(value)
    except (ArithmeticError, ValueError, RecursionError):
        return None


_FORM_VALUES: Mapping[str, Callable[[str], Any]] = {
    "temperature": Decimal,
    "trace": msgspec.json.decode,
    "metadata": msgspec.json.decode,
}
"""How form fields that are not text are parsed (OpenRouter API and SDK, transcriptions)."""


def _facts(request: _Request) -> Facts:
    facts: Facts = {
        "request_model": request.model,
        "request_models": () if request.models is None and request.fallbacks is None else _models(request),
        "streamed": request.stream is True or request.stream == "true",
        "user": request.user or text(member(request.metadata, "user_id")),
        "session": request.session_id,
        "linked": request.trace is not None and any(text(member(request.trace, name)) for name in _LINKS),
        "parameters": _parameters(request),
    }
    if request.trace is not None or request.metadata is not None:
        facts.update(trace_facts(request.trace, request.metadata))
    return claude_code.split_user(facts)


def _models(request: _Request) -> tuple[str, ...]:
    """Return the models that may answer: those of OpenRouter's `models`, else of Anthropic's `fallbacks`."""
    return texts(request.models) or _fallbacks(request.fallbacks)


def _fallbacks(value: Any) -> tuple[str, ...]:
    """Return the fallback models of a request in Anthropic's form (OpenRouter API, MessagesRequest)."""
    return texts([member(each, "model") for each in items(value)])


_LINKS = ("trace_id", "parent_span_id")


def _parameters(request: _Request) -> Parameters | None:
    found: dict[str, Any] = {}
    for reader, value in zip(_READERS, _members(request), strict=True):
        if value is not None:
            field, read = reader
            if (parameter := read(value)) is not None:
                found.setdefault(field, parameter)
    if request.text is not None or request.output_config is not None or isinstance(request.tool_choice, dict):
        found = {**_inner(request), **found}
    return Parameters(**found) if found else None


def _inner(request: _Request) -> Facts:
    """Return the parameters in `text` (Responses) and in `output_config` and `tool_choice` (Messages)."""
    sequential = flag(member(request.tool_choice, "disable_parallel_tool_use"))
    return stated(
        response_format=_kind(member(request.text, "format")) or _kind(member(request.output_config, "format")),
        verbosity=text(member(request.text, "verbosity")),
        reasoning_level=text(member(request.output_config, "effort")),
        parallel_tool_calls=None if sequential is None else not sequential,
    )


def _stops(value: Any) -> tuple[str, ...] | None:
    return texts([value] if isinstance(value, str) else value) or None


def _some(value: Any) -> tuple[str, ...] | None:
    return texts(value) or None


def _ids(value: Any) -> tuple[str, ...] | None:
    return texts([member(each, "id") for each in items(value)]) or None


def _effort(value: Any) -> str | None:
    return text(member(value, "effort"))


def _kind(value: Any) -> str | None:
    return text(value) or text(member(value, "type"))


def _length(value: Any) -> int | None:
    """Return the length of a list that was left as it is written."""
    if isinstance(value, list):
        return len(value) or None
    try:
        return len(_raws(value)) or None if memoryview(value) else None
    except (ValueError, RecursionError, TypeError):
        return None


def _preset(model: Any) -> str | None:
    """Return the preset that a model names: `@preset/slug`, or `model@preset/slug` (OpenRouter docs, presets)."""
    return (text(model) or "").partition("@preset/")[2] or None


_READ: dict[str, tuple[str, Callable[[Any], object]]] = {
    "max_tokens": ("max_tokens", count),
    "max_completion_tokens": ("max_tokens", count),
    "max_output_tokens": ("max_tokens", count),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "top_k": ("top_k", count),
    "min_p": ("min_p", number),
    "top_a": ("top_a", number),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "repetition_penalty": ("repetition_penalty", number),
    "seed": ("seed", integer),
    "n": ("choice_count", count),
    "stop": ("stop", _stops),
    "stop_sequences": ("stop", _stops),
    "reasoning": ("reasoning_level", _effort),
    "reasoning_effort": ("reasoning_level", text),
    "verbosity": ("verbosity", text),
    "modalities": ("modalities", _some),
    "response_format": ("response_format", _kind),
    "dimensions": ("dimensions", count),
    "encoding_format": ("encoding_format", text),
    "service_tier": ("service_tier", text),
    "tools": ("tool_count", _length),
    "tool_choice": ("tool_choice", _kind),
    "parallel_tool_calls": ("parallel_tool_calls", flag),
    "plugins": ("plugins", _ids),
    "preset": ("preset", text),
    "model": ("preset", _preset),
    "previous_response_id": ("previous_response_id", text),
}
"""From a member of a request to its parameter and what reads it. Of two for one parameter the first counts."""
_READERS = tuple(_READ.values())
_members = attrgetter(*_READ)


def app_facts(headers: Mapping[str, str]) -> Facts:
    """Return the URL, title and categories of the application (OpenRouter docs, app attribution)."""
    if headers.keys().isdisjoint(_APP_HEADERS):
        return {}
    title = text(headers.get("x-openrouter-title")) or text(headers.get("x-title"))
    categories, page = headers.get("x-openrouter-categories"), headers.get("http-referer")
    return {
        "app_url": text(location(page)),
        "app_title": title,
        "app_categories": texts([each.strip() for each in categories.split(",")]) if categories else (),
    }


_APP_HEADERS = ("x-openrouter-title", "x-title", "x-openrouter-categories", "http-referer")


def form_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Return the short fields of a `multipart/form-data` body that are no files (RFC 7578)."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return {}
    _before, *parts = body.split(b"--" + boundary[1].encode("latin-1", "replace"))
    return labels(_field(part) for part in parts if len(part) <= _LONGEST_FIELD)


def _field(part: bytes) -> tuple[str | None, str]:
    """Return the name and the value of a part; `None` as the name of a file."""
    head, _, value = part.partition(b"\r\n\r\n")
    named = None if b"filename" in head else _NAME.search(head)
    return named and named[1].decode("utf-8", "replace"), value.removesuffix(b"\r\n").decode("utf-8", "replace")


_LONGEST_FIELD = 4096
"""Bytes of a part of a form that is parsed."""
_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]+)"', re.IGNORECASE)
