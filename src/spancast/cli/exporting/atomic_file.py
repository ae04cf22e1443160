"""Writing a file so that it appears only when it is complete; until then a reader finds the old one, or none."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from spancast.base.folders import sync


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Provide a temporary file that replaces `path` at the end, and is removed on failure.

    Only its owner can read it. A path that is not a regular file, such as a pipe, is written to directly.

    Raises:
        OSError: the file cannot be written.
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
