"""Where a function is called: in which thread or, where a loop runs there, in which of its tasks."""

import asyncio
import threading
from asyncio import events


def here() -> int:
    """Return what tells this thread, or the task it is in, from others that live at the same time."""
    if events._get_running_loop() is None:  # noqa: SLF001 - in the module's `__all__`; to ask for the task raises here
        return threading.get_ident()
    return id(asyncio.current_task())
