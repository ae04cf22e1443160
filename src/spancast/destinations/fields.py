"""The fields of a call that filters can use, by their names in OpenRouter's Broadcast.

A field that Broadcast does not have gets a name of ours. A text field may have several values, of which one has to
match: the model that responded and the one that was requested, or the finish reason of each choice.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from spancast.base.units import NS_PER_SECOND
from spancast.records.call import Call
from spancast.records.resource import ENVIRONMENT, RELEASE, service_of, text_of

Number = Decimal | int | float


def _total(call: Call) -> int | None:
    if call.total_tokens is not None or call.input_tokens is None or call.output_tokens is None:
        return call.total_tokens
    return call.input_tokens + call.output_tokens


TEXTS: Mapping[str, Callable[[Call], Iterable[str | None]]] = {
    "model": lambda call: (call.response_model, call.request_model),
    "provider": lambda call: (call.provider,),
    "session_id": lambda call: (call.session,),
    "user_id": lambda call: (call.user,),
    "api_key_hash": lambda call: (call.key_hash,),
    "finish_reason": lambda call: call.finish_reasons or (),
    "operation": lambda call: (call.operation,),
    "outcome": lambda call: (call.outcome,),
    "error_type": lambda call: (call.error_type,),
    "app": lambda call: (service_of(call.resource), call.app_title),
    "environment": lambda call: (call.environment or text_of(call.resource, ENVIRONMENT),),
    "release": lambda call: (call.release or text_of(call.resource, RELEASE),),
    "trace_name": lambda call: (call.trace_name,),
}
"""Text fields."""

KEY_NAME = "api_key_name"
"""The settings' name for the API key of a call, which the call itself does not have."""

NUMBERS: Mapping[str, Callable[[Call], Number | None]] = {
    "total_cost": lambda call: call.cost,
    "total_tokens": _total,
    "prompt_tokens": lambda call: call.input_tokens,
    "completion_tokens": lambda call: call.output_tokens,
    "cached_tokens": lambda call: call.cached_tokens,
    "reasoning_tokens": lambda call: call.reasoning_tokens,
    "http_status": lambda call: call.http_status,
    "duration": lambda call: None if call.duration is None else Decimal(call.duration) / NS_PER_SECOND,
}
"""Number fields. `total_cost` is in US dollars, `duration` in seconds."""

COST = "total_cost"

PREFIXES: Mapping[str, Callable[[Call, str], str | None]] = {
    "tag:": lambda call, key: call.tags.get(key),
    "metadata:": lambda call, key: call.metadata.get(key),
}
"""Text fields with a key of the application behind a prefix."""

NAMES = (*TEXTS, KEY_NAME, *NUMBERS, *(f"{prefix}KEY" for prefix in PREFIXES))
"""All fields, for error messages."""


def is_known(field: str) -> bool:
    """Whether there is such a field."""
    return field in TEXTS or field in NUMBERS or field == KEY_NAME or _prefix(field) is not None


def texts(field: str, call: Call, key_names: Mapping[str, str]) -> Iterable[str | None]:
    """Return the values of a text field; `key_names` are the names of API keys by hash."""
    if field == KEY_NAME:
        return (key_names.get(call.key_hash or ""),)
    prefix = _prefix(field)
    return TEXTS[field](call) if prefix is None else (PREFIXES[prefix](call, field.removeprefix(prefix)),)


def _prefix(field: str) -> str | None:
    return next((prefix for prefix in PREFIXES if field.startswith(prefix) and len(field) > len(prefix)), None)
