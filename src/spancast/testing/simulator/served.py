"""What the simulator was asked."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived. Its credentials are not kept."""

    method: str
    target: str
    """Path and query, as on the request line."""
    headers: dict[str, str]
    """Names in lower case; `authorization`, `x-api-key` and cookies are left out."""
    body: bytes
    authorized: bool
    """Whether it carried an API key; the simulator takes any."""
    at: float
    """Unix time in seconds, by the simulator's clock."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one, the last."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        """The body as parsed JSON; raises `msgspec.DecodeError` where it is none."""
        return msgspec.json.decode(self.body)


def without_secrets(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers, names in lower case, without those that carry credentials."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _SECRET_HEADERS}
