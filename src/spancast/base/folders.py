"""Folders for their owner's eyes only, with all that has to be made above them."""

import os
from contextlib import suppress
from pathlib import Path


def private(folder: Path) -> Path:
    """Make a folder and what is missing above it, each closed to others; return it.

    `Path.mkdir(parents=True)` gives the mode to the last one alone. Raises `OSError` when it cannot be made.
    """
    if not folder.is_dir():
        if folder.parent != folder:
            private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def sync(folder: Path) -> None:
    """Make the names in a folder safe from a loss of power, as far as the system offers that."""
    with suppress(OSError):  # Windows opens no folders, and some file systems sync none
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
