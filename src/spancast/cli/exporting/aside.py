"""A file that has its name when it is whole, and not before: a reader finds the old one, or none, until then."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from spancast.base.folders import sync


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file beside `path` that takes its name at the end; where something fails on the way, nothing is left.

    It is for its owner's eyes only. What is no file, such as a pipe, is written to as it is. Raises `OSError`.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    target = path.resolve()
    fd, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync(target.parent)
