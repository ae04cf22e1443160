"""Which requests are calls to a model: by the hosts of OpenRouter's API, and by the paths of its routes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from spancast.capture.dialects.dialect import Dialect
from spancast.capture.dialects.table import dialect_of

PUBLIC = "openrouter.ai"
"""OpenRouter itself; `eu.` and `us.` are its regional hosts (OpenRouter docs, regional routing)."""

_REGIONS = ("eu", "us")
_CACHED = 256
"""Combinations of method and URL whose dialect is cached."""
_SUFFIXES = (PUBLIC, PUBLIC + ".")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Host:
    """A host of OpenRouter's API. `None` means any."""

    port: int | None = None
    scheme: str | None = None
    path: str = ""

    def matches(self, scheme: str, port: int | None, path: str) -> bool:
        """Whether a request is to this host."""
        if self.port is not None and self.port != (port or DEFAULT_PORTS.get(scheme)):
            return False
        if self.scheme is not None and self.scheme != scheme:
            return False
        return not self.path or path == self.path or path.startswith(self.path + "/")


class Routes:
    """The hosts that are watched: OpenRouter's own, and others given as `host`, `host:port` or a URL prefix."""

    __slots__ = ("_hosts", "dialect")

    def __init__(self, hosts: Sequence[str] = ()) -> None:
        self._hosts: dict[str, tuple[Host, ...]] = {PUBLIC: (Host(),)}
        for host in hosts:
            name, parsed = _parsed(host)
            self._hosts[name] = (*self._hosts.get(name, ()), parsed)

        self.dialect = lru_cache(maxsize=_CACHED)(self._dialect)
        """Returns the dialect of a request; `None` where it is no call to a model."""

    def watches(self, host: str) -> bool:
        """Whether a request to `host` may be a call. It is checked for every request of the process, so it is fast."""
        return host in self._hosts or host.endswith(_SUFFIXES)

    def _dialect(self, method: str, scheme: str, host: str, port: int | None, path: str) -> Dialect | None:
        host = host.rstrip(".")
        known = self._hosts[PUBLIC] if host.endswith("." + PUBLIC) else self._hosts.get(host, ())
        return dialect_of(method, path) if any(each.matches(scheme, port, path) for each in known) else None


def region_of(host: str) -> str | None:
    """Return the region of a regional host: `eu` of `eu.openrouter.ai` (OpenRouter docs, regional routing)."""
    region, _, rest = host.rstrip(".").partition(".")
    return region if rest == PUBLIC and region in _REGIONS else None


def _parsed(host: str) -> tuple[str, Host]:
    if "://" in host:
        parts = urlsplit(host)
        return (parts.hostname or "").lower(), Host(
            parts.port or DEFAULT_PORTS.get(parts.scheme), parts.scheme, parts.path.rstrip("/")
        )
    parts = urlsplit("//" + host)
    return (parts.hostname or "").lower(), Host(parts.port)
