"""Where a function is called: in which thread or, where a loop runs there, in which of its tasks."""

import asyncio
import sys
import threading
from asyncio import events


def here() -> int:
    """Return what tells this thread, or the task it is in, from others that live at the same time."""
    if events._get_running_loop() is not None:  # noqa: SLF001 - in the module's `__all__`; to ask for the task raises here
        return id(asyncio.current_task())
    task = _trios() if "trio" in sys.modules else None
    return threading.get_ident() if task is None else id(task)


def _trios() -> object:
    """Return the task of trio's; `None` where trio does not run, or is being imported."""
    try:
        return sys.modules["trio"].lowlevel.current_task()
    except (RuntimeError, AttributeError):
        return None
