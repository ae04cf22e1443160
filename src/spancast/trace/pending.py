"""Spans that wait to see whether their trace holds a call, for those who are sent whole traces.

Bounded: of many traces the one that was quiet for longest goes first, and before it those whose root has ended, for
a call hardly comes to them any more. Spans of a trace that was still under way are counted when they go.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

from spancast.base import forks, guard

TRACES = 10_000
"""Traces that are known to hold a call."""
WAITING = 256
"""Spans of one trace that wait for its first call."""
TOGETHER = 2048
"""Spans that wait, of all traces."""

_Seen = TypeVar("_Seen")


class Pending(Generic[_Seen]):
    """From any thread. A span may end in a finalizer, in the middle of anything."""

    def __init__(self) -> None:
        self._called: OrderedDict[int, None] = OrderedDict()
        self._begin()
        forks.in_child(self._begin)

    def _begin(self) -> None:
        """Have no span wait: those of a parent are the parent's."""
        self._lock = threading.RLock()
        self._waiting: OrderedDict[int, list[_Seen]] = OrderedDict()
        self._ended: OrderedDict[int, None] = OrderedDict()
        """Of the traces whose spans wait, those whose root has ended."""
        self._together = 0

    def called(self, trace_id: int) -> Sequence[_Seen]:
        """Take note that a trace holds a call; return the spans that waited for that."""
        with self._lock:
            self._know(trace_id)
            return self._taken(trace_id)

    def has_call(self, trace_id: int) -> bool:
        """Return whether a trace is known to hold a call."""
        with self._lock:
            if trace_id not in self._called:
                return False
            self._know(trace_id)
            return True

    def wait(self, trace_id: int, seen: _Seen, *, root: bool) -> bool:
        """Have a span wait for the first call of its trace; return `False` where that has come already."""
        with self._lock:
            if trace_id in self._called:
                return False
            waiting = self._waiting.setdefault(trace_id, [])
            self._waiting.move_to_end(trace_id)
            if root:
                self._ended[trace_id] = None
            if len(waiting) < WAITING:
                waiting.append(seen)
                self._together += 1
            else:
                guard.count("span lost: its trace has too many before its first call")
            while self._together > TOGETHER:
                self._let_go()
            return True

    def _know(self, trace_id: int) -> None:
        self._called[trace_id] = None
        self._called.move_to_end(trace_id)
        if len(self._called) > TRACES:
            self._called.popitem(last=False)

    def _let_go(self) -> None:
        if self._ended:
            self._taken(next(iter(self._ended)))
            return
        for _ in self._taken(next(iter(self._waiting))):
            guard.count("span lost: too many wait for a call in their trace")

    def _taken(self, trace_id: int) -> Sequence[_Seen]:
        self._ended.pop(trace_id, None)
        taken = self._waiting.pop(trace_id, [])
        self._together -= len(taken)
        return taken
