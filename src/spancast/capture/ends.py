"""The two ends of a JSON object that is too long to be held: what it states before and behind what makes it long.

What is long may stand deeper: the event that ends a stream of responses holds the whole response.
"""

import json
import re

LENGTH = 64 * 1024
"""Bytes held of either end."""

_DEEPEST = 3
"""Objects in one another whose first members are read."""
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
        """Return an object of the first members, as far as they are whole, and of the usage and what is behind it.

        In a string a quote is escaped, and a usage of anything else within has brackets behind it that nothing opens:
        then no object can be made with it, and there are the first members alone.
        """
        begun, deep = _first_members(self._head)
        tail = b"".join(self._tail)
        starts = [found.start() for found in _USAGE.finditer(tail)]
        both = [begun + (b"" if begun.endswith(b"{") else b",") + tail[start:] for start in starts[-1:]]
        return [each for each in both if _is_json(each)] or [begun + b"}" * deep]


def _first_members(head: bytes) -> tuple[bytes, int]:
    """Return the beginning as far as its members are whole, and how many objects are open there.

    A member that is an object and is not whole is gone into, since what makes it long stands in it.
    """
    text, end, deep = head.decode("utf-8-sig", "ignore").lstrip(), 0, 1
    while (name := _NAME.match(text, end)) is not None:
        try:
            _, end = _value(text, name.end())
        except (ValueError, RecursionError):
            if deep == _DEEPEST or not text.startswith("{", name.end()):
                break
            end, deep = name.end(), deep + 1
    begun = text[:end].rstrip()
    return (begun if begun and not begun.endswith(":") else f"{begun}{{").encode(), deep


def _is_json(written: bytes) -> bool:
    try:
        json.loads(written)
    except (ValueError, RecursionError):
        return False
    return True
