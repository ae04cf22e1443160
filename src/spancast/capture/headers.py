"""What the headers of an answer state: the generation id, before its body has come, and whether the cache was hit."""

from collections.abc import Mapping

from spancast.base.http_fields import retry_after
from spancast.capture.failure import CREDENTIALS
from spancast.capture.values import Facts, text

REQUEST_HEADERS = frozenset(
    {
        *(name.encode() for name in CREDENTIALS),
        *(b"content-type", b"x-session-id", b"x-stainless-retry-count", b"idempotency-key"),
        *(b"http-referer", b"x-title", b"x-openrouter-title", b"x-openrouter-categories"),
    }
)
"""The headers of a request that are read."""
RESPONSE_HEADERS = frozenset(
    {
        *(b"content-type", b"content-encoding", b"date", b"retry-after"),
        *(b"x-generation-id", b"x-provider-name", b"request-id", b"x-openrouter-cache-status"),
    }
)
"""The headers of an answer that are read."""

_TEXTS = {"x-generation-id": "generation_id", "x-provider-name": "provider", "request-id": "request_id"}
_CACHE = "x-openrouter-cache-status"
_HITS = {"HIT": True, "MISS": False}


def header_facts(headers: Mapping[str, str]) -> Facts:
    """Return the fields of a Call that the headers state (OpenRouter docs, response headers)."""
    found: Facts = {}
    for name, field in _TEXTS.items():
        if name in headers and (value := text(headers[name])) is not None:
            found[field] = value
    if _CACHE in headers and (hit := _HITS.get(headers[_CACHE].strip().upper())) is not None:
        found["cache_hit"] = hit
    if (wait := _wait(headers)) is not None:
        found["retry_after"] = wait
    return found


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the caller is asked to wait; `None` for an implausibly large number."""
    wait = retry_after(headers) if "retry-after" in headers else None
    return wait if wait is not None and wait < _IMPLAUSIBLE_SECONDS else None


_IMPLAUSIBLE_SECONDS = 1e10
