"""Folders for their owner's eyes only, with all that has to be made above them."""

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
