"""Whether this thread is inside the garbage collector.

A finalizer may run at any point, under any lock. One that the collector runs means that the application abandoned its
response; the same finalizer run by a `break` means that the application left its loop.
"""

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_thread: int | None = None


def subscribe() -> None:
    """Observe collections, until `unsubscribe` has been called as often."""
    gc.callbacks.append(_observe)


def unsubscribe() -> None:
    """Undo one `subscribe`; the application may have emptied `gc.callbacks` already."""
    with suppress(ValueError):
        gc.callbacks.remove(_observe)


def collecting() -> bool:
    """Return whether this thread is inside the garbage collector."""
    return _thread == threading.get_ident()


def _observe(phase: str, _info: dict[str, Any], get_ident: Callable[[], int] = threading.get_ident) -> None:
    """Record a start or a stop; `get_ident` is bound, for a collection after this module has been torn down."""
    global _thread  # noqa: PLW0603 - a process has one collector
    _thread = get_ident() if phase == "start" else None
