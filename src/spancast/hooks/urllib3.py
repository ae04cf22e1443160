"""urllib3, 1.26 and 2: `HTTPConnectionPool._make_request` sends one request on one connection; requests sits on it.

`urlopen`, the public method around it, calls itself for every retry and every redirect, and drains the answers in
between before anybody sees them. One call of `_make_request` is one exchange on the wire, with what it came to. It has
been there, and has been called this way, in every release of both lines.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from spancast.base import guard
from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import as_it_came, content, lowered, replaceable, resized, watched
from spancast.hooks.http_body import Listener
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import opened, under_way
from spancast.hooks.urllib3_future import Promised, hear, is_as_it_came
from spancast.recording.recorder import Recorder

_POSITIONAL = ("conn", "method", "url")
"""What both lines take first, and `urlopen` passes by position; all else it passes by name."""


def make_request(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool._make_request`."""
    # urllib3-future takes urllib3's place where it is installed.
    listening = Promised if hasattr(module, "AsyncPoolManager") else partial(Listener, told=partial(_told, module))

    def make_request(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # What is multiplexed returns a promise of urllib3-future's, of which niquests makes a call: see its own hook.
        if kwargs.get("multiplexed") or not watched(recorder, _host, pool, *args):
            return wrapped(*args, **kwargs)
        given = {**dict(zip(_POSITIONAL, args, strict=False)), **kwargs}
        exchange = opened(recorder, partial(_seen, pool, given))
        if exchange is None:
            return wrapped(*args, **kwargs)
        if exchange.sends is not None:
            kwargs = {**kwargs, "body": exchange.sends}
            if kwargs.get("headers"):
                kwargs["headers"] = resized(kwargs["headers"], len(exchange.sends))
        listener = listening(exchange)
        with under_way(exchange), listener.at(given["conn"]):
            response = wrapped(*args, **kwargs)
        if not listener.heeded:
            _take(module, response, listener, given)
        return response

    return make_request


def _host(pool: Any, _conn: Any, _method: Any, url: str, *_: Any) -> str | None:
    """Return the host; behind a proxy that forwards, the pool is the proxy's and the URL is whole."""
    return pool.host if url.startswith("/") else urlsplit(url).hostname


def _seen(pool: Any, given: Mapping[str, Any]) -> HttpRequest:
    url = urlsplit(given["url"])
    headers, body = lowered((given.get("headers") or {}).items()), given.get("body")
    place = (url.scheme, url.hostname or "", url.port) if url.scheme else (pool.scheme, pool.host, pool.port)
    return HttpRequest(
        given["method"],
        *place,
        url.path,
        headers,
        content(body),
        replaceable=replaceable(body),
        tries=_tries(given.get("retries")),
    )


def _tries(retries: Any) -> int | None:
    """Return how often urllib3 has tried before; it keeps a history of that, of which redirects are a part."""
    history = getattr(retries, "history", ())
    return sum(not each.redirect_location for each in history) if history or getattr(retries, "total", 0) else None


def _told(module: ModuleType, error: Exception) -> Exception:
    """Return what urllib3 makes of what the connection raises (`HTTPResponse._error_catcher`)."""
    from http.client import HTTPException  # noqa: PLC0415 - loaded long ago where it is asked for, and slow elsewhere

    kinds = module.exceptions
    if isinstance(error, TimeoutError):
        return kinds.ReadTimeoutError(None, None, str(error))  # type: ignore[no-any-return]  # `kinds` is a module
    if isinstance(error, module.connection.BaseSSLError):
        return kinds.SSLError(error)  # type: ignore[no-any-return]  # see above
    return kinds.ProtocolError(error) if isinstance(error, HTTPException | OSError) else error


def _take(module: ModuleType, response: Any, listener: Listener | Promised, given: Mapping[str, Any]) -> None:
    """Take a response that `http.client` had no part in: that of HTTP/2, of urllib3-future, or of a test."""
    exchange = listener.exchange
    try:
        listener.head(response.status, response.headers.items())
        if not isinstance(response, module.HTTPResponse):  # of HTTP/2: it was read, and is as it came
            as_it_came(response.data, exchange)
        elif given.get("preload_content", True):
            if given.get("decode_content", True) and not is_as_it_came(response):
                exchange.body(response.data)
            else:
                as_it_came(response.data, exchange)
        elif isinstance(listener, Promised):
            hear(response, exchange)
        else:
            exchange.finish("closed")
    except AttributeError:  # a double has only what its test asks for
        exchange.finish("closed")
    except Exception:  # noqa: BLE001 - the response is the application's
        guard.caught("hooks.urllib3")
        exchange.finish("closed")
