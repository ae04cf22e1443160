"""Whether this thread is inside the garbage collector.

A finalizer may run in the midst of anything, under any lock. One that the collector runs says that nobody wanted the
answer any more; the same one run by a `break` says that the application left its loop.
"""

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_thread: int | None = None


def listen() -> None:
    """Be told of collections, until `leave` has been called as often."""
    gc.callbacks.append(_note)


def leave() -> None:
    """Undo one `listen`, unless the application has: the list is everybody's, and may have been emptied."""
    with suppress(ValueError):
        gc.callbacks.remove(_note)


def collecting() -> bool:
    """Return whether this thread is inside the garbage collector."""
    return _thread == threading.get_ident()


def _note(phase: str, _info: dict[str, Any], here: Callable[[], int] = threading.get_ident) -> None:
    """Take note of a start or a stop; `here` is bound, for a collection after this module has been torn down."""
    global _thread  # noqa: PLW0603 - a process has one collector
    _thread = here() if phase == "start" else None
