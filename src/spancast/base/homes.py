"""Which directory holds the records of this machine, and which one replaces it where it cannot be used.

The directory must be writable, lockable by `flock`, and on a local file system, since the processes that use an SQLite
WAL share memory. It must belong to this user and not be a symbolic link, so that nobody else decides where records go.
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

NETWORK_FILE_SYSTEMS = frozenset(
    "afs beegfs ceph cifs coda fuse.ceph fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs gfs2 glusterfs "  # noqa: SIM905 - two lines, not thirty
    "gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb2 smb3 smbfs".split()
)
"""File systems that several machines may mount at once, by their names on Linux."""

_NO_LOCKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK)


@dataclass(frozen=True, slots=True)
class Home:
    """The directory to use, or `None`. `instead_of` says which one was configured and why it is not used."""

    path: Path | None
    instead_of: str | None = None


def choose(wanted: Path) -> Home:
    """Return the configured directory, or, if it cannot be used, another one that all processes of this user find."""
    why = why_unusable(wanted)
    if why is None:
        return Home(wanted)
    return Home(next((path for path in _fallbacks() if why_unusable(path) is None), None), f"{wanted} {why}")


def why_unusable(home: Path) -> str | None:
    """Return why a directory cannot be used, as a phrase to follow its name; `None` if it can be used, or created."""
    if not home.is_absolute():
        return "is not an absolute path, since this user has no home directory"
    why = _why_not_ours(home) or _why_not_ours(home / "journal") or _foreign_file(home)
    if why is not None:
        return why
    existing = next(each for each in (home, *home.parents) if os.path.lexists(each))
    return _why_unsuitable(existing) or (None if (home / "journal").exists() else _why_not_creatable(existing))


def effective_user() -> int | None:
    """Return the id of the process's effective user; `None` where a process cannot change it."""
    return None if sys.platform == "win32" else os.geteuid()


def _fallbacks() -> Iterator[Path]:
    """Yield other places for the records: a folder of this user's, on disk or in memory."""
    name = "spancast" if effective_user() is None else f"spancast-{effective_user()}"
    with suppress(FileNotFoundError):  # the system has no directory for temporary files at all
        yield Path(tempfile.gettempdir()) / name
    yield Path("/dev/shm") / name  # noqa: S108 - its owner is checked


def _why_not_ours(folder: Path) -> str | None:
    """Return what is wrong with a folder of ours, if it exists."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be inspected ({error.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link; name the directory itself"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory"
    if sys.platform != "win32" and found.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user ({found.st_uid}); name a directory inside it, or change its owner"
    return None


def _foreign_file(home: Path) -> str | None:
    """Return which file in the directory has the name of one of ours and is not ours to use.

    Another user may have put it there if the directory was writable, and root may have been the first to run there.
    """
    for path in (path for name in _FILES for path in sorted(home.glob(name))):
        owner = files.foreign_owner(path)
        if owner is not None:
            return f"has a {path.name} of another user ({owner}), who could read what is written to it; remove it"
        if not os.access(path, _READ_WRITE, effective_ids=_EFFECTIVE):
            return f"has a {path.name} that this user cannot read and write; remove it, or change its owner"
    return None


_READ_WRITE = os.R_OK | os.W_OK
_EFFECTIVE = os.access in os.supports_effective_ids
_FILES = ("journal", "*.db", "*.db-wal", "*.db-shm", "*.lock", "prices.json")
"""The names of our files in a home directory."""


def _why_unsuitable(existing: Path) -> str | None:
    """Return what is wrong with the nearest folder that exists."""
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"cannot be written ({existing} is read-only for this process)"
    kind = _file_system(existing)
    if kind in NETWORK_FILE_SYSTEMS:
        return f"lies on a network file system ({kind})"
    return None if sys.platform == "win32" or _has_locks(existing) else "lies on a file system without locks (flock)"


def _why_not_creatable(existing: Path) -> str | None:
    """Return why no folder can be created in one that claims to be writable, as /proc and a full quota do.

    The test uses a name of its own, since other processes may be creating the real folder right now.
    """
    try:
        Path(tempfile.mkdtemp(prefix=".spancast-", dir=existing)).rmdir()
    except OSError as error:
        return f"cannot be created in {existing} ({error.strerror})"
    return None


def _has_locks(folder: Path) -> bool:
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return True  # it cannot be tried
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    finally:
        os.close(fd)
    return True


def _file_system(folder: Path) -> str | None:
    """Return the type of the file system that a folder lies on; `None` where the system does not tell."""
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
