"""What a request of any dialect asks for. Its messages, prompts and files are not read."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from spancast.capture import claude_code
from spancast.capture.decode import Decoder
from spancast.capture.trace_fields import trace_facts
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


_request = Decoder(_Request)
_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode


def request_facts(body: bytes | None, content_type: str = "") -> Facts:
    """Return what the request asks for; `body` is `None` where it is not in memory."""
    if not body:
        return {}
    if content_type.lower().startswith("multipart/form-data"):
        return form_facts(form_fields(body, content_type))
    seen = _request(body)
    return {} if seen is None else _facts(seen)


def form_facts(fields: Mapping[str, Any]) -> Facts:
    """Return the same from the fields of a form that the client library has not written down yet."""
    seen = _request.of({name: _written(name, value) for name, value in fields.items()})
    return {} if seen is None else _facts(seen)


def _written(name: str, value: Any) -> Any:
    """Return the value of a form's field, in which a number and an object are written as text."""
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
"""How the fields of a form are read that are no texts (OpenRouter API and SDK, transcriptions)."""


def _facts(seen: _Request) -> Facts:
    facts: Facts = {
        "request_model": seen.model,
        "request_models": () if seen.models is None and seen.fallbacks is None else _models(seen),
        "streamed": seen.stream is True or seen.stream == "true",
        "user": seen.user or text(member(seen.metadata, "user_id")),
        "session": seen.session_id,
        "linked": seen.trace is not None and any(text(member(seen.trace, name)) for name in _LINKS),
        "parameters": _parameters(seen),
    }
    if seen.trace is not None or seen.metadata is not None:
        facts.update(trace_facts(seen.trace, seen.metadata))
    return claude_code.taken_apart(facts)


def _models(seen: _Request) -> tuple[str, ...]:
    """Return the models that may answer: those of OpenRouter's own list, else of Anthropic's."""
    return texts(seen.models) or _fallbacks(seen.fallbacks)


def _fallbacks(seen: Any) -> tuple[str, ...]:
    """Return the models that a request in Anthropic's form falls back on (OpenRouter API, MessagesRequest)."""
    return texts([member(each, "model") for each in items(seen)])


_LINKS = ("trace_id", "parent_span_id")


def _parameters(seen: _Request) -> Parameters | None:
    found: dict[str, Any] = {}
    for reader, value in zip(_READERS, _members(seen), strict=True):
        if value is not None:
            field, read = reader
            if (asked := read(value)) is not None:
                found.setdefault(field, asked)
    if seen.text is not None or seen.output_config is not None or isinstance(seen.tool_choice, dict):
        found = {**_inner(seen), **found}
    return Parameters(**found) if found else None


def _inner(seen: _Request) -> Facts:
    """Return what Responses ask for in `text`, and Messages in `output_config` and `tool_choice`."""
    one_by_one = flag(member(seen.tool_choice, "disable_parallel_tool_use"))
    return stated(
        response_format=_kind(member(seen.text, "format")) or _kind(member(seen.output_config, "format")),
        verbosity=text(member(seen.text, "verbosity")),
        reasoning_level=text(member(seen.output_config, "effort")),
        parallel_tool_calls=None if one_by_one is None else not one_by_one,
    )


def _stops(seen: Any) -> tuple[str, ...] | None:
    return texts([seen] if isinstance(seen, str) else seen) or None


def _some(seen: Any) -> tuple[str, ...] | None:
    return texts(seen) or None


def _ids(seen: Any) -> tuple[str, ...] | None:
    return texts([member(each, "id") for each in items(seen)]) or None


def _effort(seen: Any) -> str | None:
    return text(member(seen, "effort"))


def _kind(seen: Any) -> str | None:
    return text(seen) or text(member(seen, "type"))


def _length(seen: Any) -> int | None:
    """Return how many members a list has that was left as it is written."""
    if isinstance(seen, list):
        return len(seen) or None
    try:
        return len(_raws(seen)) or None if memoryview(seen) else None
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
"""By the names of a request's members: the parameter, and how it is read. Of two for one parameter the first wins."""
_READERS = tuple(_READ.values())
_members = attrgetter(*_READ)


def app_facts(headers: Mapping[str, str]) -> Facts:
    """Return by which names the application introduces itself (OpenRouter docs, app attribution)."""
    if headers.keys().isdisjoint(_INTRODUCTIONS):
        return {}
    title = text(headers.get("x-openrouter-title")) or text(headers.get("x-title"))
    categories, page = headers.get("x-openrouter-categories"), headers.get("http-referer")
    return {
        "app_url": text(_page(page)),
        "app_title": title,
        "app_categories": texts([each.strip() for each in categories.split(",")]) if categories else (),
    }


_INTRODUCTIONS = ("x-openrouter-title", "x-title", "x-openrouter-categories", "http-referer")


def _page(address: str | None) -> str | None:
    """Return an address without what may be secret in it: user and password, query and fragment."""
    if not address:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def form_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Return the short fields of a `multipart/form-data` body that are no files (RFC 7578)."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return {}
    _before, *parts = body.split(b"--" + boundary[1].encode("latin-1", "replace"))
    return labels(_field(part) for part in parts if len(part) <= _LONGEST_FIELD)


def _field(part: bytes) -> tuple[str | None, str]:
    """Return the name and the value of a part; the name of a file is `None`."""
    head, _, value = part.partition(b"\r\n\r\n")
    named = None if b"filename" in head else _NAME.search(head)
    return named and named[1].decode("utf-8", "replace"), value.removesuffix(b"\r\n").decode("utf-8", "replace")


_LONGEST_FIELD = 4096
_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]+)"', re.IGNORECASE)
