"""What a filter may speak of: the fields of a call, by the names that OpenRouter's Broadcast gives them.

What Broadcast has no field for has a name of ours.

Texts may be several, and a rule asks whether one of them is as it says: the model that answered and the one asked for,
the finish reason of each choice.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

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
"""Fields that hold text."""

KEY_NAME = "api_key_name"
"""The name that the settings give to the API key of a call; a call does not know it."""

NUMBERS: Mapping[str, Callable[[Call], Number | None]] = {
    "total_cost": lambda call: call.cost,
    "total_tokens": _total,
    "prompt_tokens": lambda call: call.input_tokens,
    "completion_tokens": lambda call: call.output_tokens,
    "cached_tokens": lambda call: call.cached_tokens,
    "reasoning_tokens": lambda call: call.reasoning_tokens,
    "http_status": lambda call: call.http_status,
    "duration": lambda call: None if call.duration is None else Decimal(call.duration) / 10**9,
}
"""Fields that hold a number. `total_cost` is in US dollars, `duration` in seconds."""

COST = "total_cost"

LABELS: Mapping[str, Callable[[Call, str], str | None]] = {
    "tag:": lambda call, key: call.tags.get(key),
    "metadata:": lambda call, key: call.metadata.get(key),
}
"""What a field begins with that is followed by a key of the application's own."""

NAMES = (*TEXTS, KEY_NAME, *NUMBERS, *(f"{label}KEY" for label in LABELS))
"""Every field, for those who look for one."""


def is_known(field: str) -> bool:
    """Whether there is such a field."""
    return field in TEXTS or field in NUMBERS or field == KEY_NAME or _label(field) is not None


def texts(field: str, call: Call, key_names: Mapping[str, str]) -> Iterable[str | None]:
    """Return what a field of text holds; `key_names` are the names of API keys by their hash."""
    if field == KEY_NAME:
        return (key_names.get(call.key_hash or ""),)
    label = _label(field)
    return TEXTS[field](call) if label is None else (LABELS[label](call, field.removeprefix(label)),)


def _label(field: str) -> str | None:
    return next((label for label in LABELS if field.startswith(label) and len(field) > len(label)), None)
