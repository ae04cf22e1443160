"""The command with its output read through a pipe, line by line."""

import signal
from typing import Self

from tests.bookkeeping.records import python

COMMAND = "import sys; from spancast.cli import main; sys.exit(main())"


class Pipe:
    """A program of ours that writes to a pipe."""

    def __init__(self, *arguments: object) -> None:
        self._process = python(COMMAND, *arguments)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output, self._complaints = self._process.stdout, self._process.stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.__exit__(None, None, None)

    def line(self) -> str:
        """Return the next line, once it is printed."""
        return self._output.readline()

    def complaint(self) -> str:
        """Return the next line of what it complains of."""
        return self._complaints.readline()

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C; return the exit status, and what was printed and complained of since."""
        self._process.send_signal(signal.SIGINT)
        printed, complaints = self._process.communicate(timeout=60)
        return self._process.returncode, printed, complaints

    def leave(self) -> tuple[int, str]:
        """Read no more; return the exit status, and what was complained of."""
        self._output.close()
        self._process.stdout = None
        return self._process.wait(timeout=60), self._complaints.read()
