"""`urllib.request`: `AbstractHTTPHandler.do_open` sends one request on a connection of its own, for every opener.

`OpenerDirector.open` is further out: it turns a response whose body is not read yet into an error, and follows
redirects.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import body_bytes, is_replaceable, is_watched
from spancast.hooks.headers import fold, with_content_length
from spancast.hooks.http_body import ResponseObserver
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import open_exchange, sending
from spancast.recording.recorder import Recorder


def do_open(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AbstractHTTPHandler.do_open`."""

    def do_open(wrapped: Callable[..., Any], _handler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (
            not is_watched(recorder, _host, *args)
            or (exchange := open_exchange(recorder, partial(_parse_request, args[1]))) is None
        ):
            return wrapped(*args, **kwargs)
        observer, (connect, request, *others) = ResponseObserver(exchange), args
        if exchange.replacement_body is not None:
            request = _with_body(request, exchange.replacement_body)
        with sending(exchange), ExitStack() as observed:

            def connect_observed(*args: Any, **kwargs: Any) -> Any:
                connection = connect(*args, **kwargs)
                observed.enter_context(observer.observing(connection))
                return connection

            response = wrapped(connect_observed, request, *others, **kwargs)
        if not observer.has_response:  # the connection was of another class
            exchange.finish("closed")
        return response

    return do_open


def _host(_connect: Any, request: Any, *_: Any) -> str | None:
    url: SplitResult = urlsplit(request.full_url)
    return url.hostname


def _parse_request(request: Any) -> HttpRequest:
    url = urlsplit(request.full_url)  # of a request through a proxy, `host` is the proxy's
    headers = fold({**request.headers, **request.unredirected_hdrs}.items())
    body = body_bytes(request.data)
    origin = url.scheme, url.hostname or "", url.port
    replaceable = is_replaceable(request.data)
    return HttpRequest(request.get_method(), *origin, url.path, headers, body, replaceable=replaceable)


def _with_body(request: Any, body: bytes) -> Any:
    """Return a copy of a request with another body; setting `data` would remove the content length, already set."""
    changed = copy.copy(request)
    changed._data = body  # noqa: SLF001 - see above
    changed.headers = with_content_length(request.headers, len(body))
    changed.unredirected_hdrs = with_content_length(request.unredirected_hdrs, len(body))
    return changed
