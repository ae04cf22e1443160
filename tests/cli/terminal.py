"""The command on a terminal of its own."""

import os
import select
import signal
import subprocess
import sys
import time
from typing import Self

from tests.bookkeeping.records import ROOT

PATIENCE_SECONDS = 60.0
"""Seconds within which a program must print what it is asked for."""


class Terminal:
    """A program of ours that writes to a pseudo-terminal."""

    def __init__(self, *arguments: object, columns: int = 100, lines: int = 24, **environment: str) -> None:
        import fcntl  # noqa: PLC0415 - POSIX alone has terminals like this
        import pty  # noqa: PLC0415 - the same
        import struct  # noqa: PLC0415 - the same
        import termios  # noqa: PLC0415 - the same

        self._screen, ours = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "spancast", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=ours,
            stderr=subprocess.PIPE,
            env={**kept, "TERM": "xterm", "PYTHONPATH": str(ROOT / "src"), **environment},
        )
        os.close(ours)
        self.printed = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        os.close(self._screen)

    def until(self, wanted: str) -> str:
        """Return all that was printed, once `wanted` is in it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while wanted not in self.printed:
            assert self._read(deadline - time.monotonic()), f"{wanted!r} is not in {self.printed!r}"
        return self.printed

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Read to the end; return the exit status."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._screen], [], [], max(seconds, 0))[0]:
            return False
        try:
            part = os.read(self._screen, 65_536)
        except OSError:  # Linux says EIO when the last writer has gone
            return False
        self.printed += part.decode()
        return bool(part)
