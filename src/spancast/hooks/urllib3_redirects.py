"""A redirect that urllib3 or requests follows: the step on the way and the answer behind it are one call.

Nothing that the hook of urllib3 is given tells whether an answer that redirects is followed. What is around it does:
the frame of the function that will ask again. The exchange is kept back until it does.
"""

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import FrameType
from typing import Any
from urllib.parse import urlsplit
from weakref import finalize

from spancast.base import guard
from spancast.base.garbage import collecting
from spancast.capture.exchange import Exchange
from spancast.hooks.sending import module_of

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = frozenset({"", "http", "https"})


class _Kept:
    """An exchange that has been answered with a redirect, until the next request of the frame that follows it."""

    __slots__ = ("exchange", "follower", "gone")

    def __init__(self, exchange: Exchange, follower: FrameType, gone: "finalize[..., Any]") -> None:
        self.exchange = exchange
        self.follower = id(follower)
        """The number of the frame, which is no other's while the response is there: the frame holds it."""
        self.gone = gone
        self.gone.atexit = False


_kept: ContextVar[_Kept | None] = ContextVar("spancast_redirect", default=None)
kept = _kept.get
"""Return what is kept back here, if anything is."""


def kept_back(exchange: Exchange, status: int, headers: Mapping[str, str], response: Any) -> bool:
    """Keep an exchange back where its answer redirects, and is followed; return whether it is."""
    if status not in _REDIRECTS or not _leads_on(headers.get("location")):
        return False
    with guard.quietly("hooks.urllib3_redirects"):
        if (follower := _follower()) is not None:
            _kept.set(_Kept(exchange, follower, finalize(response, _left, exchange, status, headers)))
            return True
    return False


def _left(exchange: Exchange, status: int, headers: Mapping[str, str]) -> None:
    """Finish with a redirect whose follower has failed before it asked again."""
    if collecting():
        exchange.finish("abandoned")
    else:
        exchange.headers(status, headers)
        exchange.finish("completed")


def _leads_on(location: str | None) -> bool:
    """Whether a location is a place that can be asked; what else it is the client refuses."""
    try:
        url = urlsplit(location or "")
        _ = url.port  # which it looks at
    except ValueError:
        return False
    return bool(location) and url.scheme in _SCHEMES


def taken_up() -> Exchange | None:
    """Return the exchange that was kept back for the request that is being made, if one was."""
    waiting = _kept.get()
    if waiting is None:
        return None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as documented
    while frame is not None and id(frame) != waiting.follower:
        if module_of(frame) == _HOOKS:  # one of the application's asks something of its own on the way
            return None
        frame = frame.f_back
    _kept.set(None)
    return None if frame is None or waiting.gone.detach() is None else waiting.exchange


_HOOKS = "requests.hooks"


def let_go() -> None:
    """Keep nothing back any more, since the answer that was to lead on has failed, and its exchange with it."""
    if (waiting := _kept.get()) is not None:
        waiting.gone.detach()
        _kept.set(None)


def _follower() -> FrameType | None:
    """Return the frame that will follow a redirect that has just come; `None` where it is left to the application."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as documented
    retries: Any = None
    while frame is not None:
        place = _place(frame)
        if place == _SESSION:
            return _of_requests(frame)
        if place in (_POOL, _POOLS):
            given = frame.f_locals
            retries = given.get("kw", given).get("retries", retries)
            if given["redirect"] or place == _POOLS:
                return frame if given["redirect"] and _goes_on(retries) else None
        frame = frame.f_back
    return None


def _place(frame: FrameType) -> tuple[str, str]:
    return module_of(frame), frame.f_code.co_name


_POOL = ("urllib3.connectionpool", "urlopen")
_POOLS = ("urllib3.poolmanager", "urlopen")
_SESSION = ("requests.sessions", "send")
_STEPS = ("requests.sessions", "resolve_redirects")


def _goes_on(retries: Any) -> bool:
    """Whether urllib3 asks again, of what it was given for `retries` (`Retry.increment`)."""
    counts = (retries.total, retries.redirect) if hasattr(retries, "redirect") else (retries,)
    return all(count is None or count >= 1 for count in counts)


def _of_requests(send: FrameType) -> FrameType | None:
    """Return the frame of requests that follows what a `send` brings: its own, or the one that has called it to."""
    most = send.f_locals["self"].max_redirects
    if send.f_locals["allow_redirects"]:
        return send if most > 0 else None
    frame = send.f_back
    while frame is not None and _place(frame) not in (_STEPS, _SESSION):
        frame = frame.f_back
    follows = frame is not None and _place(frame) == _STEPS and len(frame.f_locals["hist"]) < most
    return frame if follows else None
