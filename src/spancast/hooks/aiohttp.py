"""aiohttp: `ClientSession._request` is the one method that every request passes through, its redirects inside it."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from types import FrameType, ModuleType
from typing import Any
from weakref import WeakSet

import msgspec

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.hooks.aiohttp_stream import Hear, hearing
from spancast.hooks.client_request import ENCODING, answered, content, credentials, replaceable, watched
from spancast.hooks.patching import Wrapper
from spancast.hooks.raised import answer_of
from spancast.hooks.sending import opened, under_way
from spancast.recording.recorder import Recorder

_DECODED = frozenset({"gzip", "deflate", "br", "zstd"})
"""The content encodings that aiohttp undoes on the way to `content`."""


def request(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `ClientSession._request`."""
    hear = hearing(module)

    def request(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not watched(recorder, _host, session, args, kwargs):
            return wrapped(*args, **kwargs)
        return request_watched(wrapped, session, args, kwargs)

    @wraps(module.ClientSession._request)  # noqa: SLF001 - a coroutine that is never awaited is named in a warning
    async def request_watched(
        wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = opened(recorder, partial(_seen, module, session, args, kwargs))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        listener = _Listener(exchange, hear, decoded=_decodes(session, kwargs))
        if exchange.sends is not None:
            kwargs = _with(kwargs, exchange.sends)
        check = _check(session, kwargs)
        if callable(check):
            kwargs = {**kwargs, "raise_for_status": partial(listener.before, check)}
        with under_way(exchange, "aiohttp", _carries):
            try:
                response = await wrapped(*args, **kwargs)
            except module.ClientResponseError as error:
                if check and type(error) is module.ClientResponseError and error.__cause__ is None:
                    exchange.headers(error.status, error.headers or {})
                raise
            except BaseException as error:
                listener.refused(answer_of(error, module.ClientResponse, _is_an_answer))
                raise
        listener.listen(response)
        return response

    return request


def _is_an_answer(response: Any) -> bool:
    """Whether the headers have come, of what is no step on the way and no other call's."""
    begun = response.status is not None and response._headers is not None  # noqa: SLF001 - the public one asserts it
    return begun and response.status not in _REDIRECTS and response not in _heard


_REDIRECTS = range(300, 400)
_heard: "WeakSet[Any]" = WeakSet()
"""The responses of calls that are known; what a middleware has asked beside its own is none of its request's."""


def _carries(_frame: FrameType) -> bool:
    """Take nothing for what carries a request: its connector is no client that is hooked, and a middleware asks."""
    return False


@dataclass(slots=True)
class _Listener:
    """Shows the exchange a response, once."""

    exchange: Exchange
    hear: Hear
    decoded: bool
    heeded: bool = False

    async def before(self, check: Callable[[Any], Any], response: Any) -> None:
        """Listen before the application's own `raise_for_status`, which may read the body."""
        self.listen(response)
        await check(response)

    def refused(self, response: Any) -> None:
        """Take an answer that a middleware or a trace has refused, if there was one: nobody reads it any more."""
        if response is not None and not self.heeded:
            self.heeded = True
            with guard.quietly("hooks.aiohttp"):
                self._heard(response)
                self._read(response)

    def listen(self, response: Any) -> None:
        """Show the exchange the headers, and let the body be heard."""
        if self.heeded:
            return
        self.heeded = True
        try:
            whole = self._heard(response)
            if not self._read(response):
                self.hear(response, self.exchange, whole)
        except Exception:  # noqa: BLE001 - the response is the application's
            guard.caught("hooks.aiohttp")
            self.exchange.finish("closed")

    def _heard(self, response: Any) -> bool:
        """Show the exchange the headers; return whether the body is one object, in which nothing is left to undo."""
        _heard.add(response)
        self.exchange.sent(credentials(response.request_info.headers))
        headers = _headers(response, decoded=self.decoded)
        return not self.exchange.headers(response.status, headers) and self.decoded and ENCODING not in headers

    def _read(self, response: Any) -> bool:
        """Show the exchange a body that a trace or a middleware has read; return whether one has."""
        body = response._body  # noqa: SLF001 - where it is kept once it has been read
        if isinstance(body, bytes):
            self.exchange.feed(body)
            self.exchange.finish("completed")
        return isinstance(body, bytes)


def _host(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    return _url(session, args, kwargs).host  # type: ignore[no-any-return]  # yarl's


def _url(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return session._build_url(args[1] if len(args) > 1 else kwargs["str_or_url"])  # noqa: SLF001 - it knows the base


def _seen(module: ModuleType, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpRequest:
    method, url, data = args[0] if args else kwargs["method"], _url(session, args, kwargs), kwargs.get("data")
    headers, written = _sent(session, kwargs.get("headers")), kwargs.get("json")
    if written is not None:
        headers.setdefault("Content-Type", "application/json")  # as the client does later
    return HttpRequest(
        method.upper(),
        url.scheme,
        url.host,
        url.port,
        url.path,
        headers,
        _body(module, data) if data is not None else _written(written),
        _fields(module, data),
        replaceable=_is_sized_later(headers, kwargs) and (isinstance(written, dict) or replaceable(data)),
        tries=_tries(kwargs),
    )


def _is_sized_later(sent: Any, kwargs: dict[str, Any]) -> bool:
    """Whether the client finds the length of the body itself; what an iterator gives it is not seen."""
    return "Content-Length" not in sent and isinstance(kwargs.get("headers"), Mapping | list | tuple | None)


def _tries(kwargs: dict[str, Any]) -> int | None:
    """Return how often aiohttp_retry has tried before; it counts for those who trace, from 1."""
    traced = kwargs.get("trace_request_ctx")
    count = traced.get("current_attempt") if isinstance(traced, dict) else None
    return count - 1 if isinstance(count, int) and count > 0 else None


def _with(kwargs: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the arguments with another body; one that the client writes down gets what is new, in its own way."""
    written = kwargs.get("json")
    if written is None:
        return {**kwargs, "data": body}
    members = msgspec.json.decode(body)
    new = {name: members[name] for name in _WRITTEN if name in members}
    return {**kwargs, "json": {**written, **new}}


_WRITTEN = ("trace", "user")
"""The members that may be new in a body that is sent in place of another."""


def _sent(session: Any, headers: Any) -> Any:
    """Return the session's headers and the request's. An iterator over pairs is the client's to consume."""
    merged = session.headers.copy()
    if isinstance(headers, Mapping | list | tuple):
        merged.update(headers)
    return merged


def _body(module: ModuleType, data: Any) -> bytes | None:
    if isinstance(data, module.BytesPayload):
        data = data._value  # noqa: SLF001 - its own way to it is a coroutine
    return content(data)


def _written(value: Any) -> bytes | None:
    """Return `json=` as JSON; the client writes it down itself, in the application's own way, when it sends it."""
    if value is None:
        return None
    with suppress(Exception):
        return msgspec.json.encode(value)
    with suppress(Exception):
        return json.dumps(value, default=repr, skipkeys=True).encode()
    return None


def _fields(module: ModuleType, data: Any) -> Mapping[str, Any] | None:
    """Return the text fields of a form."""
    if isinstance(data, module.FormData):
        return {options["name"]: value for options, _, value in data._fields if isinstance(value, str)}
    return data if isinstance(data, Mapping) else None


def _decodes(session: Any, kwargs: dict[str, Any]) -> bool:
    asked = kwargs.get("auto_decompress")
    return bool(session.auto_decompress if asked is None else asked)


def _check(session: Any, kwargs: dict[str, Any]) -> Any:
    asked = kwargs.get("raise_for_status")
    return session.raise_for_status if asked is None else asked


def _headers(response: Any, *, decoded: bool) -> Mapping[str, str]:
    """Return the headers, without the encoding that is undone."""
    headers = response.headers
    if not decoded or headers.get(ENCODING, "").lower() not in _DECODED:
        return headers  # type: ignore[no-any-return]  # a multidict, which gives the first of several
    left = answered(headers.items())
    del left[ENCODING]
    return left
