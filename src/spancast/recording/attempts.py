"""Which requests are one and the same, tried again: a retry is a call of its own, linked to the first.

OpenAI's and Anthropic's libraries number their tries in `x-stainless-retry-count`, and urllib3 and aiohttp_retry count
their own; they make them one behind the other in one thread or task. Others name them by an `Idempotency-Key`.
OpenRouter's sends the very same object again when a try has failed. litellm makes an equal one while it handles the
exception that the first has come to; DSPy, LiveKit and tenacity in a loop that does nothing else. Nothing else is
certain, and so nothing else is linked: an equal request may be what the application asks twice.
"""

import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from weakref import ref

from spancast.base import forks, tasks
from spancast.capture.values import Facts
from spancast.recording.retrying import loop_around

REMEMBERED = 1024
"""First attempts that a retry can be linked to."""

_COUNT = "x-stainless-retry-count"
_NAME = "idempotency-key"
_LONGEST = 9
"""Digits of a count of tries."""
_SAMPLE = 256
"""Bytes at either end of a body by which it is told from others."""
_LOOPS = 64
"""Loops with a try that has failed that are remembered."""
_DEEPEST = 20
"""Exceptions that are looked at behind the one that is handled."""


@dataclass(slots=True)
class _Tries:
    """The tries of one request."""

    first: str
    """The call of the first one."""
    last: str
    """The call of the last one."""
    again: int = 0
    """How often it was tried again."""
    failed: bool = False
    """Whether the last one has failed."""
    loop: ref[object] | None = None
    """What tells the loop around the last one that has failed from others; `None` where it is in none that is known."""


class Attempts:
    """Remembers first attempts. From any thread."""

    def __init__(self) -> None:
        self._begin()
        forks.in_child(self._begin)

    def _begin(self) -> None:
        """Remember nothing: what a parent has under way is not tried again by its child."""
        self._first: OrderedDict[Hashable, _Tries] = OrderedDict()
        self._lock = threading.Lock()
        self._sent: dict[int, _Sent] = {}
        self._under_way: dict[str, _Sent] = {}
        self._looped: deque[tuple[Hashable, _Tries]] = deque(maxlen=_LOOPS)

    def link(
        self,
        call_id: str,
        headers: Mapping[str, str],
        body: bytes | None,
        itself: object = None,
        tries: int | None = None,
    ) -> Facts:
        """Return `attempt_of` and `retry` of a call that is a retry; nothing for a first attempt.

        `itself` is the object that the client library sends, which is not kept alive; `tries` is how often it has tried
        before, where it counts; beside an object that tells for certain that this is another try of it.
        """
        count, name = headers.get(_COUNT), headers.get(_NAME)
        if count is None and name is None and (itself is not None or tries is None):
            return {} if itself is None else self._again(call_id, itself, body, certain=bool(tries))
        retry = tries if count is None else _number(count)
        key = name if name is not None else (tasks.here(), _sample(body))
        with self._lock:
            known = self._first.get(key)
            if known is not None and retry == 0:
                known, retry = self._in_a_loop(known)
            if known is None:
                self._remember(key, call_id)
            else:
                known.last, known.failed = call_id, False
        if known is not None:
            return {"attempt_of": known.first, "retry": retry}
        return {"attempt_of": None, "retry": retry} if retry else {}

    def failed(self, call_id: str) -> None:
        """Take note that a try has failed."""
        sent, loop = self._under_way.get(call_id), loop_around()
        if sent is not None:
            sent.tries.failed, sent.tries.loop = True, loop
            if loop is not None:
                self._looped.append((_sample(sent.body), sent.tries))
        elif loop is not None:
            with self._lock:
                for each in reversed(self._first.values()):
                    if each.last == call_id:
                        each.failed, each.loop = True, loop

    def _in_a_loop(self, tries: _Tries) -> tuple[_Tries | None, int | None]:
        """Return the tries of an equal request, and the number of the next, if the same loop is around both."""
        if not _is_around(tries):
            return None, 0
        tries.again += 1
        return tries, tries.again

    def _again(self, call_id: str, itself: object, body: bytes | None, *, certain: bool) -> Facts:
        """Return the same of an object that is sent again, or an equal one, if what became of it last is a failure.

        For `certain` another try, whatever became of the last.
        """
        key = id(itself)
        sent = self._sent.get(key)
        if sent is None or sent() is not itself:
            try:
                sent = _Sent(itself, self._forget)
            except TypeError:  # a double, which cannot be told when it is gone
                return {}
            sent.key, sent.body = key, body
            sent.tries = self._handled(body) or self._looping(body) or _Tries(call_id, call_id)
            self._sent[key] = sent
        else:
            self._under_way.pop(sent.call_id, None)
        tries = sent.tries
        if tries.failed or certain:
            tries.again += 1
        else:
            tries = sent.tries = _Tries(call_id, call_id)
        sent.call_id, tries.last, tries.failed = call_id, call_id, False
        self._under_way[call_id] = sent
        return {"attempt_of": tries.first, "retry": tries.again} if tries.again else {}

    def _handled(self, body: bytes | None) -> "_Tries | None":
        """Return the tries of an equal request to which the exception belongs that is being handled."""
        error = sys.exception()
        for each in () if error is None or body is None else _behind(error):
            sent = self._sent.get(id(request := _request_of(each)))
            if sent is not None and sent() is request and sent.body == body:
                return sent.tries
        return None

    def _looping(self, body: bytes | None) -> "_Tries | None":
        """Return the tries of an equal request in the same loop."""
        if not self._looped or body is None:
            return None
        sample = _sample(body)
        return next((tries for known, tries in tuple(self._looped) if known == sample and _is_around(tries)), None)

    def _forget(self, gone: "ref[object]") -> None:
        """Forget an object that is no more; its number may be another's by now."""
        assert isinstance(gone, _Sent)
        self._under_way.pop(gone.call_id, None)
        if self._sent.get(gone.key) is gone:
            self._sent.pop(gone.key, None)

    def _remember(self, key: Hashable, call_id: str) -> None:
        self._first[key] = _Tries(call_id, call_id)
        self._first.move_to_end(key)
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)


class _Sent(ref[object]):
    """An object that was sent, which is not kept alive."""

    __slots__ = ("body", "call_id", "key", "tries")

    body: bytes | None
    """What it asks."""
    call_id: str
    """The call of its last try."""
    key: int
    """Its number."""
    tries: _Tries
    """Those of it, and of its equals before and after it."""


def _is_around(tries: _Tries) -> bool:
    """Whether the loop is around the caller in which the last of some tries has failed."""
    if not tries.failed or tries.loop is None or (loop := tries.loop()) is None:
        return False
    around = loop_around()
    return around is not None and around() is loop


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and those that it came of."""
    each: BaseException | None = error
    for _ in range(_DEEPEST):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _request_of(error: BaseException) -> object:
    """Return what an exception says was sent; httpx refuses where it knows of none."""
    try:
        return getattr(error, "request", None)
    except Exception:  # noqa: BLE001 - it is anybody's exception
        return None


def _number(written: str | None) -> int | None:
    known = written is not None and len(written) <= _LONGEST and written.isascii() and written.isdigit()
    return int(written) if written is not None and known else None


def _sample(body: bytes | None) -> Hashable:
    return None if body is None else (len(body), body[:_SAMPLE], body[-_SAMPLE:])
