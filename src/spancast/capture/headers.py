"""What the headers of an answer state: the id of the generation before its body has come, and the cache's word."""

from collections.abc import Mapping

from spancast.base.http_fields import retry_after
from spancast.capture.failure import CREDENTIALS
from spancast.capture.values import Facts, text

ASKED = frozenset(
    {
        *(name.encode() for name in CREDENTIALS),
        *(b"content-type", b"x-session-id", b"x-stainless-retry-count", b"idempotency-key"),
        *(b"http-referer", b"x-title", b"x-openrouter-title", b"x-openrouter-categories"),
    }
)
"""The headers of a request that anything is read of."""
ANSWERED = frozenset(
    {
        *(b"content-type", b"content-encoding", b"date", b"retry-after"),
        *(b"x-generation-id", b"x-provider-name", b"request-id", b"x-openrouter-cache-status"),
    }
)
"""Those of an answer."""

_TEXTS = {"x-generation-id": "generation_id", "x-provider-name": "provider", "request-id": "request_id"}
_CACHE = "x-openrouter-cache-status"
_HITS = {"HIT": True, "MISS": False}


def header_facts(headers: Mapping[str, str]) -> Facts:
    """Return the fields of a Call that the headers state (OpenRouter docs, response headers)."""
    found: Facts = {}
    for name, field in _TEXTS.items():
        if name in headers and (said := text(headers[name])) is not None:
            found[field] = said
    if _CACHE in headers and (hit := _HITS.get(headers[_CACHE].strip().upper())) is not None:
        found["cache_hit"] = hit
    if (wait := _wait(headers)) is not None:
        found["retry_after"] = wait
    return found


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the caller is asked to wait; what is longer than any life is no wait, but nonsense."""
    wait = retry_after(headers) if "retry-after" in headers else None
    return wait if wait is not None and wait < _AGES else None


_AGES = 1e10
"""Seconds."""
