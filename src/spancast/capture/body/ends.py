"""The two ends of a JSON object that is too long to buffer: what it states before and after what makes it long.

The long member may be nested: the event that ends a stream of the Responses API holds the whole response.
"""

import json
import re

LENGTH = 64 * 1024
"""Bytes buffered of either end."""

_DEEPEST = 3
"""Levels of nested objects whose first members are read."""
_NAME = re.compile(r'\s*[{,]\s*"[^"\\]*"\s*:\s*')
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_value = json.JSONDecoder().raw_decode


class Ends:
    """Buffers both ends of a body while it passes."""

    __slots__ = ("_head", "_size", "_tail")

    def __init__(self, start: bytes) -> None:
        """Buffer the ends of a body of which `start` has passed."""
        self._head = start[:LENGTH]
        self._tail = [start[-LENGTH:]]
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Read a chunk of the body."""
        self._tail.append(chunk)
        self._size += len(chunk)
        if self._size > LENGTH:
            self._tail, self._size = [b"".join(self._tail)[-LENGTH:]], 0

    def objects(self) -> list[bytes]:
        """Return an object of the complete first members, the usage, and what follows the usage.

        A `"usage"` within a string has its quotes
        escaped, and one of a nested object is followed by brackets that nothing opens: with that no JSON can be made,
        and the object has the first members alone.
        """
        first, depth = _first_members(self._head)
        tail = b"".join(self._tail)
        starts = [found.start() for found in _USAGE.finditer(tail)]
        both = [first + (b"" if first.endswith(b"{") else b",") + tail[start:] for start in starts[-1:]]
        return [each for each in both if _is_json(each)] or [first + b"}" * depth]


def _first_members(head: bytes) -> tuple[bytes, int]:
    """Return the beginning up to its last complete member, and how many objects are open there.

    An incomplete member that is an object is entered, since the long member is in it.
    """
    text, end, depth = head.decode("utf-8-sig", "ignore").lstrip(), 0, 1
    while (name := _NAME.match(text, end)) is not None:
        try:
            _, end = _value(text, name.end())
        except (ValueError, RecursionError):
            if depth == _DEEPEST or not text.startswith("{", name.end()):
                break
            end, depth = name.end(), depth + 1
    first = text[:end].rstrip()
    return (first if first and not first.endswith(":") else f"{first}{{").encode(), depth


def _is_json(written: bytes) -> bool:
    try:
        json.loads(written)
    except (ValueError, RecursionError):
        return False
    return True
