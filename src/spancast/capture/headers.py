"""What the headers of an answer state: the id of the generation before its body has come, and the cache's word."""

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from spancast.capture.values import Facts, stated, text

_CACHE = {"HIT": True, "MISS": False}


def header_facts(headers: Mapping[str, str]) -> Facts:
    """Return the fields of a Call that the headers state (OpenRouter docs, response headers)."""
    return stated(
        generation_id=text(headers.get("x-generation-id")),
        provider=text(headers.get("x-provider-name")),
        request_id=text(headers.get("request-id")),
        cache_hit=_CACHE.get((headers.get("x-openrouter-cache-status") or "").strip().upper()),
        retry_after=_retry_after(headers.get("retry-after")),
    )


def _retry_after(written: str | None) -> float | None:
    """Return the seconds to wait, of either form (RFC 9110 §10.2.3)."""
    if not written or len(written) > _LONGEST:
        return None
    written = written.strip()
    if written.isdecimal():
        return float(written)
    try:
        until = parsedate_to_datetime(written)
        if until.tzinfo is None:  # the obsolete form names no zone; it means the same one (RFC 9110 §5.6.7)
            until = until.replace(tzinfo=UTC)
        return max(0.0, until.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


_LONGEST = 64
