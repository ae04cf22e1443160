"""`urllib.request`: `AbstractHTTPHandler.do_open` sends one request on a connection of its own, whatever opener asks.

`OpenerDirector.open` is further out: it makes an error of an answer whose body is still to come, and follows redirects.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from spancast.hooks.http_body import Listener
from spancast.hooks.http_request import content, lowered, watched
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import opened, under_way
from spancast.recorder import HttpRequest, Recorder


def do_open(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AbstractHTTPHandler.do_open`."""

    def do_open(wrapped: Callable[..., Any], _handler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not watched(recorder, _host, *args) or (exchange := opened(recorder, partial(_seen, args[1]))) is None:
            return wrapped(*args, **kwargs)
        listener, (connect, *others) = Listener(exchange), args
        with under_way(exchange), ExitStack() as ears:

            def connected(*args: Any, **kwargs: Any) -> Any:
                connection = connect(*args, **kwargs)
                ears.enter_context(listener.at(connection))
                return connection

            response = wrapped(connected, *others, **kwargs)
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
    return HttpRequest(request.get_method(), url.scheme, url.hostname or "", url.port, url.path, headers, body)
