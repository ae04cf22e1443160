"""Where the records of this machine lie, and where instead, when that place cannot be trusted with them.

A place has to be written to, locked by `flock`, and on a local file system, since SQLite's log needs memory that all
who use it share. It has to be this user's own, and no symbolic link, so that nobody else chooses where records go.
"""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spancast.base import files

if sys.platform != "win32":
    import fcntl

NETWORK = frozenset(
    "afs beegfs ceph cifs coda fuse.ceph fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs gfs2 glusterfs "  # noqa: SIM905 - two lines, not thirty
    "gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb2 smb3 smbfs".split()
)
"""File systems that several machines may have mounted at once, by the names that Linux gives them."""

_NO_LOCKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK)


@dataclass(frozen=True, slots=True)
class Home:
    """The directory to use; `None` where there is none. `instead_of` says what was wanted, and why it is not used."""

    path: Path | None
    instead_of: str | None = None


def usable(wanted: Path) -> Home:
    """Return the wanted directory, or another that this user's processes all find, where it cannot be used."""
    why = refusal(wanted)
    if why is None:
        return Home(wanted)
    return Home(next((path for path in _others() if refusal(path) is None), None), f"{wanted} {why}")


def refusal(home: Path) -> str | None:
    """Return why a directory cannot be used, in words that follow its name; `None` when it can, or can be made."""
    if not home.is_absolute():
        return "is no absolute path, since this user has no home directory"
    why = _refusal_of(home) or _refusal_of(home / "journal") or _planted(home)
    if why is not None:
        return why
    existing = next(each for each in (home, *home.parents) if os.path.lexists(each))
    return _refusal_of_place(existing) or (None if (home / "journal").exists() else _refusal_to_make(existing))


def user() -> int | None:
    """Return whose this process is; `None` where it stays its user's for as long as it lives."""
    return None if sys.platform == "win32" else os.geteuid()


def _others() -> Iterator[Path]:
    """Yield where else records can lie: a folder of this user's own, on a disk or in memory."""
    name = "spancast" if user() is None else f"spancast-{user()}"
    with suppress(FileNotFoundError):  # there is no directory for temporary files at all
        yield Path(tempfile.gettempdir()) / name
    yield Path("/dev/shm") / name  # noqa: S108 - its owner is looked at


def _refusal_of(folder: Path) -> str | None:
    """Return what is wrong with a folder of ours, if it is there."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link; name the directory itself"
    if not stat.S_ISDIR(found.st_mode):
        return "is no directory"
    if sys.platform != "win32" and found.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user ({found.st_uid}); name a directory inside it, or change its owner"
    return None


def _planted(home: Path) -> str | None:
    """Return which file that is not for us lies where ours would.

    Anybody can put one where anybody can write, and root may have been the first to run a program there.
    """
    for path in (path for name in _FILES for path in sorted(home.glob(name))):
        owner = files.stranger(path)
        if owner is not None:
            return f"has a {path.name} of another user's ({owner}), who could read what is written to it; remove it"
        if not os.access(path, _USED, effective_ids=_EFFECTIVE):
            return f"has a {path.name} that this user cannot read and write; remove it, or change its owner"
    return None


_USED = os.R_OK | os.W_OK
_EFFECTIVE = os.access in os.supports_effective_ids
_FILES = ("journal", "*.db", "*.db-wal", "*.db-shm", "*.lock", "prices.json")
"""What files of ours are called that lie in a home."""


def _refusal_of_place(existing: Path) -> str | None:
    """Return what is wrong with the nearest folder that exists."""
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"cannot be written ({existing} is read-only for this process)"
    kind = _file_system(existing)
    if kind in NETWORK:
        return f"lies on a network file system ({kind})"
    return None if sys.platform == "win32" or _locks(existing) else "lies on a file system without locks (flock)"


def _refusal_to_make(existing: Path) -> str | None:
    """Return why no folder can be made in one that says it can be written: /proc says so, and a full quota.

    One of another name is tried: other processes may be making the very folder that is wanted.
    """
    try:
        Path(tempfile.mkdtemp(prefix=".spancast-", dir=existing)).rmdir()
    except OSError as error:
        return f"cannot be made in {existing} ({error.strerror})"
    return None


def _locks(folder: Path) -> bool:
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return True  # nothing is known against it
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    finally:
        os.close(fd)
    return True


def _file_system(folder: Path) -> str | None:
    """Return the kind of file system that a folder lies on; `None` where the system does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    real, best, kind = os.path.realpath(folder), -1, None
    for line in mounts:
        ours, _, theirs = line.partition(" - ")
        point = ours.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        inside = point in ("/", real) or real.startswith(point + "/")
        if inside and len(point) >= best:
            best, kind = len(point), theirs.split(" ")[0]
    return kind
