"""The segment that this process appends to, and earlier ones that are not synced to disk yet.

A segment is created under a name that drainers ignore, and gets its own, `<writer>-<number>.seg`, once its lock is
held. The operating system releases the lock when the process dies or closes the file; a segment that can be locked has
no writer.

The application may close the descriptor, too, and reuse its number for a file or a socket of its own. So every
operation first checks that the descriptor is still ours; if it is not, it belongs to the application, and records go to
a new segment.
"""

import errno
import os
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from spancast.base import descriptors, files, folders, locks
from spancast.base.descriptors import OpenFile
from spancast.delivery.journal import frame

ROTATE_BYTES = 16 * 1024 * 1024
"""The size from which records go to a new segment."""


class Segments:
    """The segments of one process. All methods but `sync_names` need the journal's lock."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        """Write into `folder`; with `durable`, a record survives a loss of power once `write` returns."""
        self.writer = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        """The first part of the names of this process's segments."""
        self.fd: int | None = None
        self.size = 0
        """Bytes of the current segment."""
        self._folder = folder
        self._durable = durable
        self._number = 0
        self._synced = 0
        self._unsynced: list[OpenFile] = []
        self._syncing: set[OpenFile] = set()
        self._has_new_name = False
        self._file = (0, 0)
        self._path = folder

    def write(self, framed: bytes) -> None:
        """Append a record; raise `OSError` if it cannot be written, and then leave no part of it."""
        fd = self.fd
        if fd is not None:
            try:  # a cheap check, since every call waits for it: the position is where the last write ended
                if os.lseek(fd, 0, os.SEEK_CUR) != self.size:
                    fd = self._checked()
            except OSError:
                fd = self._checked()
        if fd is None or self.size >= ROTATE_BYTES:
            fd = self._next()
        written = os.write(fd, framed)
        self.size += written
        if written < len(framed):
            self._cut_off(written)
            raise OSError(errno.ENOSPC, f"{written} of {len(framed)} bytes were written")
        if self._durable:
            sync(fd)
            self._synced = self.size
            self.sync_names()

    def change_folder(self, folder: Path) -> None:
        """Create the next segment in another folder."""
        self._folder = folder

    def touch(self) -> None:
        """Do something harmless on the file system, whose response can be timed, if there is a segment."""
        current = self._current()
        if current is not None:
            with suppress(OSError):
                os.utime(current.fd)

    def schedule_sync(self) -> None:
        """Schedule a sync of what was written to the current segment since the last one."""
        current = self._current() if self.size != self._synced else None
        if current is not None:
            self._unsynced.append(current._replace(fd=descriptors.duplicate(current.fd)))
            self._synced = self.size

    def next_to_sync(self) -> OpenFile | None:
        """Return the next file to sync, and then to pass to `finish_sync`; `None` if there is none."""
        if not self._unsynced:
            return None
        file = self._unsynced.pop(0)
        self._syncing.add(file)
        return file

    def finish_sync(self, file: OpenFile) -> None:
        """Close a file that was synced."""
        self._syncing.discard(file)
        file.close()

    def sync_names(self) -> None:
        """Make the names of new segments, and of the folders above them, survive a loss of power."""
        if self._has_new_name:
            self._has_new_name = False
            for folder in (self._folder, self._folder.parent, self._folder.parent.parent):
                folders.sync(folder)

    def renew_lost_segment(self) -> None:
        """Give up a segment that was deleted or moved; replace one whose descriptor the application has closed.

        Without a locked segment this writer would seem dead, and its calls in progress killed.
        """
        if self.fd is None:
            return
        current = self._current()
        if current is None:
            with suppress(OSError):  # the next record tries again
                self._next()
        elif not self._has_name():
            self.fd = None
            current.close()

    def close(self) -> None:
        """Close all segments, so that any drainer can take them over."""
        self._close(self._unsynced)

    def close_inherited(self) -> None:
        """Close the segments that a forked child inherited from its parent."""
        self._close([*self._unsynced, *self._syncing])

    def _close(self, earlier: Iterable[OpenFile]) -> None:
        """Close earlier segments and the current one."""
        current = self._current()
        every = [*earlier, *([] if current is None else [current])]
        self._unsynced, self.fd = [], None
        for file in every:
            with suppress(OSError):  # the others must be closed all the same
                file.close()

    def _current(self) -> OpenFile | None:
        """Return the current segment; `None` if there is none, or its descriptor refers to another file by now.

        The system reuses the inode number of a removed file: a file of unexpected size, without the segment's name, is
        a new file of the application.
        """
        if self.fd is None:
            return None
        file = OpenFile(self.fd, self._file)
        size = file.size()
        if size is None or (size != self.size and not self._has_name()):
            return None
        return file._replace(min_size=size)

    def _has_name(self) -> bool:
        """Whether the current segment still has its name; assumed if this process may not look any more."""
        try:
            there = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return (there.st_dev, there.st_ino) == self._file

    def _checked(self) -> int | None:
        """Return the current segment's descriptor and update its size; `None` if the descriptor is not ours now."""
        current = self._current()
        if current is None:
            self.fd = None
        else:
            self.size = current.min_size
        return self.fd

    def _cut_off(self, written: int) -> None:
        """Remove a partial record from the end, so that the next one follows the last whole one."""
        current = self._current()
        if current is not None:
            try:
                os.ftruncate(current.fd, current.min_size - written)
            finally:
                self.size = current.size() or self.size

    def _next(self) -> int:
        before = self._current()
        fd = self._create()
        if before is not None:
            self._unsynced.append(before)  # closed after its sync, which releases its lock
        self.fd, self.size, self._synced = fd, len(frame.HEADER), 0
        return fd

    def _create(self) -> int:
        folders.private(self._folder)
        owner = files.foreign_owner(self._folder)
        if owner is not None:
            raise PermissionError(errno.EACCES, f"belongs to another user ({owner})", str(self._folder))
        files.restrict(self._folder)
        self._number += 1
        path = self._folder / f"{self.writer}-{self._number:06d}.seg"
        unready = path.with_suffix(".new")
        fd = descriptors.above_standard_streams(os.open(unready, _NEW, 0o600))
        files.open_to_owner(fd)
        try:
            if not locks.try_lock(fd) or os.write(fd, frame.HEADER) < len(frame.HEADER):
                raise OSError(errno.EIO, "could not be created", str(unready))  # noqa: TRY301 - like the calls above
            unready.rename(path)
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                unready.unlink()
            raise
        self._has_new_name = True
        self._file, self._path = descriptors.identify(fd).file, path
        return fd


_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only the second
