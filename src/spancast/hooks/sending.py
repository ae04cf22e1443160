"""What every hook does around the client's own send: open an exchange, and stand aside for whoever is further out."""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType, TracebackType

from opentelemetry.context import attach, get_current

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.recording.recorder import Recorder

Carries = Callable[[FrameType], bool | None]
"""Whether a frame is where a client hands its request on to what carries it, such as a transport; `False` where it
calls a hook of the application's, and `None` where it cannot be told."""


_OURS = "spancast.hooks."


def always(_frame: FrameType) -> bool:
    """Take whatever a client calls for what carries its request: it calls nothing of the application's."""
    return True


@dataclass(slots=True)
class _Sending:
    """A request that is being sent: a client that another one sends with makes no call of its own."""

    carries: Carries
    library: str
    """The client library that sends it."""
    hook: int
    """The number of the frame of the hook that sends it."""
    body: bytes | None
    """What it asks, where that is in memory."""
    over: bool = False
    """A task that is begun meanwhile takes its context along, and may live on and make calls of its own."""

    def carried_here(self) -> bool | None:
        """Whether what is being opened is this very request on its way, and not what a hook or a middleware asks.

        `None` where another task or thread opens it: it cannot be told there.
        """
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as documented, and `inspect` reads source files
        passed = False
        while frame is not None and id(frame) != self.hook:
            module = module_of(frame)
            if not module.startswith(_OURS):  # our own hooks have the names of what they stand for
                if (carries := self.carries(frame)) is not None:
                    return carries
                passed = passed or module.partition(".")[0] == self.library
            frame = frame.f_back
        return None if frame is None else not passed


def module_of(frame: FrameType | None) -> str:
    """Return the name of the module that a frame is of, whatever that says of itself."""
    return "" if frame is None else str(frame.f_globals.get("__name__"))


_inside: ContextVar[_Sending | None] = ContextVar("spancast_sending", default=None)


def is_sending() -> bool:
    """Whether a request is being sent here, of which what is asked meanwhile may be a part."""
    outer = _inside.get()
    return outer is not None and not outer.over


def opened(recorder: Recorder, request: Callable[[], HttpRequest]) -> Exchange | None:
    """Return the exchange of a request to a watched host; `None` for what is no call, or is another hook's already.

    `request` reads the client's own object. Whatever it raises, the request is sent.
    """
    outer = _inside.get()
    try:
        carried = False if outer is None or outer.over else outer.carried_here()
        if carried:
            return None
        seen = request()
        if carried is None and outer is not None and seen.body == outer.body:
            return None
    except Exception:  # noqa: BLE001 - the request is sent whatever it is
        guard.caught("hooks.request")
        return None
    exchange = recorder.open(seen)
    if exchange is not None:
        exchange.asks = seen.body
    return exchange


class under_way:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Make the call's span the current one while the request is sent, and finish the exchange when that fails.

    No token is held: a coroutine may be collected in a context that never saw it, which is then left alone.
    """

    __slots__ = ("_before", "_carries", "_exchange", "_library", "_outer", "_sending")

    def __init__(self, exchange: Exchange, library: str = "", carries: Carries = always) -> None:
        """Send by a client library, which calls code of the application's own unless it `carries` always."""
        self._exchange = exchange
        self._library = library
        self._carries = carries

    def __enter__(self) -> None:
        """Begin to send."""
        self._outer, self._before = _inside.get(), get_current()
        hook, asks = id(sys._getframe(1)), self._exchange.asks  # noqa: SLF001 - see `carried_here`
        self._sending, self._exchange.asks = _Sending(self._carries, self._library, hook, asks), None
        _inside.set(self._sending)
        if self._exchange.context is not None:
            attach(self._exchange.context)  # type: ignore[arg-type]  # its maker's own

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Have the headers, or what the client raised."""
        if error is not None:
            self._exchange.fail(error)
        self._sending.over, self._sending.body = True, None
        if _inside.get() is self._sending:
            _inside.set(self._outer)
            if get_current() is self._exchange.context:
                attach(self._before)
