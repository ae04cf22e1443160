"""Failpoints: every call from our code into the system is a seam, and at any of them a fault can be let in.

The seams are put about the system's functions from outside, in a program of the tests. `src` knows nothing of them.

`SPANCAST_FAIL=17:before:kill` says what happens at the seventeenth seam that is passed: `before` or `after` the call
behind it, `kill` the process, or `raise` the error of a disk that fails; `17:half:kill` writes half of what was to be
written first. Without the variable nothing happens, and `passed` says which seams there were.
"""

import errno
import fcntl
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

VARIABLE = "SPANCAST_FAIL"
_OF_THE_SYSTEM = ("open", "write", "close", "dup", "rename", "unlink", "mkdir", "ftruncate", "fdatasync", "fsync")


@dataclass(frozen=True)
class Fault:
    at: int
    """Which seam, counted from 1; 0 is none."""
    when: str = "before"
    how: str = "kill"

    @classmethod
    def of_the_environment(cls) -> "Fault":
        at, when, how = os.environ.get(VARIABLE, "0:before:kill").split(":")
        return cls(int(at), when, how)


class Failpoints:
    def __init__(self, fault: Fault) -> None:
        self.passed: list[str] = []
        self.fault = fault
        self._on = False

    def install(self) -> None:
        """Put the seams in: to be called before Spancast is imported, which keeps some of the functions."""
        for name in _OF_THE_SYSTEM:
            setattr(os, name, self._seam(name, getattr(os, name)))
        fcntl.flock = self._seam("flock", fcntl.flock)  # type: ignore[assignment]
        connect, seams = sqlite3.connect, self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
                return seams.through(f"sql {sql.split(maxsplit=1)[0]}", super().execute, sql, *more)

            def executemany(self, sql: str, *more: Any) -> sqlite3.Cursor:
                return seams.through(f"sql many {sql.split(maxsplit=1)[0]}", super().executemany, sql, *more)

            def executescript(self, sql: str) -> sqlite3.Cursor:
                return seams.through("sql script", super().executescript, sql)

        sqlite3.connect = lambda *args, **kwargs: connect(*args, **kwargs, factory=Connection)  # type: ignore[assignment]

    def __enter__(self) -> Self:
        """Begin to count."""
        self.passed.clear()
        self._on = True
        return self

    def __exit__(self, *_: object) -> None:
        self._on = False

    def through(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._on:
            return function(*args, **kwargs)
        self.passed.append(name)
        here = len(self.passed) == self.fault.at
        if here and self.fault.when == "half" and name == "write":
            args = (args[0], args[1][: len(args[1]) // 2])
        closes = name == "close" and self.fault.how == "raise"  # Linux closes even where it reports an error
        if here and self.fault.when == "before" and not closes:
            self._strike(name)
        result = function(*args, **kwargs)
        if here and (self.fault.when != "before" or closes):
            self._strike(name)
        return result

    def _seam(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: self.through(name, function, *args, **kwargs)

    def _strike(self, name: str) -> None:
        if self.fault.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("sql"):
            raise sqlite3.OperationalError("disk I/O error")
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(Path.cwd()))
