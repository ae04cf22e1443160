"""What a middleware is told of where a request says whom it is for: the name of a header, or a function of the request.

A function is the application's own. What it raises costs the attribution and never the request.
"""

from collections.abc import Callable, Mapping
from typing import Any

from spancast import guard

Source = str | Callable[[Any], Any]
"""The name of a header, in any case; or a function of the request: of an ASGI scope, of a WSGI environment."""

Tags = Mapping[str, Source] | Callable[[Any], Any]
"""Where each tag is found; or a function that returns them all."""

Header = Callable[[str], str | None]
"""Looks a header up by its name."""


def asked(source: Source | None, request: Any, header: Header) -> Any:
    """Return what a source says of a request; what an `async` function says is still to be awaited."""
    if source is None:
        return None
    try:
        return header(source) if isinstance(source, str) else source(request)
    except Exception:  # noqa: BLE001 - the function is the application's own
        failed()
        return None


def failed() -> None:
    """Count what the application's function raised, and log it once a minute."""
    guard.faults["attribution of a request"] += 1
    guard.once_a_minute(
        "attribution of a request",
        "Whom a request is for could not be told; it is served all the same.",
        exc_info=True,
    )
