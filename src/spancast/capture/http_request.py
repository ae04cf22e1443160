"""A request as a hook describes it, independent of the client library."""

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
    """The fields of a form that the client library encodes only while it sends them."""
    replaceable: bool = False
    """Whether the hook sends `Exchange.replacement_body` in place of the body."""
    client_request: object = None
    """The client library's own request object, where sending it again is a retry."""
    resend_count: int | None = None
    """How many attempts came before; `None` where the client library does not count them, or never retries."""
