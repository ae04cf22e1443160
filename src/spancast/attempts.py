"""Which requests are one and the same, tried again: a retry is a call of its own, linked to the first.

OpenAI's and Anthropic's libraries number their tries in `x-stainless-retry-count`, and make them one behind the other
in one thread or task; others name them by an `Idempotency-Key`.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping

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

    def link(self, call_id: str, headers: Mapping[str, str], body: bytes | None) -> Facts:
        """Return `attempt_of` and `retry` of a call that is a retry; nothing for a first attempt."""
        count, name = headers.get(_COUNT), headers.get(_NAME)
        if count is None and name is None:
            return {}
        retry = _number(count)
        key = name if name is not None else (_where(), _sample(body))
        with self._lock:
            first = None if retry == 0 else self._first.get(key)
            if first is None:
                self._remember(key, call_id)
        return {"attempt_of": first, "retry": retry} if first is not None or retry else {}

    def _remember(self, key: Hashable, call_id: str) -> None:
        self._first[key] = call_id
        self._first.move_to_end(key)
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)


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
