"""The two ends of a JSON object that is too long to be held: what it states before and behind what makes it long."""

import json
import re

LENGTH = 64 * 1024
"""Bytes held of either end."""

_NAME = re.compile(r'\s*[{,]\s*"[^"\\]*"\s*:\s*')
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_value = json.JSONDecoder().raw_decode


class Ends:
    """Holds both ends of a body while it passes."""

    __slots__ = ("_head", "_size", "_tail")

    def __init__(self, begun: bytes) -> None:
        """`begun` is what has passed."""
        self._head = begun[:LENGTH]
        self._tail = [begun[-LENGTH:]]
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        self._tail.append(chunk)
        self._size += len(chunk)
        if self._size > LENGTH:
            self._tail, self._size = [b"".join(self._tail)[-LENGTH:]], 0

    def objects(self) -> list[bytes]:
        """Return an object of the first members, as far as they are whole, and one of the usage and what is behind it.

        In a string a quote is escaped, and what stands deeper has brackets behind it that nothing opens: neither makes
        an object.
        """
        tail = b"".join(self._tail)
        starts = [found.start() for found in _USAGE.finditer(tail)]
        return [_first_members(self._head), *[b"{" + tail[start:] for start in starts[-1:]]]


def _first_members(head: bytes) -> bytes:
    text, end = head.decode("utf-8-sig", "ignore").lstrip(), 0
    while (name := _NAME.match(text, end)) is not None:
        try:
            _, end = _value(text, name.end())
        except (ValueError, RecursionError):
            break
    return (text[:end] or "{").encode() + b"}"
