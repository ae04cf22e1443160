"""Something that is shown anew every few seconds, until it is interrupted."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence

from spancast.cli.arguments.seconds import seconds

PERIOD = 2.0
"""Seconds between two frames, unless told otherwise."""

_HOME, _REST_OF_LINE, _REST_OF_SCREEN, _WHOLE_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"
"""Control sequences (ECMA-48): nothing is erased before its place is written to, so that nothing flickers."""


period = seconds(0.1)
"""Reads how many are wanted."""


def height() -> int:
    """Return the lines of the terminal."""
    return shutil.get_terminal_size().lines


def every(pause: float, frame: Callable[[], Sequence[str]]) -> int:
    """Show frames until Ctrl-C: each in the place of the one before on a terminal, each below it elsewhere."""
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
    """Return the frame as a terminal draws it over the one before; what is taller than it loses its middle."""
    room = max(height() - 1, 3)
    if len(lines) > room:
        lines = [*lines[: room // 2], "...", *lines[len(lines) - (room - room // 2 - 1) :]]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\n" for line in lines) + _REST_OF_SCREEN
