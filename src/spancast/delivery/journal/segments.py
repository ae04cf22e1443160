"""The segment that this process appends to, and those before it that the disk is still owed.

A segment is made under a name that no drainer looks at, and gets its own, `<writer>-<number>.seg`, once its lock is
held. The operating system gives the lock up when the process dies, or closes the file; a segment that can be locked has
no writer.

The application may close the file, too, which then has no writer, and have its number for a file or a socket of its
own. So nothing is done to a descriptor before it is seen to be ours; one that is not is left to the application, and
what comes goes into a new segment.
"""

import errno
import os
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from spancast.base import descriptors, files, folders, locks
from spancast.base.descriptors import Held
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
        self._owed: list[Held] = []
        self._syncing: set[Held] = set()
        self._unlisted = False
        self._file = (0, 0)
        self._path = folder

    def write(self, framed: bytes) -> None:
        """Append; raise `OSError` where that cannot be, and leave no part of it."""
        fd = self.fd
        if fd is not None:
            try:  # where the last write has ended: every call waits for this, and more is looked at behind its back
                if os.lseek(fd, 0, os.SEEK_CUR) != self.size:
                    fd = self._looked_at_again()
            except OSError:
                fd = self._looked_at_again()
        if fd is None or self.size >= ROTATE_AT:
            fd = self._next()
        written = os.write(fd, framed)
        self.size += written
        if written < len(framed):
            self._cut_off(written)
            raise OSError(errno.ENOSPC, f"{written} of {len(framed)} bytes were written")
        if self._durable:
            sync(fd)
            self._synced = self.size
            self.list()

    def go_on_in(self, folder: Path) -> None:
        """Have the next segment made in another folder."""
        self._folder = folder

    def touch(self) -> None:
        """Have the file system do something that costs nothing, if there is a segment."""
        held = self._held()
        if held is not None:
            with suppress(OSError):
                os.utime(held.fd)

    def owe(self) -> None:
        """Take note of what was written since the last time."""
        held = self._held() if self.size != self._synced else None
        if held is not None:
            self._owed.append(held._replace(fd=descriptors.doubled(held.fd)))
            self._synced = self.size

    def take_owed(self) -> Held | None:
        """Return a file that is to be synced, and then given to `paid`; `None` where nothing is owed any more."""
        if not self._owed:
            return None
        held = self._owed.pop(0)
        self._syncing.add(held)
        return held

    def paid(self, held: Held) -> None:
        """Close a file that was synced."""
        self._syncing.discard(held)
        held.close()

    def list(self) -> None:
        """Make the names of new segments, and of the folders they lie in, safe from a loss of power."""
        if self._unlisted:
            self._unlisted = False
            for folder in (self._folder, self._folder.parent, self._folder.parent.parent):
                folders.sync(folder)

    def leave_what_is_gone(self) -> None:
        """Leave the segment where it was deleted or moved; begin a new one where another has closed it.

        Without one its writer would seem dead, and the calls that are under way killed.
        """
        if self.fd is None:
            return
        held = self._held()
        if held is None:
            with suppress(OSError):  # the next record tries again
                self._next()
        elif not self._is_named():
            self.fd = None
            held.close()

    def give_back(self) -> None:
        """Close all; whichever process drains them has them now."""
        self._close(self._owed)

    def let_go(self) -> None:
        """Close what a forked child has inherited: the segments are its parent's."""
        self._close([*self._owed, *self._syncing])

    def _close(self, before: Iterable[Held]) -> None:
        """Close some segments, and the one in use."""
        now = self._held()
        every = [*before, *([] if now is None else [now])]
        self._owed, self.fd = [], None
        for held in every:
            with suppress(OSError):  # one that cannot be closed must not keep the others open
                held.close()

    def _held(self) -> Held | None:
        """Return the segment in use; `None` where there is none, or its descriptor is another's by now.

        The system gives the inode of a file that was removed away again: one that has another size than it should, and
        no name, is a new file of the application's.
        """
        if self.fd is None:
            return None
        held = Held(self.fd, self._file)
        size = held.size()
        if size is None or (size != self.size and not self._is_named()):
            return None
        return held._replace(least=size)

    def _is_named(self) -> bool:
        """Whether the segment has its name; where this process may not look any more, it is taken to have it."""
        try:
            there = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return (there.st_dev, there.st_ino) == self._file

    def _looked_at_again(self) -> int | None:
        """Return the segment in use, as large as it is now, or leave its descriptor to whoever has it."""
        held = self._held()
        if held is None:
            self.fd = None
        else:
            self.size = held.least
        return self.fd

    def _cut_off(self, written: int) -> None:
        """Take the part of a record off the end, so that the next one follows the last whole one."""
        held = self._held()
        if held is not None:
            try:
                os.ftruncate(held.fd, held.least - written)
            finally:
                self.size = held.size() or self.size

    def _next(self) -> int:
        before = self._held()
        fd = self._begin()
        if before is not None:
            self._owed.append(before)  # its lock is given up when it is closed, behind the sync
        self.fd, self.size, self._synced = fd, len(frame.HEAD), 0
        return fd

    def _begin(self) -> int:
        folders.private(self._folder)
        stranger = files.stranger(self._folder)
        if stranger is not None:
            raise PermissionError(errno.EACCES, f"belongs to another user ({stranger})", str(self._folder))
        files.narrow(self._folder)
        self._number += 1
        path = self._folder / f"{self.writer}-{self._number:06d}.seg"
        unready = path.with_suffix(".new")
        fd = descriptors.lifted(os.open(unready, _NEW, 0o600))
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
        self._file, self._path = descriptors.held(fd).file, path
        return fd


_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only the second
