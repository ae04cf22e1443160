"""niquests: every request passes through `Session.send` or `AsyncSession.send`, redirects inside it.

The headers are seen in the client's own `response` hook, which it calls before it reads a body: at once, or when it
gathers the answers of a multiplexed connection, long after `send` has returned. A caller who did not ask to stream is
handed a response that was read; else the body is heard where its bytes leave the connection, in `response.raw`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from weakref import finalize

from spancast import guard
from spancast.capture.exchange import Exchange
from spancast.hooks.niquests_raw import hear
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import opened, under_way
from spancast.recorder import HttpRequest, Recorder

_SCHEMES = {"sse": "https", "psse": "http"}
"""What carries the schemes by which niquests is asked for its own reader of events."""


def sync_send(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Session.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = _request(args, kwargs)
        if not _watched(recorder, request) or (exchange := opened(recorder, partial(_seen, request))) is None:
            return wrapped(*args, **kwargs)
        listener = _listener(exchange, session, kwargs)
        with under_way(exchange), listener.at(request):
            response = wrapped(*args, **kwargs)
        listener.returned(response)
        return response

    return send


def async_send(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncSession.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = _request(args, kwargs)
        if not _watched(recorder, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, session, request, args, kwargs)

    async def send_watched(
        wrapped: Callable[..., Any], session: Any, request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = opened(recorder, partial(_seen, request))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        listener = _listener(exchange, session, kwargs)
        with under_way(exchange), listener.at(request):
            response = await wrapped(*args, **kwargs)
        listener.returned(response)
        return response

    return send


@dataclass(slots=True)
class _Listener:
    """Shows the exchange a response, once."""

    exchange: Exchange
    streamed: bool
    redirected: bool
    heeded: bool = False
    heard: bool = False

    @contextmanager
    def at(self, request: Any) -> Iterator[None]:
        """Be the last of a request's response hooks while it is sent: behind those that answer for another response."""
        hooks = request.hooks
        theirs = (hooks or {}).get("response") or []
        request.hooks = {**(hooks or {}), "response": [*([theirs] if callable(theirs) else theirs), self.on_response]}
        ours = request.hooks
        try:
            yield
        except Exception as error:
            if (response := getattr(error, "response", None)) is not None:
                self.listen(response)
            raise
        finally:
            request.hooks = hooks

    def on_response(self, response: Any, **_: Any) -> None:
        """Take a response as the client's hooks get it; one that redirects is a step on the way."""
        if not (self.redirected and response.is_redirect):
            self.listen(response)
