"""What a request of the clients that stand on `http.client` carries, in the form that the recorder reads."""

from collections.abc import Mapping
from typing import Any


def lowered(headers: Mapping[Any, Any]) -> dict[str, str]:
    """Return headers under their names in lower case. Either side of a pair may be bytes."""
    return {_text(name).lower(): _text(value) for name, value in headers.items()}


def content(body: Any) -> bytes | None:
    """Return the body that is in memory; a file or a generator is not read for us."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
