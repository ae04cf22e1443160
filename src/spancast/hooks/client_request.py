"""What the hooks read of a client library's own request: whether its host is watched, and its body."""

from collections.abc import Callable, Mapping
from typing import Any

from spancast.base import signals
from spancast.capture.exchange import Exchange
from spancast.recording.recorder import Recorder


def is_watched(recorder: Recorder, host: Callable[..., str | None], *request: Any) -> bool:
    """Return whether a request goes to a watched host; `host` finds the host in the client's arguments.

    Invalid arguments are left to the client, which raises its own error.
    """
    try:
        return recorder.watches(host(*request) or "")
    except Exception as error:
        if signals.raised_by_handler(error):
            raise
        return False


def request_argument(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the request that is passed to `send`; `None` for arguments that the client itself will reject."""
    if len(args) > 1:
        return None
    return args[0] if args else kwargs.get("request")


def body_bytes(body: Any) -> bytes | None:
    """Return a body that is in memory; a file or a generator is not consumed."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None


def is_replaceable(body: Any) -> bool:
    """Return whether another body can be sent instead. Every client encodes ASCII text to the same bytes."""
    return isinstance(body, bytes) or (isinstance(body, str) and body.isascii())


def finish_with_encoded(body: bytes, exchange: Exchange) -> None:
    """Feed a whole body that the client has not decoded, and finish the exchange."""
    exchange.feed(body)
    exchange.finish("completed")
