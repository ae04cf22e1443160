"""A request as a hook saw it, in no client library's own terms."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class HttpRequest(Struct, frozen=True):
    """A request as a client library is about to send it."""

    method: str
    scheme: str
    host: str
    port: int | None
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    """`None` when it is not in memory."""
    form: Mapping[str, Any] | None = None
    """The fields of a form that the client library writes down as it sends them."""
    replaceable: bool = False
    """Whether the hook sends `Exchange.sends` in place of the body."""
    itself: object = None
    """The client library's own object of the request, where to send that again is a second try."""
    tries: int | None = None
    """How often the client library has tried it before; `None` where it does not count, or tries once only."""
