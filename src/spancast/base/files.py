"""Files that others may have had a hand in: what is read has an end, and what is written is for its owner's eyes."""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from spancast.errors import SpancastError


def read(path: Path, most: int = -1) -> bytes:
    """Return what a regular file holds, or the first bytes of it; raise `OSError` where it is none, or cannot be read.

    A pipe would keep whoever opens it waiting, and a device may have no end. What was opened is looked at, and not the
    name, under which there may be something else by then.
    """
    fd = os.open(path, _READ)
    try:
        _be_regular(path, os.fstat(fd).st_mode)
        with open(fd, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(fd)


_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"))


def stranger(path: Path) -> int | None:
    """Return the other user whose file or folder it is, or who has put a symbolic link there; `None` for one of ours.

    Ours is what belongs to this process's user, to whoever owns the folder that it lies in, which may be a folder that
    anybody can write to, or to root, who has no need of such a way in.
    """
    if sys.platform == "win32":
        return None
    owners = {owner for owner in (_owner(path, follow=False), _owner(path)) if owner is not None}
    return next(iter(owners - {os.geteuid(), 0, _owner(path.parent)}), None)


def claim(path: Path) -> None:
    """Make the file, for its owner's eyes only; raise where what is there is not ours to use, or is no file.

    One that exists is not opened, not even to look: closing it would drop the POSIX locks that this process's other
    connections hold on it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        _make(path)
    except FileExistsError:
        be_ours(path)
        if path.is_symlink():
            with suppress(FileExistsError):
                _make(Path(os.path.realpath(path)))
        _be_regular(path, path.stat().st_mode)
        narrow(path)


def be_ours(path: Path) -> None:
    """Raise `SpancastError` for what another user has put there, who could read what is written to it."""
    owner = stranger(path)
    if owner is not None:
        raise SpancastError(
            f"{path} belongs to another user ({owner}), who could read and change what is written to it. Remove it, or "
            "point SPANCAST_HOME at a directory that only this user can write to."
        )


def narrow(path: Path) -> None:
    """Close to others what is this user's own and is open to them, as after a copy under another umask."""
    with suppress(OSError):  # it is gone, or lies where nothing can be changed
        found = path.stat()
        if sys.platform != "win32" and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


_OTHERS = 0o077
"""What a mode allows the group and everybody."""


def _make(path: Path) -> None:
    os.close(os.open(path, _NEW, 0o600))


_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def _be_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENXIO, "It is no regular file", str(path))


def _owner(path: Path, *, follow: bool = True) -> int | None:
    try:
        return path.stat(follow_symlinks=follow).st_uid
    except OSError:  # it is gone, or cannot be looked at, and then not be opened either
        return None
