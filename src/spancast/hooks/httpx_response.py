"""Passing a response of httpx or httpx2 to the exchange: its headers, and its body on the way to the caller.

For a caller who does not stream, the hook reads the whole body. Its chunks are retained until then, in case reading it
fails before the end.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.headers import REQUEST_HEADERS, RESPONSE_HEADERS
from spancast.hooks.client_request import finish_with_encoded
from spancast.hooks.headers import CONTENT_ENCODING, HeaderItems, RawHeader, fold_selected
from spancast.hooks.httpx_request import loaded_body

Tee = Callable[[Any, Exchange], Any]
"""Returns a stream that takes another one's place and feeds an exchange."""
Retain = Callable[[Any], Any]
"""Returns a stream that takes another one's place and retains its chunks."""


@dataclass(slots=True, eq=False)
class ResponseObserver:
    """Passes a response to the exchange."""

    exchange: Exchange
    items: HeaderItems
    request_headers: list[RawHeader]
    """The headers of the request before it was sent."""
    stream: Any = None
    """The client's own stream, while the hook reads it."""
    retaining: "_RetainingStream | None" = None
    """The stream in its place."""
    is_encoded: bool = False
    """Whether the body has a content encoding."""

    def observe(self, response: Any, tee: Tee, retain: Retain | None) -> None:
        """Pass the headers; put the tee in the stream's place for a caller who streams.

        For one who does not, `retain` makes the stream that the hook reads.
        """
        try:
            is_event_stream = self._on_headers(response)
            if response.is_stream_consumed or response.is_closed:  # by one of the client's own event hooks
                if not self._take_body(response) and retain is None:
                    self.exchange.finish("closed")
            elif is_event_stream or retain is None:
                response.stream = tee(response.stream, self.exchange)
            else:
                self.stream = response.stream
                self.retaining = response.stream = retain(self.stream)
        except Exception:  # noqa: BLE001 - the response is the application's
            self.exchange.finish("closed")
            guard.caught("hooks.httpx")

    def observe_rejected(self, response: Any) -> None:
        """Pass a response that an event hook or `auth` has rejected, if there is one."""
        if response is not None:
            with guard.quietly("hooks.httpx"):
                self._on_headers(response)
                self._take_body(response)

    def on_read(self, response: Any) -> None:
        """Pass the body that the hook has read, and give the response its own stream back."""
        if self.stream is not None:
            response.stream = self.stream
        self._take_body(response)

    def on_read_error(self, error: BaseException) -> None:
        """Pass the chunks that were received before reading failed, and fail the exchange."""
        for chunk in () if self.retaining is None else self.retaining.chunks:
            self.exchange.feed(chunk)
        self.exchange.fail(error)

    def _take_body(self, response: Any) -> bool:
        """Pass a body that has been read; return whether it has been."""
        if (body := loaded_body(response)) is None:
            return False
        if self.is_encoded and type(getattr(response, "_decoder", None)).__name__ == _NO_DECODER:
            finish_with_encoded(body, self.exchange)
        else:
            self.exchange.body(body)
        return True

    def _on_headers(self, response: Any) -> bool:
        """Pass the headers, those of the request first if they have changed; return whether events follow."""
        sent = response.request.headers
        if [*self.items(sent)] != self.request_headers:
            self.exchange.request_sent(fold_selected(self.items, sent, REQUEST_HEADERS))
        headers = fold_selected(self.items, response.headers, RESPONSE_HEADERS)
        self.is_encoded = CONTENT_ENCODING in headers
        return self.exchange.headers(response.status_code, headers)


_NO_DECODER = "IdentityDecoder"
"""The decoder of a response of whose encodings the client supports none."""


class _RetainingStream:
    """Takes the place of a stream that is read whole, and retains its chunks for the case of an error."""

    def __init__(self, stream: Any) -> None:
        self._inner = stream
        self.chunks: list[bytes] = []


class SyncRetainingStream(_RetainingStream):
    """The same for a synchronous stream."""

    def __iter__(self) -> Iterator[bytes]:
        retain = self.chunks.append
        for chunk in self._inner:
            retain(chunk)
            yield chunk

    def close(self) -> None:
        """Close the client's own stream."""
        self._inner.close()


class AsyncRetainingStream(_RetainingStream):
    """The same for an asynchronous stream."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        retain = self.chunks.append
        async for chunk in self._inner:
            retain(chunk)
            yield chunk

    async def aclose(self) -> None:
        """Close the client's own stream."""
        await self._inner.aclose()
