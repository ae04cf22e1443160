"""Forks: callbacks that reset state in the child, and blocks during which no other thread may fork.

Python runs the callbacks for forks that it makes itself. A server written in C, such as uWSGI, forks its workers
without telling Python; for those, code on the caller's thread compares the process id now and then (`detect`).
"""

import itertools
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from types import MethodType, TracebackType
from typing import Any

MAX_WAIT_SECONDS = 1.0
"""How long a fork waits for blocks that it must not interrupt; the application is delayed no longer."""

_children: "dict[int, tuple[weakref.ref[Any] | None, Callable[..., None]]]" = {}
"""The callbacks of the child, in order of registration; a method is stored as its object and its function."""
_numbers = itertools.count()
_pid = os.getpid()


def in_child(reset: Callable[[], None]) -> None:
    """Register a callback for every forked child; it runs in order of registration, before any other code of ours.

    A method does not keep its object alive: its registration ends with the object.
    """
    number, children = next(_numbers), _children  # bound: an object may die after this module has been torn down
    if isinstance(reset, MethodType):
        owner = weakref.ref(reset.__self__, lambda _: children.pop(number, None))
        children[number] = owner, reset.__func__
    else:
        children[number] = None, reset


def around(before: Callable[[], None], after_in_parent: Callable[[], None]) -> None:
    """Register a callback for just before a fork, when the forking thread waits no longer, and one for the parent."""
    _around.append((before, after_in_parent))


_around: list[tuple[Callable[[], None], Callable[[], None]]] = []


def detect() -> None:
    """Run the callbacks of the child if this process was forked without Python's knowledge."""
    if os.getpid() != _pid:
        _in_child()


def pid() -> int:
    """Return the id of this process, after `detect`."""
    detect()
    return _pid


class _Gate:
    """Which threads are inside a `NoFork` block; the lock is held while a thread forks."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.inside: Counter[int] = Counter()

    def others_are_inside(self) -> bool:
        return any(count for thread, count in self.inside.items() if thread != threading.get_ident())


_gate = _Gate()


class NoFork:
    """A block during which no other thread forks, such as one that uses a library with locks of its own.

    Reentrant. A fork waits for the block to end, for `MAX_WAIT_SECONDS` at most.
    """

    def __enter__(self) -> None:
        """Wait until no thread is forking."""
        with _gate.changed:
            _gate.inside[threading.get_ident()] += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let forks happen again."""
        with _gate.changed:
            thread = threading.get_ident()
            left = _gate.inside.pop(thread, 0) - 1
            if left > 0:
                _gate.inside[thread] = left
            _gate.changed.notify_all()


def _before() -> None:
    _gate.changed.acquire()
    _gate.changed.wait_for(lambda: not _gate.others_are_inside(), MAX_WAIT_SECONDS)
    for before, _ in _around:
        before()


def _in_parent() -> None:
    for _, after in _around:
        after()
    _gate.changed.release()


def _in_child() -> None:
    global _pid, _gate
    _pid, _gate = os.getpid(), _Gate()
    errors = []
    for ref, reset in list(_children.values()):
        owner = None if ref is None else ref()
        try:
            if ref is None:
                reset()
            elif owner is not None:
                reset(owner)
        except Exception as error:  # noqa: BLE001 - the other callbacks must run all the same
            errors.append(error)
    if errors:
        raise errors[0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
