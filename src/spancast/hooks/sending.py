"""What every hook does around the client's own send: open an exchange, unless an outer hook already has."""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType, TracebackType
from weakref import ReferenceType, ref

from opentelemetry.context import attach, get_current

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.recording.recorder import Recorder

IsTransport = Callable[[FrameType], bool | None]
"""Returns whether a client hands its request to its transport in this frame; `False` if it calls one of the
application's hooks there, and `None` if the frame does not decide it."""


_OUR_HOOKS = "spancast.hooks."


def always(_frame: FrameType) -> bool:
    """Treat every frame as transport, for a client that calls none of the application's code."""
    return True


@dataclass(slots=True)
class _Sending:
    """A request that is being sent. A client that only transports it makes no call of its own."""

    is_transport: IsTransport
    library: str
    """The client library that sends it."""
    hook_frame_id: int
    """The id of the frame of the hook that sends it."""
    body: bytes | None
    """The body of the request, if it is in memory."""
    block: ReferenceType["sending"]
    """The `with` block in which it is sent; dead, if a signal handler's exception has skipped the end of the block."""
    ended: bool = False
    """Whether it has been sent. A task that starts meanwhile inherits the context, and may make calls afterwards."""

    @property
    def is_under_way(self) -> bool:
        """Whether it is still being sent."""
        return not self.ended and self.block() is not None

    def is_transporting(self) -> bool | None:
        """Return whether the request being opened is this one, on its way, and not one that a hook or middleware makes.

        `None` if another task or thread opens it, where the frames do not tell.
        """
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as documented, and `inspect` reads source files
        passed_library = False
        while frame is not None and id(frame) != self.hook_frame_id:
            module = module_of(frame)
            if not module.startswith(_OUR_HOOKS):  # our hooks' functions have the names of those they wrap
                if (transport := self.is_transport(frame)) is not None:
                    return transport
                passed_library = passed_library or module.partition(".")[0] == self.library
            frame = frame.f_back
        return None if frame is None else not passed_library


def module_of(frame: FrameType | None) -> str:
    """Return the name of a frame's module, of whatever type the application has made it."""
    return "" if frame is None else str(frame.f_globals.get("__name__"))


_current: ContextVar[_Sending | None] = ContextVar("spancast_sending", default=None)


def is_sending() -> bool:
    """Return whether a request is being sent in this context, so that further requests may be part of it."""
    outer = _current.get()
    return outer is not None and outer.is_under_way


def open_exchange(recorder: Recorder, parse: Callable[[], HttpRequest]) -> Exchange | None:
    """Return the exchange of a request to a watched host; `None` if it is no call, or an outer hook records it.

    `parse` reads the client's own request. Whatever it raises, the request is sent.
    """
    outer = _current.get()
    try:
        transporting = outer.is_transporting() if outer is not None and outer.is_under_way else False
        if transporting:
            return None
        request = parse()
        if transporting is None and outer is not None and request.body == outer.body:
            return None
    except Exception:  # noqa: BLE001 - the request is sent whatever it is
        guard.caught("hooks.request")
        return None
    return recorder.open(request)


class sending:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Make the call's span current while its request is sent, and fail the exchange if the client raises.

    It holds no token: a coroutine may be collected in another context, which is then left unchanged.
    """

    __slots__ = ("__weakref__", "_before", "_exchange", "_is_transport", "_library", "_outer", "_sending")

    def __init__(self, exchange: Exchange, library: str = "", is_transport: IsTransport = always) -> None:
        """Take the sending client library, and what recognises its transport if it calls the application's code."""
        self._exchange = exchange
        self._library = library
        self._is_transport = is_transport

    def __enter__(self) -> None:
        """Set the context for the request."""
        self._outer, self._before = _current.get(), get_current()
        hook, body = id(sys._getframe(1)), self._exchange.request_body  # noqa: SLF001 - see `is_transporting`
        self._sending = _Sending(self._is_transport, self._library, hook, body, ref(self))
        self._exchange.request_body = None
        _current.set(self._sending)
        if self._exchange.context is not None:
            attach(self._exchange.context)  # type: ignore[arg-type]  # capture knows no OpenTelemetry

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Restore the context; fail the exchange with what the client raised."""
        if error is not None:
            self._exchange.fail(error)
        self._sending.ended, self._sending.body = True, None
        if _current.get() is self._sending:
            _current.set(self._outer)
            if get_current() is self._exchange.context:
                attach(self._before)
