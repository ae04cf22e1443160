"""What the application is free to write in a request and beside it: names, models, tags. No secret of it is kept.

Nor is one of its credentials kept where an answer echoes it.
"""

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
_REMEMBERED = 256
"""What one call says is often what another has said."""
_json = msgspec.json.Encoder().encode


def scrubbed(facts: Facts, credentials: tuple[str, ...]) -> Facts:
    """Return the facts without the request's own `credentials`, and without what looks like a secret."""
    if not _may_hold_secrets(_json(facts), credentials):
        return facts
    clean = partial(without_secrets, secrets=credentials)
    return {**facts, **{field: _cleaned(facts[field], clean) for field in _FIELDS if facts.get(field)}}


def without_echo(facts: Facts, credentials: Sequence[str]) -> Facts:
    """Return what an answer states without the request's own `credentials`, which it may have in any text.

    Where it echoes one, what it says of routing is left out whole.
    """
    said = "\0".join(map(str, facts.values()))
    if not any(credential in said for credential in credentials):
        return facts
    clean = partial(without_secrets, secrets=credentials)
    return {name: _cleaned(value, clean) for name, value in facts.items() if type(value) is not Routing}


@lru_cache(maxsize=_REMEMBERED)
def _may_hold_secrets(written: bytes, credentials: tuple[str, ...]) -> bool:
    """Whether JSON is worth a closer look, in which a quote or a backslash of a credential is escaped."""
    return may_hold_secrets(written.decode(), [_json(text(each, None))[1:-1].decode() for each in credentials])


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    match value:
        case str():
            return clean(value)
        case tuple():
            return tuple([_cleaned(each, clean) for each in value])
        case dict():
            return {clean(key): _named(key, clean(each)) for key, each in value.items()}
        case Parameters():
            fields = {name: each for name, each in asdict(value).items() if isinstance(each, str | tuple)}
            return replace(value, **{name: _cleaned(each, clean) for name, each in fields.items()})
    return value


def _named(name: str, value: str) -> str:
    """Return the value of a pair; of one whose name says that it is a secret whether there is one, if it says that."""
    return REMOVED if names_secret(name) and value not in ("true", "false") else value
