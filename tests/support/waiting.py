"""Waiting for what a thread, a process or a server does in its own time."""

import inspect
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any, TypeVar

Found = TypeVar("Found")
PATIENCE = 20.0
"""Seconds that are waited where a test says nothing else."""
SOON, SELDOM = 0.005, 0.2
"""Seconds between two looks: at first, and at most. The longer it takes, the more seldom is it looked."""


def eventually(
    look: Callable[[], Found | None],
    seconds: float = PATIENCE,
    *,
    by: Popen[Any] | None = None,
    telling: Callable[[], object] = str,
) -> Found:
    """Look until what is found is true, and return it; fail where that takes longer than so many seconds.

    Once the process is dead that is to bring it about, which is `by`, the wait is over, too. The failure says what was
    looked for and for how long, what was found last, and what `telling` returns then, such as a server's log.
    """
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        if by is not None and by.poll() is not None:
            raise AssertionError(f"the process ended, with {by.returncode}, before {_told(look, found, telling)}")
        if waited >= seconds:
            raise AssertionError(f"in {waited:.1f} seconds, of {seconds:g}, not {_told(look, found, telling)}")
        time.sleep(min(max(SOON, waited / 20), SELDOM, seconds - waited))
    return found


def _told(look: Callable[[], object], found: object, telling: Callable[[], object]) -> str:
    try:
        wanted = inspect.getsource(look).strip()
    except (OSError, TypeError):  # it is no function, or was made where there is no file
        wanted = repr(look)
    return f"{wanted}\nfound last: {found!r}\n{telling()}".rstrip()
