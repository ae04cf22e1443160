"""How a record is stored in a segment: magic, length, checksum, payload. Damage to one record costs no other.

A segment starts with `HEADER`. Every record after it is `<2s I I>` (magic, payload length, CRC-32 of the payload),
little endian, and the payload: one of `record.Record` in msgpack. Nothing is changed in place, so a reader may follow a
live segment to the end of its last whole record.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = b"spancast journal 1\n"
MAGIC = b"\xff\x53"
"""UTF-8 text never has the byte FF, so nothing that an application writes into a Call can look like a record."""
MAX_PAYLOAD_BYTES = 3 * 1024 * 1024
"""A Call has a few hundred bytes, its content up to some millions. A longer length is damage, not a record."""

MAX_CHECKSUMS_PER_BYTE = 64
"""How often a byte may be part of a failed checksum, on average. It is 6 times if one byte in a hundred is wrong in
records of 500 bytes, which leaves one record in a hundred whole."""
FREE_CHECKSUM_BYTES = 4 * 1024 * 1024
"""Bytes of failed checksums that any data may cost: in a short segment, one damaged length is already a large share."""
LOOK_COST_BYTES = 1024
"""What examining one magic counts as: the bytes that can be checksummed in the same time."""

_PREFIX = struct.Struct("<2sII")


def pack(payload: bytes) -> bytes:
    """Return the frame of a payload; raise `ValueError` for one that is too large, and would be read as damage."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a record of {len(payload)} bytes is larger than {MAX_PAYLOAD_BYTES}")
    return _PREFIX.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole record's payload and the offset behind it; for skipped damage, `payload` is `None`."""

    payload: bytes | None
    end: int


def unpack(data: bytes, start: int = 0) -> Iterator[Frame]:
    """Yield the whole records of `data` from `start` on, and the damage between them.

    Data behind the last whole record is not yielded: it may be the start of a record that is being written. Once the
    search has cost more than damage explains, the rest counts as damage.
    """
    search, at = _Search(data), start
    while at < len(data):
        record = search.at(at)
        if record is None:
            found = search.next(at + 1)
            if found is None:
                return
            record = Frame(None, found)
        yield record
        at = record.end


class _Search:
    """Searches data for whole records, with work bounded by its size.

    Without a bound, a malicious segment full of magics with large lengths would have its rest checksummed for each.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = FREE_CHECKSUM_BYTES + MAX_CHECKSUMS_PER_BYTE * len(data)
        """Bytes that failed checksums may still cost."""

    def at(self, at: int) -> Frame | None:
        """Return the whole record at an offset, or `None`."""
        if len(self._data) - at < _PREFIX.size:
            return None
        magic, length, checksum = _PREFIX.unpack_from(self._data, at)
        begin = at + _PREFIX.size
        if magic != MAGIC or length > MAX_PAYLOAD_BYTES or begin + length > len(self._data):
            return None
        payload = self._data[begin : begin + length]
        if zlib.crc32(payload) == checksum:
            return Frame(payload, begin + length)
        self._left -= length
        return None

    def next(self, start: int) -> int | None:
        """Return the offset of the next whole record from `start` on, or the end of the data if the budget is spent."""
        at = self._data.find(MAGIC, start)
        while at >= 0:
            self._left -= LOOK_COST_BYTES
            if self._left < 0:
                return len(self._data)
            if self.at(at) is not None:
                return at
            at = self._data.find(MAGIC, at + 1)
        return None
