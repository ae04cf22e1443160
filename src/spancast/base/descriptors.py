"""Long-lived file descriptors in a process whose application may close them and reuse their numbers.

A program that turns into a daemon closes every descriptor it has not opened, and its next files get those numbers. So
code that uses a descriptor which has been open for a while first checks that it still refers to the same file.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

if sys.platform == "win32":

    def duplicate(fd: int) -> int:
        """Return another descriptor of the same open file."""
        return os.dup(fd)

    def above_standard_streams(fd: int) -> int:
        """Return the descriptor; Windows needs nothing done."""
        return fd

else:
    import fcntl

    FIRST_OWN = 3
    """The first number above the standard streams: the host may print to a stream that it has closed before."""

    def duplicate(fd: int) -> int:
        """Return another descriptor of the same open file; executed programs do not inherit it."""
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_OWN)

    def above_standard_streams(fd: int) -> int:
        """Return the descriptor, or a duplicate in its place if it has the number of a standard stream."""
        if fd >= FIRST_OWN:
            return fd
        try:
            return duplicate(fd)
        finally:
            os.close(fd)


class OpenFile(NamedTuple):
    """A file that we opened, and the descriptor it had then, which may refer to another file by now."""

    fd: int
    file: tuple[int, int]
    """Its device and inode."""
    min_size: int = 0
    """The bytes it has at least. A smaller file is another one: inode numbers are reused, too."""

    def size(self) -> int | None:
        """Return the file's size in bytes; `None` if the descriptor is closed or refers to another file."""
        try:
            now = os.fstat(self.fd)
        except OSError:
            return None
        return now.st_size if (now.st_dev, now.st_ino) == self.file else None

    def is_ours(self) -> bool:
        """Whether the descriptor still refers to the file."""
        size = self.size()
        return size is not None and size >= self.min_size

    def close(self) -> None:
        """Close the file, unless its descriptor refers to another one by now."""
        if self.is_ours():
            os.close(self.fd)


def descriptors_of(paths: Iterable[Path]) -> frozenset[OpenFile]:
    """Return all descriptors of these files in this process, whoever opened them; none where it cannot list its own."""
    files: set[tuple[int, int]] = set()
    for path in paths:
        with suppress(OSError):
            there = path.stat()
            files.add((there.st_dev, there.st_ino))
    found = []
    for name in os.listdir(_LISTED) if os.path.isdir(_LISTED) else ():  # noqa: PTH112, PTH208 - numbers, no paths
        with suppress(OSError):  # the listing's own descriptor is closed by now
            found.append(identify(int(name)))
    return frozenset(each for each in found if each.file in files)


_LISTED = "/dev/fd"
"""Lists this process's descriptors, on Linux and on macOS."""


def identify(fd: int) -> OpenFile:
    """Return the file that a descriptor refers to now."""
    now = os.fstat(fd)
    return OpenFile(fd, (now.st_dev, now.st_ino))
