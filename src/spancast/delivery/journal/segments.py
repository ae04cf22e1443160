"""The segment that this process appends to, and those before it that the disk is still owed.

A segment is made under a name that no drainer looks at, and gets its own, `<writer>-<number>.seg`, once its lock is
held. The operating system gives the lock up when the process dies, or closes the file; a segment that can be locked has
no writer.
"""

import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from spancast.base import folders, locks
from spancast.delivery.journal import frame

ROTATE_AT = 16 * 1024 * 1024
"""Bytes after which a new segment is begun."""


class Segments:
    """Of one process. Whoever uses it has the journal's lock, but for `sync` and `list`."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        """Write into `folder`; what is `durable` is safe from a loss of power when `write` returns."""
        self.writer = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        """The first part of the names of this process's segments."""
        self.fd: int | None = None
        self.size = 0
        """Bytes of the segment in use."""
        self._folder = folder
        self._durable = durable
        self._number = 0
        self._synced = 0
        self._owed: list[int] = []
        self._syncing: set[int] = set()
        self._unlisted = False
        self._file = (0, 0)
        self._path = folder

    def write(self, framed: bytes) -> None:
        """Append; raise `OSError` where that cannot be, and leave no part of it."""
        fd = self.fd
        if fd is None or self.size >= ROTATE_AT:
            fd = self._next()
        written = os.write(fd, framed)
        if written < len(framed):
            os.ftruncate(fd, self.size)
            raise OSError(errno.ENOSPC, f"{written} of {len(framed)} bytes were written")
        self.size += written
        if self._durable:
            sync(fd)
            self._synced = self.size
            self.list()

    def touch(self) -> None:
        """Have the file system do something that costs nothing, if there is a segment."""
        if self.fd is not None:
            with suppress(OSError):
                os.utime(self.fd)

    def owe(self) -> None:
        """Take note of what was written since the last time."""
        if self.fd is not None and self.size != self._synced:
            self._owed.append(os.dup(self.fd))
            self._synced = self.size

    def take_owed(self) -> int | None:
        """Return a file that is to be synced, and then given to `paid`; `None` where nothing is owed any more."""
        if not self._owed:
            return None
        fd = self._owed.pop(0)
        self._syncing.add(fd)
        return fd

    def paid(self, fd: int) -> None:
        """Close a file that was synced."""
        self._syncing.discard(fd)
        os.close(fd)

    def list(self) -> None:
        """Make the names of new segments, and of the folders they lie in, safe from a loss of power."""
        if self._unlisted:
            self._unlisted = False
            for folder in (self._folder, self._folder.parent, self._folder.parent.parent):
                folders.sync(folder)

    def leave_what_is_gone(self) -> None:
        """Begin a new segment where the one in use was deleted or moved, or closed by one who closes all there are."""
        if self.fd is None:
            return
        try:
            now = os.fstat(self.fd)
        except OSError:
            self.fd = None
            return
        if (now.st_dev, now.st_ino) != self._file:
            self.fd = None  # it is another's by now, and not ours to close
        elif _file_at(self._path) != self._file:
            os.close(self.fd)
            self.fd = None

    def give_back(self) -> None:
        """Close all; whichever process drains them has them now."""
        self.leave_what_is_gone()
        self._close(self._owed)

    def let_go(self) -> None:
        """Close what a forked child has inherited: the segments are its parent's."""
        self._close([*self._owed, *self._syncing])

    def _close(self, before: Sequence[int]) -> None:
        """Close some segments, and the one in use."""
        fds = [*before, *([] if self.fd is None else [self.fd])]
        self._owed, self.fd = [], None
        for fd in fds:
            with suppress(OSError):  # one that is closed already must not keep the others open
                os.close(fd)

    def _next(self) -> int:
        fd = self._begin()
        if self.fd is not None:
            self._owed.append(self.fd)  # its lock is given up when it is closed, behind the sync
        self.fd, self.size, self._synced = fd, len(frame.HEAD), 0
        return fd

    def _begin(self) -> int:
        folders.private(self._folder)
        self._number += 1
        path = self._folder / f"{self.writer}-{self._number:06d}.seg"
        unready = path.with_suffix(".new")
        fd = os.open(unready, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if not locks.try_lock(fd) or os.write(fd, frame.HEAD) < len(frame.HEAD):
                raise OSError(errno.EIO, "could not be begun", str(unready))  # noqa: TRY301 - as of the calls before it
            unready.rename(path)
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                unready.unlink()
            raise
        self._unlisted = True
        begun = os.fstat(fd)
        self._file, self._path = (begun.st_dev, begun.st_ino), path
        return fd


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only the second
