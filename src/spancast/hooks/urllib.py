"""`urllib.request`: `AbstractHTTPHandler.do_open` sends one request on a connection of its own, whatever opener asks.

`OpenerDirector.open` is further out: it makes an error of an answer whose body is still to come, and follows redirects.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import content, lowered, replaceable, resized, watched
from spancast.hooks.http_body import Listener
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import opened, under_way
from spancast.recording.recorder import Recorder


def do_open(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AbstractHTTPHandler.do_open`."""

    def do_open(wrapped: Callable[..., Any], _handler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not watched(recorder, _host, *args) or (exchange := opened(recorder, partial(_seen, args[1]))) is None:
            return wrapped(*args, **kwargs)
        listener, (connect, request, *others) = Listener(exchange), args
        if exchange.sends is not None:
            request = _with(request, exchange.sends)
        with under_way(exchange), ExitStack() as ears:

            def connected(*args: Any, **kwargs: Any) -> Any:
                connection = connect(*args, **kwargs)
                ears.enter_context(listener.at(connection))
                return connection

            response = wrapped(connected, request, *others, **kwargs)
        if not listener.heeded:  # the connection was of another kind
            exchange.finish("closed")
        return response

    return do_open


def _host(_connect: Any, request: Any, *_: Any) -> str | None:
    url: SplitResult = urlsplit(request.full_url)
    return url.hostname


def _seen(request: Any) -> HttpRequest:
    url = urlsplit(request.full_url)  # of a request through a proxy, `host` is the proxy's
    headers = lowered({**request.headers, **request.unredirected_hdrs}.items())
    body = content(request.data)
    place = url.scheme, url.hostname or "", url.port
    may = replaceable(request.data)
    return HttpRequest(request.get_method(), *place, url.path, headers, body, replaceable=may)


def _with(request: Any, body: bytes) -> Any:
    """Return a copy of a request with another body; to set `data` would take away its length, which is set by now."""
    changed = copy.copy(request)
    changed._data = body  # noqa: SLF001 - see above
    changed.headers = resized(request.headers, len(body))
    changed.unredirected_hdrs = resized(request.unredirected_hdrs, len(body))
    return changed
