"""What the hooks read of a client's own request and answer: whether it is watched, and what it carries."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spancast.capture.exchange import Exchange
from spancast.capture.failure import CREDENTIALS
from spancast.recording.recorder import Recorder


def watched(recorder: Recorder, host: Callable[..., str | None], *request: Any) -> bool:
    """Whether a request goes to a host that is watched, as `host` finds it in what the client was given.

    What is no request is the client's to refuse.
    """
    try:
        return recorder.watches(host(*request) or "")
    except Exception:  # noqa: BLE001 - see above
        return False


def only(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the request that a `send` was given.

    `None` beside arguments that the client will refuse, for it to do so in its own words.
    """
    if len(args) > 1:
        return None
    return args[0] if args else kwargs.get("request")


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


def answered(headers: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Return the same of an answer: of what comes several times the first is meant, but for the list of encodings."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = (name if isinstance(name, str) else _text(name)).lower()
        said = value if isinstance(value, str) else _text(value)
        if key not in found:
            found[key] = said
        elif key == ENCODING:
            found[key] += f", {said}"
    return found


ENCODING = "content-encoding"


def credentials(headers: Any) -> dict[str, str]:
    """Return the headers that hold a secret, of a mapping that does not tell their names' case."""
    return {name: _text(headers[name]) for name in CREDENTIALS if name in headers}


def content(body: Any) -> bytes | None:
    """Return the body that is in memory; a file or a generator is not read for us."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None


def as_it_came(body: bytes, exchange: Exchange) -> None:
    """Take a whole body that the client has not decoded, and finish."""
    exchange.feed(body)
    exchange.finish("completed")


def replaceable(body: Any) -> bool:
    """Whether another body can be sent in the place of one. Of text in ASCII every client makes the same bytes."""
    return isinstance(body, bytes) or (isinstance(body, str) and body.isascii())


def resized(headers: Any, size: int) -> Any:
    """Return a copy of headers, of the client's own kind, with another length where they state one."""
    changed = headers.copy() if hasattr(headers, "copy") else dict(headers)
    for name in headers:
        if _text(name).lower() == "content-length":
            changed[name] = str(size)
    return changed


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
