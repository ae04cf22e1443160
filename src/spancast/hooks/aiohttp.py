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
from spancast.hooks.aiohttp_stream import ObserveBody, body_observer
from spancast.hooks.client_request import body_bytes, is_replaceable, is_watched
from spancast.hooks.error_response import response_of
from spancast.hooks.headers import CONTENT_ENCODING, credential_headers, fold
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import open_exchange, sending
from spancast.recording.recorder import Recorder

_DECODED = frozenset({"gzip", "deflate", "br", "zstd"})
"""The content encodings that aiohttp decodes before `content`."""


def request(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `ClientSession._request`."""
    observe_body = body_observer(module)

    def request(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not is_watched(recorder, _host, session, args, kwargs):
            return wrapped(*args, **kwargs)
        return request_watched(wrapped, session, args, kwargs)

    @wraps(module.ClientSession._request)  # noqa: SLF001 - a coroutine that is never awaited is named in a warning
    async def request_watched(
        wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = open_exchange(recorder, partial(_parse_request, module, session, args, kwargs))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        observer = _ResponseObserver(exchange, observe_body, decompressed=_is_decompressed(session, kwargs))
        if exchange.replacement_body is not None:
            kwargs = _with_body(kwargs, exchange.replacement_body)
        check = _status_check(session, kwargs)
        if callable(check):
            kwargs = {**kwargs, "raise_for_status": partial(observer.observe_and_check, check)}
        with sending(exchange, "aiohttp", _never_transport):
            try:
                response = await wrapped(*args, **kwargs)
            except module.ClientResponseError as error:
                if check and type(error) is module.ClientResponseError and error.__cause__ is None:
                    exchange.headers(error.status, error.headers or {})
                raise
            except BaseException as error:
                observer.observe_rejected(response_of(error, module.ClientResponse, _is_final_response))
                raise
        observer.observe(response)
        return response

    return request


def _is_final_response(response: Any) -> bool:
    """Return whether a response has its headers, and is neither a redirect nor another call's."""
    has_headers = response.status is not None and response._headers is not None  # noqa: SLF001 - the public one asserts
    return has_headers and response.status not in _REDIRECTS and response not in _known_responses


_REDIRECTS = range(300, 400)
_known_responses: "WeakSet[Any]" = WeakSet()
"""The responses of recorded calls. A request that a middleware makes besides is a call of its own."""


def _never_transport(_frame: FrameType) -> bool:
    """Treat no frame as transport: aiohttp's connector is no hooked client, and a middleware makes its own requests."""
    return False


@dataclass(slots=True)
class _ResponseObserver:
    """Passes a response to the exchange, once."""

    exchange: Exchange
    observe_body: ObserveBody
    decompressed: bool
    """Whether aiohttp decodes the body."""
    has_response: bool = False

    async def observe_and_check(self, check: Callable[[Any], Any], response: Any) -> None:
        """Observe before the application's own `raise_for_status`, which may read the body."""
        self.observe(response)
        await check(response)

    def observe_rejected(self, response: Any) -> None:
        """Pass a response that a middleware or a trace has rejected, if there is one: nobody reads it further."""
        if response is not None and not self.has_response:
            self.has_response = True
            with guard.quietly("hooks.aiohttp"):
                self._on_headers(response)
                self._take_body(response)

    def observe(self, response: Any) -> None:
        """Pass the headers, and observe the body."""
        if self.has_response:
            return
        self.has_response = True
        try:
            is_object = self._on_headers(response)
            if not self._take_body(response):
                self.observe_body(response, self.exchange, is_object)
        except Exception:  # noqa: BLE001 - the response is the application's
            self.exchange.finish("closed")
            guard.caught("hooks.aiohttp")

    def _on_headers(self, response: Any) -> bool:
        """Pass the headers; return whether the body is one decoded object, not a stream of events."""
        _known_responses.add(response)
        self.exchange.request_sent(credential_headers(response.request_info.headers))
        headers = _response_headers(response, decompressed=self.decompressed)
        return (
            not self.exchange.headers(response.status, headers)
            and self.decompressed
            and CONTENT_ENCODING not in headers
        )

    def _take_body(self, response: Any) -> bool:
        """Pass a body that a trace or a middleware has read; return whether one has."""
        body = response._body  # noqa: SLF001 - where it is stored once it has been read
        if isinstance(body, bytes):
            self.exchange.feed(body)
            self.exchange.finish("completed")
        return isinstance(body, bytes)


def _host(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    return _url(session, args, kwargs).host  # type: ignore[no-any-return]  # yarl's


def _url(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return session._build_url(args[1] if len(args) > 1 else kwargs["str_or_url"])  # noqa: SLF001 - it knows the base


def _parse_request(module: ModuleType, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpRequest:
    method, url, data = args[0] if args else kwargs["method"], _url(session, args, kwargs), kwargs.get("data")
    headers, json_value = _merged_headers(session, kwargs.get("headers")), kwargs.get("json")
    if json_value is not None:
        headers.setdefault("Content-Type", "application/json")  # as the client does later
    return HttpRequest(
        method.upper(),
        url.scheme,
        url.host,
        url.port,
        url.path,
        headers,
        _data_body(module, data) if data is not None else _json_body(json_value),
        _form_fields(module, data),
        replaceable=_client_sets_length(headers, kwargs) and (isinstance(json_value, dict) or is_replaceable(data)),
        resend_count=_resend_count(kwargs),
    )


def _client_sets_length(headers: Any, kwargs: dict[str, Any]) -> bool:
    """Return whether the client computes the content length; the items of an iterator of headers are not known."""
    return "Content-Length" not in headers and isinstance(kwargs.get("headers"), Mapping | list | tuple | None)


def _resend_count(kwargs: dict[str, Any]) -> int | None:
    """Return how often aiohttp_retry has sent the request before, from its trace context, which counts from 1."""
    context = kwargs.get("trace_request_ctx")
    count = context.get("current_attempt") if isinstance(context, dict) else None
    return count - 1 if isinstance(count, int) and count > 0 else None


def _with_body(kwargs: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the arguments with another body; `json=` gets the new members, and the client encodes it as ever."""
    json_value = kwargs.get("json")
    if json_value is None:
        return {**kwargs, "data": body}
    members = msgspec.json.decode(body)
    new = {name: members[name] for name in _REPLACED_MEMBERS if name in members}
    return {**kwargs, "json": {**json_value, **new}}


_REPLACED_MEMBERS = ("trace", "user")
"""The members in which a replacement body may differ."""


def _merged_headers(session: Any, headers: Any) -> Any:
    """Return the session's headers and the request's. An iterator over pairs is the client's to consume."""
    merged = session.headers.copy()
    if isinstance(headers, Mapping | list | tuple):
        merged.update(headers)
    return merged


def _data_body(module: ModuleType, data: Any) -> bytes | None:
    if isinstance(data, module.BytesPayload):
        data = data._value  # noqa: SLF001 - the public way to it is a coroutine
    return body_bytes(data)


def _json_body(value: Any) -> bytes | None:
    """Return `json=` as JSON; the client encodes it later, by the application's own encoder."""
    if value is None:
        return None
    with suppress(Exception):
        return msgspec.json.encode(value)
    with suppress(Exception):
        return json.dumps(value, default=repr, skipkeys=True).encode()
    return None


def _form_fields(module: ModuleType, data: Any) -> Mapping[str, Any] | None:
    """Return the text fields of a form."""
    if isinstance(data, module.FormData):
        return {options["name"]: value for options, _, value in data._fields if isinstance(value, str)}
    return data if isinstance(data, Mapping) else None


def _is_decompressed(session: Any, kwargs: dict[str, Any]) -> bool:
    argument = kwargs.get("auto_decompress")
    return bool(session.auto_decompress if argument is None else argument)


def _status_check(session: Any, kwargs: dict[str, Any]) -> Any:
    argument = kwargs.get("raise_for_status")
    return session.raise_for_status if argument is None else argument


def _response_headers(response: Any, *, decompressed: bool) -> Mapping[str, str]:
    """Return the headers, without the encoding that aiohttp decodes."""
    headers = response.headers
    if not decompressed or headers.get(CONTENT_ENCODING, "").lower() not in _DECODED:
        return headers  # type: ignore[no-any-return]  # a multidict, which returns the first of several values
    folded = fold(headers.items(), is_response=True)
    del folded[CONTENT_ENCODING]
    return folded
