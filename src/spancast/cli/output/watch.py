"""A screen that is redrawn every few seconds, until it is interrupted."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence

PERIOD_SECONDS = 2.0
"""Between two frames, by default."""

_HOME, _REST_OF_LINE, _REST_OF_SCREEN, _WHOLE_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"
"""Control sequences (ECMA-48): a line is cleared only as it is overwritten, so that the screen does not flicker."""


def height() -> int:
    """Return the lines of the terminal."""
    return shutil.get_terminal_size().lines


def every(pause: float, frame: Callable[[], Sequence[str]]) -> int:
    """Show frames until Ctrl-C: on a terminal each over the previous one, elsewhere one below the other."""
    is_terminal = sys.stdout.isatty()
    try:
        if is_terminal:
            sys.stdout.write(_WHOLE_SCREEN)
        while True:
            lines = frame()
            sys.stdout.write(_drawn(lines) if is_terminal else "".join(f"{line}\n" for line in lines))
            sys.stdout.flush()
            time.sleep(pause)
    except KeyboardInterrupt:
        return 0


def _drawn(lines: Sequence[str]) -> str:
    """Return a frame as it is drawn over the previous one; a frame taller than the terminal loses its middle."""
    room = max(height() - 1, 3)
    if len(lines) > room:
        lines = [*lines[: room // 2], "...", *lines[len(lines) - (room - room // 2 - 1) :]]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\n" for line in lines) + _REST_OF_SCREEN
