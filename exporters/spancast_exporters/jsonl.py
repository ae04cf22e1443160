"""A file of JSON lines, one object a span. Checked on real files, by several writers at once and on a full disk."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from spancast.contract import Delivered, Retry, SelfTest, Sink, Span, Verdict
from spancast_exporters import _flat

__all__ = ["Jsonl"]


@dataclass(frozen=True, kw_only=True)
class Jsonl:
    """Appends every span that is given to it; the words of a call are there where the destination may have them.

    The file is made for its owner's eyes only; one that is there keeps its mode. Dollars are text, to the last digit,
    and what is unknown is left out. A span whose cost comes late, or that may have been lost, is written again: of
    several lines with one `span_id` the last is right.
    """

    path: str | Path = field(
        metadata={"variables": ("SPANCAST_JSONL_PATH",), "where": "It is a file of your choice, such as calls.jsonl."}
    )

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if not str(self.path).strip() or "\0" in str(self.path):
            raise ValueError(f"path cannot be {str(self.path)!r}. Give a file, such as calls.jsonl.")

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Append the spans; what a disk does not take waits."""
        try:
            _append(Path(self.path).expanduser(), map(_flat.line, spans))
        except OSError as error:
            return Retry(f"{type(error).__name__}: {os.strerror(error.errno or 0)}")
        return Delivered()

    def self_test(self) -> str | None:
        """Return why the file could not be written, and the cure; it is neither made nor touched."""
        path = Path(self.path).expanduser().absolute()
        there = next(each for each in (path, *path.parents) if each.exists())
        if path.is_dir():
            return f"{path} is a folder. Give a file in it; check SPANCAST_JSONL_PATH."
        if there != path and not there.is_dir():
            return f"{there} is not a folder. Check SPANCAST_JSONL_PATH."
        if not os.access(there, os.W_OK | os.X_OK if there.is_dir() else os.R_OK | os.W_OK):
            return f"{there} is not writable for this user. Check SPANCAST_JSONL_PATH."
        if there.is_dir():  # permissions do not tell, as in /proc, whether a file can be created
            try:
                TemporaryFile(dir=there).close()
            except OSError as error:
                why = os.strerror(error.errno or 0)
                return f"No file can be created in {there} ({why}). Check SPANCAST_JSONL_PATH."
        return None


_: tuple[type[Sink], type[SelfTest]] = (Jsonl, Jsonl)


def _append(path: Path, lines: Iterable[bytes]) -> None:
    """Write each line at once, so that several processes may write to one file; raise `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        broken = _is_broken(descriptor)
        for line in lines:
            _write_whole(descriptor, b"\n" + line if broken else line)
            broken = False
    finally:
        os.close(descriptor)


def _is_broken(descriptor: int) -> bool:
    """Whether the file ends within a line, as a full disk leaves it."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


def _write_whole(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    while written < len(line):  # of a disk that is full the next write says why
        written += os.write(descriptor, line[written:])
