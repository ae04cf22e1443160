"""Creating private folders, and syncing folders to disk."""

import errno
import os
from contextlib import suppress
from pathlib import Path


def private(folder: Path) -> Path:
    """Create a folder and its missing parents, each with mode 0700, and return it; raise `OSError` if that fails.

    `Path.mkdir(parents=True)` would apply the mode to the last one alone, and a umask may close it to its owner.
    """
    if not folder.is_dir():
        if folder.parent != folder:
            private(folder.parent)
        with suppress(FileExistsError):  # another process creates it at the same time
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    return folder


def sync(folder: Path) -> None:
    """Make the names in a folder survive a loss of power, as far as the system supports that."""
    with suppress(OSError):  # Windows cannot open folders, and some file systems cannot sync them
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
