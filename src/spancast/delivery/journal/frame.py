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

EFFORT = 64
"""How often, on average, a byte of a segment may be checksummed for nothing: it is 6 times where one byte in a hundred
is another than was written, in records of 500 bytes, so that one record in a hundred is whole."""
PATIENCE = 4 * 1024 * 1024
"""Bytes that may be so in any case: among few records, one damaged length is soon much."""
LOOK = 1024
"""Bytes that can be checksummed in the time that a look at a magic takes."""

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

    What lies behind the last whole record is left: it may be the beginning of one that is still being written. Where
    there is more to look at than damage explains, all the rest is damage.
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
    """Looks for whole records in a piece of a segment, with no more work than its size is worth.

    Whoever writes a segment full of magics, each with a great length, would have all that follows checksummed for each.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = PATIENCE + EFFORT * len(data)
        """Bytes that may yet be checksummed for nothing."""

    def at(self, at: int) -> Frame | None:
        """Return the whole record that begins there."""
        if len(self._data) - at < _PREFIX.size:
            return None
        magic, length, checksum = _PREFIX.unpack_from(self._data, at)
        begin = at + _PREFIX.size
        if magic != MAGIC or length > MAX_PAYLOAD or begin + length > len(self._data):
            return None
        payload = self._data[begin : begin + length]
        if zlib.crc32(payload) == checksum:
            return Frame(payload, begin + length)
        self._left -= length
        return None

    def next(self, start: int) -> int | None:
        """Return where the next whole record begins at or after `start`, or the end where it is not worth the work."""
        at = self._data.find(MAGIC, start)
        while at >= 0:
            self._left -= LOOK
            if self._left < 0:
                return len(self._data)
            if self.at(at) is not None:
                return at
            at = self._data.find(MAGIC, at + 1)
        return None
