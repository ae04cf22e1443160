"""The response cache: an answer that was given before, given again for nothing (OpenRouter docs, response caching)."""

import hashlib
import re
import threading

import msgspec

from spancast.testing.simulator.served import Served

_USUAL_TTL = 300
_LONGEST_TTL = 86_400
_DIGITS = re.compile(r"\d+")


class Asked(msgspec.Struct, frozen=True):
    """What a request wants of the cache."""

    key: str
    """The same for requests that are identical."""
    ttl: int
    """Seconds."""
    clears: bool
    """Whether what is kept is to be forgotten."""

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says that was made for this request."""
        return {"X-OpenRouter-Cache-Status": "MISS", "X-OpenRouter-Cache-TTL": str(self.ttl)}


class Hit(msgspec.Struct, frozen=True):
    """An answer found in the cache."""

    source_id: str | None
    """The generation that made it."""
    age: int
    """Seconds."""
    ttl: int
    """Seconds that it will still be kept."""

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says that is given again."""
        return {
            "X-OpenRouter-Cache-Status": "HIT",
            "X-OpenRouter-Cache-Age": str(self.age),
            "X-OpenRouter-Cache-TTL": str(self.ttl),
        } | ({"X-OpenRouter-Cache-Source-Id": self.source_id} if self.source_id else {})


ALWAYS = Hit(source_id=None, age=1, ttl=_USUAL_TTL)
"""The hit of a request that was never made before: the fault `cache-hit`."""


class _Kept(msgspec.Struct, frozen=True):
    source_id: str
    at: float
    ttl: int


class ResponseCache:
    """Keeps which generation answered which request. Every access is one step under one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def find(self, asked: Asked, at: float) -> Hit | None:
        """Return what answers the request again, if it may."""
        with self._lock:
            if asked.clears:
                self._kept.pop(asked.key, None)
            kept = self._kept.get(asked.key)
            if kept is None or at >= kept.at + kept.ttl:
                return None
            age = int(at - kept.at)
            return Hit(source_id=kept.source_id, age=age, ttl=kept.ttl - age)

    def keep(self, asked: Asked, source_id: str, at: float) -> None:
        """Keep the answer of a generation."""
        with self._lock:
            self._kept[asked.key] = _Kept(source_id, at, asked.ttl)


def asked(served: Served, *, stream: bool) -> Asked | None:
    """Return what the headers want of the cache; `None` where they do not turn it on."""
    if served.headers.get("x-openrouter-cache", "").lower() != "true":
        return None
    digest = hashlib.sha256(msgspec.json.encode(served.json)).hexdigest()
    return Asked(
        key=f"{served.key_hash} {served.path} {stream} {digest}",
        ttl=_ttl(served.headers.get("x-openrouter-cache-ttl", "")),
        clears=served.headers.get("x-openrouter-cache-clear", "").lower() == "true",
    )


def _ttl(written: str) -> int:
    """Return the seconds: the digits that the text begins with, within what is allowed."""
    digits = _DIGITS.match(written.strip())
    return min(max(int(digits[0]), 1), _LONGEST_TTL) if digits else _USUAL_TTL
