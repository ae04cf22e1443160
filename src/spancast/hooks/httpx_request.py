"""A request of httpx's or httpx2's, and the headers of either side, as they are read for the exchange."""

from collections.abc import Callable, Container, Iterable, Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any

from spancast.capture.headers import ANSWERED, ASKED
from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import ENCODING

Header = tuple[bytes, bytes, bytes]
"""A header's name as it is sent, the same in lower case, and the value."""
Items = Callable[[Any], Iterable[Header]]
"""Gives the headers of one of the client's own objects."""


host_of = attrgetter("url.host")
"""Returns the host of a request."""


def seen(items: Items, request: Any) -> HttpRequest:
    """Return what a request asks."""
    url, body = request.url, content(request)
    form = _form(request) if body is None else None
    return HttpRequest(
        request.method,
        url.scheme,
        url.host,
        url.port,
        url.path,
        read(items, request.headers, ASKED),
        body,
        form,
        replaceable=True,
        itself=request,
    )


def items_of(module: ModuleType) -> Items:
    """Return what gives headers with their names in lower case: each look-up in the client's own goes through all.

    Both libraries keep those names beside the ones that are sent; where one does not any more, they are made here.
    """
    kept = getattr(module.Headers([(b"A", b"b")]), "_list", None)
    return attrgetter("_list") if kept == [(b"A", b"a", b"b")] else _lowered


def read(items: Items, headers: Any, names: Container[bytes]) -> dict[str, str]:
    """Return those of the `names`; of what comes several times see `lowered` and `answered`."""
    found: dict[str, str] = {}
    for _, lowered, raw_value in items(headers):
        if lowered in names:
            name, value = lowered.decode("latin-1"), raw_value.decode("latin-1")
            if name not in found:
                found[name] = value
            elif name == ENCODING or names is not ANSWERED:
                found[name] += f", {value}"
    return found


def _lowered(headers: Any) -> Iterator[Header]:
    return ((name, name.lower(), value) for name, value in headers.raw)


def _form(request: Any) -> dict[str, Any] | None:
    """Return the fields of a form that is written down as it is sent; a field without a value is a file."""
    fields = getattr(request.stream, "fields", None)
    return None if fields is None else {each.name: getattr(each, "value", None) for each in fields}


def content(message: Any) -> bytes | None:
    """Return the body that is in memory; one that is streamed is not read for us."""
    try:
        held = message.content
    except RuntimeError:  # RequestNotRead or ResponseNotRead, of either library
        return None
    return held if isinstance(held, bytes) else None
