"""A response of httpx's or httpx2's, as the exchange is shown it: its headers, and its body on the way to the caller.

For a caller who did not ask to stream all of it is read by the hook, and what has come of it is kept until then, for an
error that comes instead of the rest.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.headers import ANSWERED, ASKED
from spancast.hooks.client_request import ENCODING, as_it_came
from spancast.hooks.httpx_request import Header, Items, content, read

Tee = Callable[[Any, Exchange], Any]
"""Makes what stands in the place of a stream, and shows it to an exchange."""
Keep = Callable[[Any], Any]
"""Makes what stands in the place of a stream that is read here."""


@dataclass(slots=True, eq=False)
class Answer:
    """Shows the exchange a response."""

    exchange: Exchange
    items: Items
    asked: list[Header]
    """The headers of the request as they were before it was sent."""
    stream: Any = None
    """The client's own stream, while it is read here."""
    kept: "_Kept | None" = None
    """What stands in its place."""
    coded: bool = False
    """Whether the body has an encoding."""

    def listen(self, response: Any, tee: Tee, keep: Keep | None) -> None:
        """Show the headers, and put the tee in where the body will pass for a caller who streams.

        What is read here for one who does not is kept on its way, by `keep`.
        """
        try:
            events = self._heard(response)
            if response.is_stream_consumed or response.is_closed:  # one of the client's own event hooks was at it
                if not self._take(response) and keep is None:
                    self.exchange.finish("closed")
            elif events or keep is None:
                response.stream = tee(response.stream, self.exchange)
            else:
                self.stream = response.stream
                self.kept = response.stream = keep(self.stream)
        except Exception:  # noqa: BLE001 - the response is the application's
            guard.caught("hooks.httpx")
            self.exchange.finish("closed")

    def refused(self, response: Any) -> None:
        """Show what one of the client's own event hooks, or its `auth`, has refused, if there was an answer."""
        if response is not None:
            with guard.quietly("hooks.httpx"):
                self._heard(response)
                self._take(response)

    def read(self, response: Any) -> None:
        """Show the body that was read here, and give the response its stream again."""
        if self.stream is not None:
            response.stream = self.stream
        self._take(response)

    def cut(self, error: BaseException) -> None:
        """Show what had come of the body, and finish with what came instead of the rest."""
        for piece in () if self.kept is None else self.kept.come:
            self.exchange.feed(piece)
        self.exchange.fail(error)

    def _take(self, response: Any) -> bool:
        """Show a body that was read; return whether it was."""
        if (body := content(response)) is None:
            return False
        if self.coded and type(getattr(response, "_decoder", None)).__name__ == _UNDECODED:
            as_it_came(body, self.exchange)
        else:
            self.exchange.body(body)
        return True

    def _heard(self, response: Any) -> bool:
        """Show the headers, those of the request first where they have changed; return whether events follow."""
        sent = response.request.headers
        if [*self.items(sent)] != self.asked:
            self.exchange.sent(read(self.items, sent, ASKED))
        headers = read(self.items, response.headers, ANSWERED)
        self.coded = ENCODING in headers
        return self.exchange.headers(response.status_code, headers)


_UNDECODED = "IdentityDecoder"
"""What a response decodes with where the client can undo none of its encodings."""


class _Kept:
    """Stands in the place of a stream of which all is taken, and keeps what has come for whoever is told of no end."""

    def __init__(self, stream: Any) -> None:
        self._heard = stream
        self.come: list[bytes] = []


class SyncKept(_Kept):
    """A synchronous one."""

    def __iter__(self) -> Iterator[bytes]:
        keep = self.come.append
        for chunk in self._heard:
            keep(chunk)
            yield chunk

    def close(self) -> None:
        """Close the client's own."""
        self._heard.close()


class AsyncKept(_Kept):
    """An asynchronous one."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        keep = self.come.append
        async for chunk in self._heard:
            keep(chunk)
            yield chunk

    async def aclose(self) -> None:
        """Close the client's own."""
        await self._heard.aclose()
