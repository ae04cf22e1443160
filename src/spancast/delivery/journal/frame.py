"""How a record lies in a segment: magic, length, checksum, payload. A damaged record costs itself and no other.

A segment starts with `HEAD`. Every record after it is `<2s I I>` (magic, payload length, CRC-32 of the payload), little
endian, and the payload: one of `record.Record` in msgpack. Nothing is ever changed in place, so a reader may follow a
live segment to the end of its last whole record.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = b"spancast journal 1\n"
MAGIC = b"\xff\x53"
"""No text in UTF-8 has the byte FF, so that nothing an application writes into a Call can look like a record."""
MAX_PAYLOAD = 3 * 1024 * 1024
"""Bytes; a Call is a few hundred, its words are up to some millions. A longer length is damage, not a record."""

_PREFIX = struct.Struct("<2sII")


def pack(payload: bytes) -> bytes:
    """Return the record that holds `payload`; raise `ValueError` for one that would be read as damage."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a record of {len(payload)} bytes is larger than {MAX_PAYLOAD}")
    return _PREFIX.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole record: its payload, and the offset behind it. `payload` is `None` where damage was skipped."""

    payload: bytes | None
    end: int


def unpack(data: bytes, start: int = 0) -> Iterator[Frame]:
    """Yield the whole records of `data` from `start` on, and the damage between them.

    What lies behind the last whole record is left: it may be the beginning of one that is still being written.
    """
    at = start
    while at < len(data):
        record = _at(data, at)
        if record is None:
            found = _resume(data, at + 1)
            if found is None:
                return
            record = Frame(None, found)
        yield record
        at = record.end


def _at(data: bytes, at: int) -> Frame | None:
    if len(data) - at < _PREFIX.size:
        return None
    magic, length, checksum = _PREFIX.unpack_from(data, at)
    begin = at + _PREFIX.size
    if magic != MAGIC or length > MAX_PAYLOAD or begin + length > len(data):
        return None
    payload = data[begin : begin + length]
    return Frame(payload, begin + length) if zlib.crc32(payload) == checksum else None


def _resume(data: bytes, start: int) -> int | None:
    """Return where the next whole record begins at or after `start`."""
    at = data.find(MAGIC, start)
    while at >= 0:
        if _at(data, at) is not None:
            return at
        at = data.find(MAGIC, at + 1)
    return None
