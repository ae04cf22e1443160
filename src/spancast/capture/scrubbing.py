"""Removes secrets from the fields that an application fills freely, such as names and tags, and from answers."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from spancast.base.scrub import REMOVED, may_hold_secrets, names_secret, without_secrets
from spancast.capture.values import Facts, text
from spancast.records.call import Parameters, Routing

_FIELDS = (
    *("user", "session", "request_model", "request_models", "parameters", "tags", "metadata"),
    *("app_url", "app_title", "app_categories"),
    *("trace_name", "span_name", "generation_name", "environment", "release"),
    *("request_trace_id", "request_parent_span_id"),
)
_CACHED = 256
"""Calls often repeat what an earlier one stated."""
_json = msgspec.json.Encoder().encode


def scrubbed(facts: Facts, credentials: tuple[str, ...]) -> Facts:
    """Return the facts of a request without its own `credentials`, and without what looks like a secret."""
    if not _may_hold_secrets(_json(facts), credentials):
        return facts
    clean = partial(without_secrets, secrets=credentials)
    return {**facts, **{field: _cleaned(facts[field], clean) for field in _FIELDS if facts.get(field)}}


def without_echo(facts: Facts, credentials: Sequence[str]) -> Facts:
    """Return what an answer states without the request's own `credentials`, which any text of it may echo.

    Where one is echoed, the routing metadata is left out.
    """
    stated = "\0".join(map(str, facts.values()))
    if not any(credential in stated for credential in credentials):
        return facts
    clean = partial(without_secrets, secrets=credentials)
    return {name: _cleaned(value, clean) for name, value in facts.items() if type(value) is not Routing}


@lru_cache(maxsize=_CACHED)
def _may_hold_secrets(written: bytes, credentials: tuple[str, ...]) -> bool:
    """Whether JSON may hold secrets; quotes and backslashes of a credential are escaped in it."""
    return may_hold_secrets(written.decode(), [_json(text(each, None))[1:-1].decode() for each in credentials])


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    match value:
        case str():
            return clean(value)
        case tuple():
            return tuple([_cleaned(each, clean) for each in value])
        case dict():
            return {clean(key): _pair_value(key, clean(each)) for key, each in value.items()}
        case Parameters():
            fields = {name: each for name, each in asdict(value).items() if isinstance(each, str | tuple)}
            return replace(value, **{name: _cleaned(each, clean) for name, each in fields.items()})
    return value


def _pair_value(name: str, value: str) -> str:
    """Return the value of a pair; where its name is that of a secret, `true` and `false` only."""
    return REMOVED if names_secret(name) and value not in ("true", "false") else value
