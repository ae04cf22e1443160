"""Spans that wait for the first call in their trace, for destinations that take whole traces.

Their number is bounded. The first to be dropped are those of traces whose root has ended, which hardly get a call any
more; then those of the trace that has been idle for longest, which are counted, since that trace is still under way.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

from spancast.base import forks, guard

MAX_TRACES = 10_000
"""Traces with a call that are remembered."""
MAX_PER_TRACE = 256
"""Waiting spans of one trace."""
MAX_WAITING = 2048
"""Waiting spans of all traces."""

_Span = TypeVar("_Span")


class Pending(Generic[_Span]):
    """Thread-safe and reentrant: a span may end in a finalizer, at any point."""

    def __init__(self) -> None:
        self._with_call: OrderedDict[int, None] = OrderedDict()
        self._clear()
        forks.in_child(self._clear)

    def _clear(self) -> None:
        """Forget the waiting spans; in a child, they are the parent's."""
        self._lock = threading.RLock()
        self._waiting: OrderedDict[int, list[_Span]] = OrderedDict()
        self._root_ended: OrderedDict[int, None] = OrderedDict()
        """The traces with waiting spans whose root has ended."""
        self._count = 0

    def on_call(self, trace_id: int) -> Sequence[_Span]:
        """Mark a trace as one with a call; return its waiting spans."""
        with self._lock:
            self._remember(trace_id)
            return self._take(trace_id)

    def has_call(self, trace_id: int) -> bool:
        """Return whether a trace is known to have a call."""
        with self._lock:
            if trace_id not in self._with_call:
                return False
            self._remember(trace_id)
            return True

    def wait(self, trace_id: int, span: _Span, *, root: bool) -> bool:
        """Let a span wait for the first call in its trace; return `False` if there has been one."""
        with self._lock:
            if trace_id in self._with_call:
                return False
            waiting = self._waiting.setdefault(trace_id, [])
            self._waiting.move_to_end(trace_id)
            if root:
                self._root_ended[trace_id] = None
            if len(waiting) < MAX_PER_TRACE:
                waiting.append(span)
                self._count += 1
            else:
                guard.count("span lost: its trace has too many before its first call")
            while self._count > MAX_WAITING:
                self._drop_trace()
            return True

    def _remember(self, trace_id: int) -> None:
        self._with_call[trace_id] = None
        self._with_call.move_to_end(trace_id)
        if len(self._with_call) > MAX_TRACES:
            self._with_call.popitem(last=False)

    def _drop_trace(self) -> None:
        if self._root_ended:
            self._take(next(iter(self._root_ended)))
            return
        for _ in self._take(next(iter(self._waiting))):
            guard.count("span lost: too many wait for a call in their trace")

    def _take(self, trace_id: int) -> Sequence[_Span]:
        self._root_ended.pop(trace_id, None)
        taken = self._waiting.pop(trace_id, [])
        self._count -= len(taken)
        return taken
