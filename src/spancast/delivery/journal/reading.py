"""Reading the records of a segment, and the damage between them.

The application may close a descriptor of ours and reuse its number, so each read first checks that the file is still
the segment.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from spancast.base import guard, locks
from spancast.base.descriptors import OpenFile
from spancast.delivery.journal import frame
from spancast.records.record import Record

BATCH_RECORDS = 1024
"""Records per transaction of a consumer, some megabytes. Smaller batches rewrite the same database pages more often:
9.0 KB per call are written with 512 records, 6.6 with 1024, 5.5 with 2048."""
CHUNK_BYTES = 4 * 1024 * 1024
"""How much of a segment is in memory at a time."""

_MAX_FRAME_BYTES = len(frame.pack(b"")) + frame.MAX_PAYLOAD_BYTES
_OPEN = os.O_RDWR | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))
_decode = msgspec.msgpack.Decoder(Record).decode


class UnreadableError(Exception):
    """The file with the name of a segment cannot be read."""


class ClosedError(Exception):
    """The application has closed the segment's descriptor, and may have reused its number."""


@contextmanager
def opened(path: Path) -> Iterator[OpenFile | None]:
    """Open a file of the journal; yield `None` if it is gone, or this process may not open it."""
    try:
        file = locks.open_lock_file(path, _OPEN)
    except FileNotFoundError:
        yield None
        return
    except OSError:
        guard.log_failure("drainer", "%s cannot be opened; it waits for a process that can.", path)
        yield None
        return
    try:
        yield file
    finally:
        locks.close(file)


def has_header(file: OpenFile) -> bool:
    """Whether the file begins like a segment."""
    return _read(file, 0, len(frame.HEADER)) == frame.HEADER


def size(file: OpenFile) -> int:
    """Return the size of a segment in bytes; raise `ClosedError`."""
    found = file.size()
    if found is None:
        raise ClosedError
    return found


@dataclass(slots=True)
class Batch:
    """Consecutive records of a segment, the offsets of damage between them, and the offset behind all."""

    end: int
    records: list[Record] = field(default_factory=list)
    damage: list[int] = field(default_factory=list)


def batches(file: OpenFile, start: int) -> Iterator[Batch]:
    """Yield the records from an offset on, in batches; raise `UnreadableError` or `ClosedError`."""
    batch = Batch(start)
    for at, payload, end in _payloads(file, start):
        record = decoded(payload)
        if record is None:
            batch.damage.append(at)
        else:
            batch.records.append(record)
        batch.end = end
        if len(batch.records) + len(batch.damage) == BATCH_RECORDS:
            yield batch
            batch = Batch(batch.end)
    if batch.records or batch.damage:
        yield batch


def decoded(payload: bytes | None) -> Record | None:
    """Return the record in a frame's payload, or `None` if there is none."""
    try:
        return None if payload is None else _decode(payload)
    except (msgspec.MsgspecError, ValueError):
        return None


def _payloads(file: OpenFile, at: int) -> Iterator[tuple[int, bytes | None, int]]:
    """Yield each frame's offset, payload and end, from the offset `at` on; see `frame.Frame`."""
    while True:
        data = _read(file, at, CHUNK_BYTES)
        is_last = len(data) < CHUNK_BYTES
        done = 0
        for each in frame.unpack(data):
            yield at + done, each.payload, at + each.end
            done = each.end
        if is_last:
            return
        if done == 0:
            done = len(data) - _MAX_FRAME_BYTES
            yield at, None, at + done
        at += done


def _read(file: OpenFile, at: int, length: int) -> bytes:
    size(file)  # raises if the descriptor is not ours any more
    try:
        os.lseek(file.fd, at, os.SEEK_SET)
        return os.read(file.fd, length)
    except OSError as error:
        raise UnreadableError from error
