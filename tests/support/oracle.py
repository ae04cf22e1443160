"""What a program has done, told in a way that survives any death of it: marks in a file mapped into its memory.

A mark costs a copy into memory and, until a file is full, no system call. Each process, also a forked one, has files
of its own, and one of them in its memory. It imports nothing, so that a program in any environment can use it.
"""

import mmap
import os
import threading
from pathlib import Path

SLOT = 64
"""Bytes of a mark; a longer key is cut."""
SLOTS = 16_384
"""Marks of a file: a megabyte, which is all that a process ever holds, for however long it makes marks."""


class Oracle:
    """The marks of this process, in a folder that several share."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pid = 0
        self._lock = threading.Lock()
        with self._lock:
            self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._unlock)

    def _unlock(self) -> None:
        """Have a lock of its own in a forked child: another thread may have had the parent's."""
        self._lock = threading.Lock()

    def _begin(self) -> None:
        self._next = 0
        pid = os.getpid()
        path = self._folder / f"{pid}-{os.urandom(4).hex()}.marks"
        with path.open("w+b") as file:
            file.truncate(SLOT * SLOTS)
            self._map = mmap.mmap(file.fileno(), SLOT * SLOTS)
        self._pid = pid

    def mark(self, what: str, key: object) -> None:
        """Note that something was done: "emitted", say, of "u_17"."""
        text = f"{what} {key}".encode()[:SLOT]
        with self._lock:
            if self._pid != os.getpid() or self._next == SLOTS:
                self._begin()
            at = self._next * SLOT
            self._next += 1
            self._map[at : at + SLOT] = text.ljust(SLOT, b"\0")


def marks(folder: str | Path, what: str) -> list[str]:
    """Return the keys of all marks of one kind, of every process."""
    found = []
    for path in sorted(Path(folder).glob("*.marks")):
        with path.open("rb") as file:
            while slot := file.read(SLOT).rstrip(b"\0"):
                kind, _, key = slot.decode(errors="replace").partition(" ")
                if kind == what:
                    found.append(key)
    return found
