"""Reading and creating files that other users may have tampered with: bounded reads, private files."""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from spancast.errors import SpancastError


def read(path: Path, max_bytes: int = -1) -> bytes:
    """Return the first `max_bytes` bytes of a regular file, or all of it.

    The check is made on the open descriptor, since the path may lead elsewhere by then.

    Raises:
        OSError: The file cannot be read, or is not a regular one: opening a pipe may block, a device may never end.
    """
    fd = os.open(path, _READ)
    try:
        _require_regular(path, os.fstat(fd).st_mode)
        with open(fd, "rb", closefd=False) as file:
            return file.read(max_bytes)
    finally:
        os.close(fd)


_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"))


def foreign_owner(path: Path) -> int | None:
    """Return the id of another user who owns the file or folder, or a symbolic link to it; `None` if it is ours.

    It is ours if it belongs to this process's user, to the owner of its parent folder (which anybody may be able to
    write to), or to root, who needs no such way in.
    """
    if sys.platform == "win32":
        return None
    owners = {owner for owner in (_owner(path, follow=False), _owner(path)) if owner is not None}
    return next(iter(owners - {os.geteuid(), 0, _owner(path.parent)}), None)


def claim(path: Path) -> None:
    """Create the file with mode 0600 if there is none; raise if what is there is not ours or not a regular file.

    An existing file is never opened, not even to check it: closing it would drop the POSIX locks that this process's
    other connections hold on it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        _create(path)
    except FileExistsError:
        require_ours(path)
        if path.is_symlink():
            with suppress(FileExistsError):
                _create(Path(os.path.realpath(path)))
        _require_regular(path, path.stat().st_mode)
        restrict(path)


def require_ours(path: Path) -> None:
    """Raise `SpancastError` if another user owns the path, and could read what is written to it."""
    owner = foreign_owner(path)
    if owner is not None:
        raise SpancastError(
            f"{path} belongs to another user ({owner}), who could read and change what is written to it. Remove it, or "
            "point SPANCAST_HOME at a directory that only this user can write to."
        )


def restrict(path: Path) -> None:
    """Make a file of this user's private again, after a copy under another umask, say."""
    with suppress(OSError):  # it is gone, or the file system allows no change
        found = path.stat()
        if sys.platform != "win32" and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


_OTHERS = 0o077
"""The bits of a mode for the group and others."""


def open_to_owner(fd: int) -> None:
    """Let its owner read and write a file that was just created, which a umask such as 0777 would deny."""
    if sys.platform != "win32" and os.fstat(fd).st_mode & _OWNER != _OWNER:
        with suppress(OSError):  # it is another user's, or the file system allows no change
            os.fchmod(fd, 0o600)


_OWNER = 0o600
"""The bits of a mode with which its owner may read and write."""


def _create(path: Path) -> None:
    fd = os.open(path, _NEW, 0o600)
    try:
        open_to_owner(fd)
    finally:
        os.close(fd)


_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENXIO, "It is not a regular file", str(path))


def _owner(path: Path, *, follow: bool = True) -> int | None:
    try:
        return path.stat(follow_symlinks=follow).st_uid
    except OSError:  # it is gone, or may not be inspected, and then not be opened either
        return None
