"""What has to begin anew in a forked child, and what no fork may fall into: one list and one gate, whoever forks.

Python tells of the forks that it makes itself. A server written in C, such as uWSGI, forks its workers without a word:
for those, what runs on the caller's thread looks at the process's number now and then (`notice`).
"""

import itertools
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from types import MethodType, TracebackType
from typing import Any

PATIENCE = 1.0
"""Seconds that a fork waits for what it should not fall into; the application is held up no longer."""

_children: "dict[int, tuple[weakref.ref[Any] | None, Callable[..., None]]]" = {}
"""What is called, in order; of a method, the object beside it."""
_numbers = itertools.count()
_pid = os.getpid()


def in_child(begin_anew: Callable[[], None]) -> None:
    """Have this called in every forked child, in the order of registration, before anything else of ours is.

    A method keeps no object alive: it is called for as long as there is one.
    """
    number, children = next(_numbers), _children  # bound: an object may go when this module has been torn down
    if isinstance(begin_anew, MethodType):
        owner = weakref.ref(begin_anew.__self__, lambda _: children.pop(number, None))
        children[number] = owner, begin_anew.__func__
    else:
        children[number] = None, begin_anew


def around(before: Callable[[], None], after_in_parent: Callable[[], None]) -> None:
    """Have these called when a thread forks that waits for nothing any more, and in the parent when it has forked."""
    _around.append((before, after_in_parent))


_around: list[tuple[Callable[[], None], Callable[[], None]]] = []


def notice() -> None:
    """Begin anew, if this process was forked since and nobody has said so."""
    if os.getpid() != _pid:
        _in_child()


def process() -> int:
    """Return the number of this process."""
    notice()
    return _pid


class _Gate:
    """Who is inside what no fork may fall into, and whether a thread is forking."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.inside: Counter[int] = Counter()

    def others_are_inside(self) -> bool:
        return any(count for thread, count in self.inside.items() if thread != threading.get_ident())


_gate = _Gate()


class Unforked:
    """A block that no fork of another thread falls into, such as one that uses a library with locks of its own.

    It may be entered again by the same thread. A fork waits for it, for `PATIENCE` seconds at most.
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
    _gate.changed.wait_for(lambda: not _gate.others_are_inside(), PATIENCE)
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
    for ref, begin_anew in list(_children.values()):
        owner = None if ref is None else ref()
        try:
            if ref is None:
                begin_anew()
            elif owner is not None:
                begin_anew(owner)
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others from it
            errors.append(error)
    if errors:
        raise errors[0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
