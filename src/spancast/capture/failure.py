"""What went wrong, as OpenRouter says it, in the words that are safe to keep."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from spancast.capture.values import member, text

MAX_MESSAGE = 128
"""Characters kept of an error message. What a provider quotes from the prompt (`metadata.raw`) is not kept at all."""

_CREDENTIALS = ("authorization", "proxy-authorization", "x-api-key", "api-key")
_SHORTEST_SECRET = 8
_REMOVED = "[removed]"
_SECRETS = re.compile(r"(?i)\b(?:sk|pk|rk)-[a-z0-9_-]{8,}|\bbearer\s+\S+|\b(?:api[_-]?key|token|password)\s*[=:]\s*\S+")


def failure_facts(error: Any, status: int | None = None) -> dict[str, Any]:
    """Return `error_type` and `error_message` of an `error` object, both as stated; the type is never unknown.

    The type is OpenRouter's stable one (`error.metadata.error_type`), else the error's code, else the HTTP status
    (OpenRouter docs, errors).
    """
    stable = text(member(member(error, "metadata"), "error_type")) or text(member(error, "error_type"))
    code = member(error, "code")
    coded = str(code) if type(code) is int and 0 <= code < 10**6 else text(code)
    facts: dict[str, Any] = {"error_type": stable or coded or (str(status) if status is not None else "error")}
    message = text(member(error, "message") if isinstance(error, dict) else error)
    if message is not None:
        facts["error_message"] = message
    return facts


def exception_facts(error: BaseException) -> dict[str, Any]:
    """Return `error_type` of an exception that the client library raised: its public name, not its text."""
    kind = type(error)
    return {
        "error_type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    }


def kept(stated: str, secrets: Sequence[str] = ()) -> str:
    """Return what is kept of a text: without the request's own `secrets` and what looks like one, and not too long."""
    for secret in secrets:
        stated = stated.replace(secret, _REMOVED)
    return _SECRETS.sub(_REMOVED, stated)[:MAX_MESSAGE]


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the credentials that a request carries; what is shorter than eight characters is none."""
    words = (word for name in _CREDENTIALS for word in headers.get(name, "").split())
    return tuple(word for word in words if len(word) >= _SHORTEST_SECRET)
