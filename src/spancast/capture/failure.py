"""What went wrong, as OpenRouter states it, without secrets; and the credentials of a request."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from spancast.base.scrub import without_secrets, without_word
from spancast.capture.values import Facts, items, member, text

MAX_MESSAGE = 128
"""Characters stored of an error message. What a provider quotes of the prompt (`metadata.raw`) is never stored."""

_KEYED = ("authorization", "x-api-key", "api-key")
"""The headers that may hold the API key; the first one present counts."""
CREDENTIALS = (
    *(*_KEYED, "proxy-authorization"),
    *("x-goog-api-key", "x-litellm-api-key", "cf-aig-authorization", "x-portkey-api-key", "helicone-auth"),
)
"""The headers that hold a secret: those of OpenRouter, and of gateways in front of it."""
_SEARCHED = 16 * 1024
"""Characters of a message that are searched for secrets: the longest header, and so credential, of most servers."""
_SHORTEST_SECRET = 8
_CACHED_KEYS = 16
"""Keys whose hashes are cached; most programs have one."""


def failure_facts(error: Any, status: int | None = None) -> Facts:
    """Return what an `error` object states; its type is never unknown.

    The type is OpenRouter's stable one (`error.metadata.error_type`), else the error's code, else Anthropic's `type`,
    else the HTTP status (OpenRouter docs, errors). What a provider quotes (`metadata.raw`) is left out. The type and
    the message are not cut, since half a secret is not recognised; `safe_excerpt` cuts them.
    """
    metadata = member(error, "metadata")
    stable = _whole(member(metadata, "error_type")) or _whole(member(error, "error_type"))
    coded = _code(member(error, "code")) or _whole(member(error, "type"))
    facts = {
        "error_type": stable or coded or (str(status) if status is not None else "error"),
        "error_message": _whole(member(error, "message") if isinstance(error, dict) else error),
        "error_provider": text(member(metadata, "provider_name")),
        "previous_errors": tuple(
            text(_code(member(each, "code"))) or "error" for each in items(member(metadata, "previous_errors"))
        ),
    }
    return {name: value for name, value in facts.items() if value}


def _code(code: Any) -> str | None:
    return str(code) if type(code) is int and 0 <= code < 10**6 else _whole(code)


def _whole(value: Any) -> str | None:
    return text(value, None)


def exception_facts(error: BaseException) -> Facts:
    """Return the `error_type` of an exception that the client library raised: its qualified name, not its text."""
    kind = type(error)
    return {
        "error_type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    }


def safe_excerpt(stated: str, secrets: Sequence[str] = (), user: str | None = None) -> str:
    """Return the beginning of a text without the request's own `secrets` and what looks like one.

    It does not quote a pseudonymised `user` either. A text that equals the user, such as the code 429, is no quotation.
    """
    stated = stated[:_SEARCHED]
    if user is not None and user != stated:
        stated = without_word(stated, user)
    return without_secrets(stated, secrets)[:MAX_MESSAGE]


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the credentials of a request; anything shorter than eight characters is none."""
    return _tokens(tuple([headers[name] for name in CREDENTIALS if name in headers]))


@lru_cache(maxsize=_CACHED_KEYS)
def _tokens(stated: tuple[str, ...]) -> tuple[str, ...]:
    """Return the long tokens; the values of a header that was sent twice are joined by a comma (RFC 9110 §5.3)."""
    tokens = [token for each in stated for token in each.replace(",", " ").split() if len(token) >= _SHORTEST_SECRET]
    return tuple(dict.fromkeys(tokens))


def key_hash(headers: Mapping[str, str]) -> str | None:
    """Return the SHA-256 of the request's API key in hex, as OpenRouter lists it (openrouter SDK, keys).

    Keys of other kinds than OpenRouter's own are hashed too: the hash still distinguishes them.
    """
    return _hash(tuple([headers[name] for name in _KEYED if name in headers]))


@lru_cache(maxsize=_CACHED_KEYS)
def _hash(stated: tuple[str, ...]) -> str | None:
    key = next(iter(_tokens(stated)), None)  # the name of an authorization scheme is shorter
    return None if key is None else sha256(key.encode("utf-8", "replace")).hexdigest()
