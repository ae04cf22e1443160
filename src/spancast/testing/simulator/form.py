"""Forms that a client posts: `multipart/form-data` (RFC 7578)."""

import re
from typing import Any

from spancast.testing.simulator import errors
from spancast.testing.simulator.served import Served

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"', re.IGNORECASE)
_BLANK = b"\r\n\r\n"


def is_form(served: Served) -> bool:
    """Whether the body is a form."""
    return served.headers.get("content-type", "").lower().startswith("multipart/form-data")


def read(served: Served) -> dict[str, Any]:
    """Return the fields, files as bytes and others as text; raise `RequestError` (400) if there is no boundary."""
    boundary = _BOUNDARY.search(served.headers["content-type"])
    if boundary is None:
        raise errors.bad_request("The form has no boundary.")
    _, *parts = served.body.split(b"--" + boundary[1].encode())
    return dict(field for part in parts if (field := _field(part)) is not None)


def _field(part: bytes) -> tuple[str, Any] | None:
    head, _, value = part.partition(_BLANK)
    name = _NAME.search(head)
    if name is None:
        return None
    value = value.removesuffix(b"\r\n")
    return name[1].decode(), value if b"filename=" in head else value.decode("utf-8", "replace")
