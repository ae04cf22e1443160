"""urllib3, 1.26 and 2: `HTTPConnectionPool._make_request` sends one request on one connection; requests builds on it.

`urlopen`, the public method around it, calls itself for every retry and every redirect, and drains the responses in
between before anyone sees them. One call of `_make_request` is one exchange on the wire, with its outcome. Every
release of both lines has it, with the same signature.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from spancast.base import guard
from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import body_bytes, finish_with_encoded, is_replaceable, is_watched
from spancast.hooks.headers import fold, with_content_length
from spancast.hooks.http_body import ResponseObserver
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import open_exchange, sending
from spancast.hooks.urllib3_future import PromiseObserver, is_encoded, observe_body
from spancast.recording.recorder import Recorder

_POSITIONAL = ("conn", "method", "url")
"""The first parameters in both lines, which `urlopen` passes by position; it passes all others by name."""


def make_request(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool._make_request`."""
    # urllib3-future takes urllib3's place where it is installed.
    is_future = hasattr(module, "AsyncPoolManager")
    create_observer = (
        PromiseObserver if is_future else partial(ResponseObserver, translate_error=partial(_translate_error, module))
    )

    def make_request(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # A multiplexed request returns urllib3-future's promise, which the hook on niquests records.
        if kwargs.get("multiplexed") or not is_watched(recorder, _host, pool, *args):
            return wrapped(*args, **kwargs)
        arguments = {**dict(zip(_POSITIONAL, args, strict=False)), **kwargs}
        exchange = open_exchange(recorder, partial(_parse_request, pool, arguments))
        if exchange is None:
            return wrapped(*args, **kwargs)
        if exchange.replacement_body is not None:
            kwargs = {**kwargs, "body": exchange.replacement_body}
            if kwargs.get("headers"):
                kwargs["headers"] = with_content_length(kwargs["headers"], len(exchange.replacement_body))
        observer = create_observer(exchange)
        with sending(exchange), observer.observing(arguments["conn"]):
            response = wrapped(*args, **kwargs)
        if not observer.has_response:
            _observe(module, response, observer, arguments)
        return response

    return make_request


def _host(pool: Any, _conn: Any, _method: Any, url: str, *_: Any) -> str | None:
    """Return the host; behind a forwarding proxy the pool is the proxy's, and the URL is absolute."""
    return pool.host if url.startswith("/") else urlsplit(url).hostname


def _parse_request(pool: Any, arguments: Mapping[str, Any]) -> HttpRequest:
    url = urlsplit(arguments["url"])
    headers, body = fold((arguments.get("headers") or {}).items()), arguments.get("body")
    origin = (url.scheme, url.hostname or "", url.port) if url.scheme else (pool.scheme, pool.host, pool.port)
    return HttpRequest(
        arguments["method"],
        *origin,
        url.path,
        headers,
        body_bytes(body),
        replaceable=is_replaceable(body),
        resend_count=_resend_count(arguments.get("retries")),
    )


def _resend_count(retries: Any) -> int | None:
    """Return how often urllib3 has sent the request before, from its history, which includes redirects."""
    history = getattr(retries, "history", ())
    return sum(not each.redirect_location for each in history) if history or getattr(retries, "total", 0) else None


def _translate_error(module: ModuleType, error: Exception) -> Exception:
    """Return what urllib3 raises for an exception of the connection (`HTTPResponse._error_catcher`)."""
    from http.client import HTTPException  # noqa: PLC0415 - loaded already where it is needed, and slow elsewhere

    kinds = module.exceptions
    if isinstance(error, TimeoutError):
        return kinds.ReadTimeoutError(None, None, str(error))  # type: ignore[no-any-return]  # `kinds` is a module
    if isinstance(error, module.connection.BaseSSLError):
        return kinds.SSLError(error)  # type: ignore[no-any-return]  # see above
    return kinds.ProtocolError(error) if isinstance(error, HTTPException | OSError) else error


def _observe(
    module: ModuleType, response: Any, observer: ResponseObserver | PromiseObserver, arguments: Mapping[str, Any]
) -> None:
    """Observe a response that `http.client` did not create: that of HTTP/2, of urllib3-future, or of a test."""
    exchange = observer.exchange
    try:
        observer.on_headers(response.status, response.headers.items())
        if not isinstance(response, module.HTTPResponse):  # of HTTP/2: it has been read, and is still encoded
            finish_with_encoded(response.data, exchange)
        elif arguments.get("preload_content", True):
            if arguments.get("decode_content", True) and not is_encoded(response):
                exchange.body(response.data)
            else:
                finish_with_encoded(response.data, exchange)
        elif isinstance(observer, PromiseObserver):
            observe_body(response, exchange)
        else:
            exchange.finish("closed")
    except AttributeError:  # a double has only what its test needs
        exchange.finish("closed")
    except Exception:  # noqa: BLE001 - the response is the application's
        exchange.finish("closed")
        guard.caught("hooks.urllib3")
