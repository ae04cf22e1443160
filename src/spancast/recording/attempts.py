"""Which requests are attempts of the same request: each is a call of its own, linked to the first.

The libraries of OpenAI and Anthropic count attempts in `x-stainless-retry-count`, and urllib3 and aiohttp_retry in
their own objects; they make them in sequence in one thread or task. Others mark them by an `Idempotency-Key`.
OpenRouter's library sends the same object again after a failed attempt. litellm makes an equal request while it handles
the exception of the first; DSPy, LiveKit and tenacity in a retry loop. Nothing else is certain, so nothing else is
linked: the application may just make an equal request twice.
"""

import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from weakref import ref

from spancast.base import forks, tasks
from spancast.capture.values import Facts
from spancast.recording.retrying import retry_loop

MAX_REMEMBERED = 1024
"""First attempts to which further ones can be linked."""

_RETRY_COUNT = "x-stainless-retry-count"
_IDEMPOTENCY_KEY = "idempotency-key"
_MAX_COUNT_DIGITS = 9
_SAMPLE_BYTES = 256
"""Bytes at either end of a body by which it is compared with others."""
_MAX_LOOPS = 64
"""Retry loops with a failed attempt that are remembered."""
_MAX_CAUSES = 20
"""Exceptions that are searched behind the one being handled."""


@dataclass(slots=True)
class _Series:
    """The attempts of one request."""

    first: str
    """The call id of the first attempt."""
    last: str
    """The call id of the last attempt."""
    resend_count: int = 0
    """The number of attempts after the first."""
    failed: bool = False
    """Whether the last attempt has failed."""
    loop: ref[object] | None = None
    """The object of the retry loop around the last failed attempt; `None` outside of any known loop."""


class Attempts:
    """Remembers first attempts. Thread-safe."""

    def __init__(self) -> None:
        self._clear()
        forks.in_child(self._clear)

    def _clear(self) -> None:
        """Forget all attempts: a child does not repeat its parent's."""
        self._first: OrderedDict[Hashable, _Series] = OrderedDict()
        self._lock = threading.Lock()
        self._sent: dict[int, _Sent] = {}
        self._under_way: dict[str, _Sent] = {}
        self._looped: deque[tuple[Hashable, _Series]] = deque(maxlen=_MAX_LOOPS)

    def link(
        self,
        call_id: str,
        headers: Mapping[str, str],
        body: bytes | None,
        client_request: object = None,
        resend_count: int | None = None,
    ) -> Facts:
        """Return `attempt_of` and `retry` of a call that is a further attempt; nothing for a first one.

        Args:
            call_id: The call of this attempt.
            headers: The headers of the request.
            body: Its body, if it is in memory.
            client_request: The client library's own request object, which is not kept alive.
            resend_count: How often the client has sent the request before, if it counts. Beside a `client_request` any
                count but 0 makes it certain that this is a further attempt.
        """
        count, name = headers.get(_RETRY_COUNT), headers.get(_IDEMPOTENCY_KEY)
        if count is None and name is None and (client_request is not None or resend_count is None):
            if client_request is None:
                return {}
            return self._link_object(call_id, client_request, body, certain=bool(resend_count))
        retry = resend_count if count is None else _number(count)
        key = name if name is not None else (tasks.current_id(), _sample(body))
        with self._lock:
            series = self._first.get(key)
            if series is not None and retry == 0:
                series, retry = self._in_same_loop(series)
            if series is None:
                self._remember(key, call_id)
            else:
                series.last, series.failed = call_id, False
        if series is not None:
            return {"attempt_of": series.first, "retry": retry}
        return {"attempt_of": None, "retry": retry} if retry else {}

    def failed(self, call_id: str) -> None:
        """Mark an attempt as failed."""
        sent, loop = self._under_way.get(call_id), retry_loop()
        if sent is not None:
            sent.series.failed, sent.series.loop = True, loop
            if loop is not None:
                self._looped.append((_sample(sent.body), sent.series))
        elif loop is not None:
            with self._lock:
                for each in reversed(self._first.values()):
                    if each.last == call_id:
                        each.failed, each.loop = True, loop

    def _in_same_loop(self, series: _Series) -> tuple[_Series | None, int | None]:
        """Return the series of an equal request, and its new count, if the same retry loop is around both."""
        if not _is_in_loop_of(series):
            return None, 0
        series.resend_count += 1
        return series, series.resend_count

    def _link_object(self, call_id: str, client_request: object, body: bytes | None, *, certain: bool) -> Facts:
        """Link a request whose object, or an equal one, was sent before, if that attempt failed.

        If it is `certain` that this is a further attempt, the outcome of the last one does not matter.
        """
        key = id(client_request)
        sent = self._sent.get(key)
        if sent is None or sent() is not client_request:
            try:
                sent = _Sent(client_request, self._forget)
            except TypeError:  # a double that supports no weak reference
                return {}
            sent.key, sent.body = key, body
            sent.series = self._handled(body) or self._looping(body) or _Series(call_id, call_id)
            self._sent[key] = sent
        else:
            self._under_way.pop(sent.call_id, None)
        series = sent.series
        if series.failed or certain:
            series.resend_count += 1
        else:
            series = sent.series = _Series(call_id, call_id)
        sent.call_id, series.last, series.failed = call_id, call_id, False
        self._under_way[call_id] = sent
        return {"attempt_of": series.first, "retry": series.resend_count} if series.resend_count else {}

    def _handled(self, body: bytes | None) -> "_Series | None":
        """Return the series of an equal request whose exception is being handled."""
        error = sys.exception()
        for each in () if error is None or body is None else _causes(error):
            sent = self._sent.get(id(request := _request_of(each)))
            if sent is not None and sent() is request and sent.body == body:
                return sent.series
        return None

    def _looping(self, body: bytes | None) -> "_Series | None":
        """Return the series of an equal request in the same retry loop."""
        if not self._looped or body is None:
            return None
        sample = _sample(body)
        return next(
            (series for other, series in tuple(self._looped) if other == sample and _is_in_loop_of(series)), None
        )

    def _forget(self, gone: "ref[object]") -> None:
        """Forget a collected request object, whose id another object may have by now."""
        assert isinstance(gone, _Sent)
        self._under_way.pop(gone.call_id, None)
        if self._sent.get(gone.key) is gone:
            self._sent.pop(gone.key, None)

    def _remember(self, key: Hashable, call_id: str) -> None:
        self._first[key] = _Series(call_id, call_id)
        self._first.move_to_end(key)
        if len(self._first) > MAX_REMEMBERED:
            self._first.popitem(last=False)


class _Sent(ref[object]):
    """A weak reference to a request object that was sent."""

    __slots__ = ("body", "call_id", "key", "series")

    body: bytes | None
    """The body of the request."""
    call_id: str
    """The call of its last attempt."""
    key: int
    """The id of the object."""
    series: _Series
    """Its attempts, and those of equal objects."""


def _is_in_loop_of(series: _Series) -> bool:
    """Return whether the caller is in the retry loop in which the last attempt of a series failed."""
    if not series.failed or series.loop is None or (loop := series.loop()) is None:
        return False
    current = retry_loop()
    return current is not None and current() is loop


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes."""
    each: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _request_of(error: BaseException) -> object:
    """Return the request that an exception refers to; httpx raises if there is none."""
    try:
        return getattr(error, "request", None)
    except Exception:  # noqa: BLE001 - it may be any library's exception
        return None


def _number(text: str | None) -> int | None:
    is_number = text is not None and len(text) <= _MAX_COUNT_DIGITS and text.isascii() and text.isdigit()
    return int(text) if text is not None and is_number else None


def _sample(body: bytes | None) -> Hashable:
    return None if body is None else (len(body), body[:_SAMPLE_BYTES], body[-_SAMPLE_BYTES:])
