"""What the hooks read of a client's own request: whether it is watched, and what it carries."""

from collections.abc import Callable, Iterable
from typing import Any

from spancast.recorder import Recorder


def watched(recorder: Recorder, host: Callable[..., str | None], *request: Any) -> bool:
    """Whether a request goes to a host that is watched, as `host` finds it in what the client was given.

    What is no request is the client's to refuse.
    """
    try:
        return recorder.watches(host(*request) or "")
    except Exception:  # noqa: BLE001 - see above
        return False


def lowered(headers: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Return headers under their names in lower case, those that come several times as one (RFC 9110 §5.3).

    Either side of a pair may be bytes.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key = (name if isinstance(name, str) else _text(name)).lower()
        said = value if isinstance(value, str) else _text(value)
        found[key] = f"{found[key]}, {said}" if key in found else said
    return found


def content(body: Any) -> bytes | None:
    """Return the body that is in memory; a file or a generator is not read for us."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
