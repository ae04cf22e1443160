"""The requests that the simulator received."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_BEARER = "bearer"


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One request as received, without its credentials."""

    method: str
    target: str
    """Path and query, as on the request line."""
    headers: dict[str, str]
    """Names in lower case; `authorization`, `x-api-key` and cookies are left out."""
    body: bytes
    key_hash: str | None
    """SHA-256 of its API key, in hex, as in OpenRouter's list of keys; `None` if it carried none."""
    at: float
    """Unix time in seconds, by the simulator's clock."""

    @property
    def authorized(self) -> bool:
        """Whether it carried an API key; the simulator accepts any."""
        return self.key_hash is not None

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def parts(self) -> list[str]:
        """The segments of the path: `["api", "v1", "videos", "some-id"]`."""
        return self.path.strip("/").split("/")

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; the last value of a repeated one."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        """The body as parsed JSON; raises `msgspec.DecodeError` if it is invalid or nested too deeply."""
        try:
            return msgspec.json.decode(self.body)
        except RecursionError as error:
            raise msgspec.DecodeError("nested too deep") from error


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without credentials; names must be in lower case."""
    return {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}


def key_hash(headers: Mapping[str, str]) -> str | None:
    """Return the hash of the API key in the headers (lower-case names): a bearer token, or `x-api-key`."""
    scheme, _, bearer = headers.get("authorization", "").strip().partition(" ")
    key = bearer.strip() if scheme.lower() == _BEARER else ""
    key = key or headers.get("x-api-key", "").strip()
    return hashed(key) if key else None


def hashed(key: str) -> str:
    """Return the hash that identifies a key."""
    return hashlib.sha256(key.encode()).hexdigest()
