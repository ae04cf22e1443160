"""Descriptors that stay open, in a process whose application may close any of them and have the number for itself.

A daemon closes whatever it has not opened, and what it opens next has the numbers of ours. So whoever is about to do
something to a file that has been open for a while looks first whether it is that file yet.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

if sys.platform == "win32":

    def doubled(fd: int) -> int:
        """Return another descriptor of the same open file."""
        return os.dup(fd)

    def lifted(fd: int) -> int:
        """Return the descriptor; there is nothing to do here."""
        return fd

else:
    import fcntl

    FIRST = 3
    """The first number that is no standard stream's: what the host writes to one that it has closed is not for us."""

    def doubled(fd: int) -> int:
        """Return another descriptor of the same open file, which no program that is run inherits."""
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST)

    def lifted(fd: int) -> int:
        """Return the descriptor, or another in its place where it has the number of a standard stream."""
        if fd >= FIRST:
            return fd
        try:
            return doubled(fd)
        finally:
            os.close(fd)


class Held(NamedTuple):
    """A file of ours, under a number that may be another's by now."""

    fd: int
    file: tuple[int, int]
    """Its device and inode."""
    least: int = 0
    """Bytes that it has at least: the number of an inode is given away again, too, with another file."""

    def size(self) -> int | None:
        """Return how many bytes it has; `None` where the descriptor is another's by now, or nobody's."""
        try:
            now = os.fstat(self.fd)
        except OSError:
            return None
        return now.st_size if (now.st_dev, now.st_ino) == self.file else None

    def is_ours(self) -> bool:
        """Whether the descriptor is still that of the file."""
        size = self.size()
        return size is not None and size >= self.least

    def close(self) -> None:
        """Close the file; what has taken its number is left alone."""
        if self.is_ours():
            os.close(self.fd)


def open_now(paths: Iterable[Path]) -> frozenset[Held]:
    """Return every descriptor that this process has of these files, whoever opened it, where it can list its own."""
    files: set[tuple[int, int]] = set()
    for path in paths:
        with suppress(OSError):
            there = path.stat()
            files.add((there.st_dev, there.st_ino))
    found = []
    for name in os.listdir(_LISTED) if os.path.isdir(_LISTED) else ():  # noqa: PTH112, PTH208 - numbers, no paths
        with suppress(OSError):  # that of the listing itself is closed by now
            found.append(held(int(name)))
    return frozenset(each for each in found if each.file in files)


_LISTED = "/dev/fd"
"""Lists this process's descriptors, on Linux and on macOS."""


def held(fd: int) -> Held:
    """Return what is open under a number now."""
    now = os.fstat(fd)
    return Held(fd, (now.st_dev, now.st_ino))
