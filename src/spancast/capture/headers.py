"""What the headers of an answer state: the id of the generation before its body has come, and the cache's word."""

from collections.abc import Mapping

from spancast.base.http_fields import retry_after
from spancast.capture.values import Facts, stated, text

_CACHE = {"HIT": True, "MISS": False}


def header_facts(headers: Mapping[str, str]) -> Facts:
    """Return the fields of a Call that the headers state (OpenRouter docs, response headers)."""
    return stated(
        generation_id=text(headers.get("x-generation-id")),
        provider=text(headers.get("x-provider-name")),
        request_id=text(headers.get("request-id")),
        cache_hit=_CACHE.get((headers.get("x-openrouter-cache-status") or "").strip().upper()),
        retry_after=_wait(headers),
    )


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the caller is asked to wait; what is longer than any life is no wait, but nonsense."""
    wait = retry_after(headers)
    return wait if wait is not None and wait < _AGES else None


_AGES = 1e10
"""Seconds."""
