"""What the simulator was asked."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_BEARER = "bearer"


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived. Its credentials are not kept."""

    method: str
    target: str
    """Path and query, as on the request line."""
    headers: dict[str, str]
    """Names in lower case; `authorization`, `x-api-key` and cookies are left out."""
    body: bytes
    key_hash: str | None
    """SHA-256 of its API key, in hex, as OpenRouter's list of keys has it; `None` where it carried none."""
    at: float
    """Unix time in seconds, by the simulator's clock."""

    @property
    def authorized(self) -> bool:
        """Whether it carried an API key; the simulator takes any."""
        return self.key_hash is not None

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def parts(self) -> list[str]:
        """The members of the path: `["api", "v1", "videos", "some-id"]`."""
        return self.path.strip("/").split("/")

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one, the last."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        """The body as parsed JSON; raises `msgspec.DecodeError` where it is none, or nested too deep to be read."""
        try:
            return msgspec.json.decode(self.body)
        except RecursionError as error:
            raise msgspec.DecodeError("nested too deep") from error


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, whose names are in lower case, without those that carry credentials."""
    return {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}


def key_hash(headers: Mapping[str, str]) -> str | None:
    """Return the hash of the key that headers of lower-case names carry: a bearer's, or that of Anthropic's clients."""
    scheme, _, bearer = headers.get("authorization", "").strip().partition(" ")
    key = bearer.strip() if scheme.lower() == _BEARER else ""
    key = key or headers.get("x-api-key", "").strip()
    return hashed(key) if key else None


def hashed(key: str) -> str:
    """Return the hash by which a key is listed."""
    return hashlib.sha256(key.encode()).hexdigest()
