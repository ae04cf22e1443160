"""Headers of the client libraries' own requests and responses, folded into one value per name."""

from collections.abc import Callable, Container, Iterable
from typing import Any

from spancast.capture.failure import CREDENTIALS
from spancast.capture.headers import RESPONSE_HEADERS

CONTENT_ENCODING = "content-encoding"

RawHeader = tuple[bytes, bytes, bytes]
"""A header's name as it is sent, the name in lower case, and the value."""
HeaderItems = Callable[[Any], Iterable[RawHeader]]
"""Returns the headers of a header object of httpx or httpx2."""


def fold(headers: Iterable[tuple[Any, Any]], *, is_response: bool = False) -> dict[str, str]:
    """Return headers by their names in lower case; names and values may be bytes.

    The values of a repeated request header are joined (RFC 9110 §5.3). Of a repeated response header the first value
    counts, except that content encodings are a list.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key = (name if isinstance(name, str) else _text(name)).lower()
        text = value if isinstance(value, str) else _text(value)
        if key not in found:
            found[key] = text
        elif key == CONTENT_ENCODING or not is_response:
            found[key] += f", {text}"
    return found


def fold_selected(items: HeaderItems, headers: Any, names: Container[bytes]) -> dict[str, str]:
    """Return the headers with these names, folded as `fold` does, from an object of httpx or httpx2."""
    found: dict[str, str] = {}
    for _, lowered, raw_value in items(headers):
        if lowered in names:
            name, value = lowered.decode("latin-1"), raw_value.decode("latin-1")
            if name not in found:
                found[name] = value
            elif name == CONTENT_ENCODING or names is not RESPONSE_HEADERS:
                found[name] += f", {value}"
    return found


def credential_headers(headers: Any) -> dict[str, str]:
    """Return the headers that hold credentials, from a case-insensitive mapping."""
    return {name: _text(headers[name]) for name in CREDENTIALS if name in headers}


def with_content_length(headers: Any, length: int) -> Any:
    """Return a copy of headers, of the client's own class, with another content length if they state one."""
    changed = headers.copy() if hasattr(headers, "copy") else dict(headers)
    for name in headers:
        if _text(name).lower() == "content-length":
            changed[name] = str(length)
    return changed


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
