"""Requests and messages of httpx and httpx2, as the exchange reads them."""

from collections.abc import Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any

from spancast.capture.headers import REQUEST_HEADERS
from spancast.capture.http_request import HttpRequest
from spancast.hooks.headers import HeaderItems, RawHeader, fold_selected

host_of = attrgetter("url.host")
"""Returns the host of a request."""


def parse_request(items: HeaderItems, request: Any) -> HttpRequest:
    """Return a request in no client's own terms."""
    url, body = request.url, loaded_body(request)
    form = _form(request) if body is None else None
    return HttpRequest(
        request.method,
        url.scheme,
        url.host,
        url.port,
        url.path,
        fold_selected(items, request.headers, REQUEST_HEADERS),
        body,
        form,
        replaceable=True,
        client_request=request,
    )


def header_items(module: ModuleType) -> HeaderItems:
    """Return what lists a header object's items with their names in lower case; a look-up in it scans all of them.

    Both libraries store those names beside the ones that are sent; for a version that does not, they are computed.
    """
    stored = getattr(module.Headers([(b"A", b"b")]), "_list", None)
    return attrgetter("_list") if stored == [(b"A", b"a", b"b")] else _lowered


def _lowered(headers: Any) -> Iterator[RawHeader]:
    return ((name, name.lower(), value) for name, value in headers.raw)


def _form(request: Any) -> dict[str, Any] | None:
    """Return the fields of a form that is encoded as it is sent; a field without a value is a file."""
    fields = getattr(request.stream, "fields", None)
    return None if fields is None else {each.name: getattr(each, "value", None) for each in fields}


def loaded_body(message: Any) -> bytes | None:
    """Return the body of a request or response that is in memory; one that is streamed is not consumed."""
    try:
        content = message.content
    except RuntimeError:  # RequestNotRead or ResponseNotRead, of either library
        return None
    return content if isinstance(content, bytes) else None
