"""The response cache, which repeats an earlier response free of charge (OpenRouter docs, response caching)."""

import hashlib
import re
import threading

import msgspec

from spancast.testing.simulator.served import Served

_DEFAULT_TTL = 300
_MAX_TTL = 86_400
_DIGITS = re.compile(r"\d+")


class CacheRequest(msgspec.Struct, frozen=True):
    """A request's cache directives."""

    key: str
    """The cache key; equal for identical requests."""
    ttl: int
    """Seconds."""
    clears: bool
    """Whether the entry is removed first."""

    @property
    def headers(self) -> dict[str, str]:
        """The response headers of a cache miss."""
        return {"X-OpenRouter-Cache-Status": "MISS", "X-OpenRouter-Cache-TTL": str(self.ttl)}


class Hit(msgspec.Struct, frozen=True):
    """A cache hit."""

    source_id: str | None
    """The generation that produced the response."""
    age: int
    """Seconds."""
    ttl: int
    """Seconds until it expires."""

    @property
    def headers(self) -> dict[str, str]:
        """The response headers of a cache hit."""
        return {
            "X-OpenRouter-Cache-Status": "HIT",
            "X-OpenRouter-Cache-Age": str(self.age),
            "X-OpenRouter-Cache-TTL": str(self.ttl),
        } | ({"X-OpenRouter-Cache-Source-Id": self.source_id} if self.source_id else {})


ALWAYS = Hit(source_id=None, age=1, ttl=_DEFAULT_TTL)
"""The hit that the fault `cache-hit` simulates for a request without an entry."""


class _Entry(msgspec.Struct, frozen=True):
    source_id: str
    at: float
    ttl: int


class ResponseCache:
    """Maps requests to the generations that served them; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Entry] = {}

    def find(self, asked: CacheRequest, at: float) -> Hit | None:
        """Return the request's entry, unless it has expired."""
        with self._lock:
            if asked.clears:
                self._kept.pop(asked.key, None)
            kept = self._kept.get(asked.key)
            if kept is None or at >= kept.at + kept.ttl:
                return None
            age = int(at - kept.at)
            return Hit(source_id=kept.source_id, age=age, ttl=kept.ttl - age)

    def keep(self, asked: CacheRequest, source_id: str, at: float) -> None:
        """Store the response of a generation."""
        with self._lock:
            self._kept[asked.key] = _Entry(source_id, at, asked.ttl)


def asked(served: Served, *, stream: bool) -> CacheRequest | None:
    """Return the cache directives in the headers; `None` if they do not enable the cache."""
    if served.headers.get("x-openrouter-cache", "").lower() != "true":
        return None
    digest = hashlib.sha256(msgspec.json.encode(served.json)).hexdigest()
    return CacheRequest(
        key=f"{served.key_hash} {served.path} {stream} {digest}",
        ttl=_ttl(served.headers.get("x-openrouter-cache-ttl", "")),
        clears=served.headers.get("x-openrouter-cache-clear", "").lower() == "true",
    )


def _ttl(written: str) -> int:
    """Return the TTL in seconds: the leading digits of the header, clamped to the allowed range."""
    digits = _DIGITS.match(written.strip())
    return min(max(int(digits[0]), 1), _MAX_TTL) if digits else _DEFAULT_TTL
