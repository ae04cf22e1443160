"""Which requests are one and the same, tried again: a retry is a call of its own, linked to the first.

OpenAI's and Anthropic's libraries number their tries in `x-stainless-retry-count`, and urllib3 counts its own; they
make them one behind the other in one thread or task. Others name them by an `Idempotency-Key`. OpenRouter's sends the
very same object again when a try has failed. Nothing else is certain, and so nothing else is linked.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from weakref import ref

from spancast.capture.values import Facts

REMEMBERED = 1024
"""First attempts that a retry can be linked to."""

_COUNT = "x-stainless-retry-count"
_NAME = "idempotency-key"
_LONGEST = 9
"""Digits of a count of tries."""
_SAMPLE = 256
"""Bytes at either end of a body by which it is told from others."""


class Attempts:
    """Remembers first attempts. From any thread."""

    def __init__(self) -> None:
        self._first: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = threading.Lock()
        self._sent: dict[int, _Sent] = {}
        self._under_way: dict[str, _Sent] = {}

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
        before, where it counts.
        """
        count, name = headers.get(_COUNT), headers.get(_NAME)
        if count is None and name is None and tries is None:
            return {} if itself is None else self._again(call_id, itself)
        retry = tries if count is None else _number(count)
        where = _where() if tries is None else threading.get_ident()
        key = name if name is not None else (where, _sample(body))
        with self._lock:
            first = None if retry == 0 else self._first.get(key)
            if first is None:
                self._remember(key, call_id)
        return {"attempt_of": first, "retry": retry} if first is not None or retry else {}

    def failed(self, call_id: str) -> None:
        """Take note that a try has failed."""
        sent = self._under_way.get(call_id)
        if sent is not None:
            sent.failed = True

    def _again(self, call_id: str, itself: object) -> Facts:
        """Return the same of an object that is sent again, if what became of it last is a failure."""
        key = id(itself)
        sent = self._sent.get(key)
        if sent is None or sent() is not itself:
            try:
                sent = _Sent(itself, self._forget)
            except TypeError:  # a double, which cannot be told when it is gone
                return {}
            self._sent[key], sent.key, sent.failed = sent, key, False
        else:
            self._under_way.pop(sent.call_id, None)
        if not sent.failed:
            sent.first, sent.tries = call_id, -1
        sent.call_id, sent.tries, sent.failed = call_id, sent.tries + 1, False
        self._under_way[call_id] = sent
        return {"attempt_of": sent.first, "retry": sent.tries} if sent.tries else {}

    def _forget(self, gone: "ref[object]") -> None:
        """Forget an object that is no more; its number may be another's by now."""
        assert isinstance(gone, _Sent)
        self._under_way.pop(gone.call_id, None)
        if self._sent.get(gone.key) is gone:
            self._sent.pop(gone.key, None)

    def _remember(self, key: Hashable, call_id: str) -> None:
        self._first[key] = call_id
        self._first.move_to_end(key)
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)


class _Sent(ref[object]):
    """An object that was sent, which is not kept alive."""

    __slots__ = ("call_id", "failed", "first", "key", "tries")

    call_id: str
    """The call of its last try."""
    failed: bool
    """Whether that one has failed."""
    first: str
    """The call of its first try."""
    tries: int
    """How often it was sent again."""
    key: int


def _number(written: str | None) -> int | None:
    known = written is not None and len(written) <= _LONGEST and written.isascii() and written.isdigit()
    return int(written) if written is not None and known else None


def _where() -> Hashable:
    """Return what tells this thread, or the task it is in, from others."""
    try:
        return id(asyncio.current_task())
    except RuntimeError:
        return threading.get_ident()


def _sample(body: bytes | None) -> Hashable:
    return None if body is None else (len(body), body[:_SAMPLE], body[-_SAMPLE:])
