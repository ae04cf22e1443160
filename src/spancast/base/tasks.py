"""The identity of the running task, or of the thread outside of any event loop."""

import asyncio
import sys
import threading
from asyncio import events


def current_id() -> int:
    """Return a number that tells the current task, or thread, from all others that live at the same time."""
    if events._get_running_loop() is not None:  # noqa: SLF001 - in `__all__`; without a loop, `current_task` raises
        return id(asyncio.current_task())
    task = _trio_task() if "trio" in sys.modules else None
    return threading.get_ident() if task is None else id(task)


def _trio_task() -> object:
    """Return the current task of trio; `None` where trio does not run, or is being imported."""
    try:
        return sys.modules["trio"].lowlevel.current_task()
    except (RuntimeError, AttributeError):
        return None
