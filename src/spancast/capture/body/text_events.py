"""Counts events that differ only in a piece of text, without parsing any of them.

Most events of a stream are the same bytes around different text. Once two of them are known to state nothing but text,
so do all events with the same bytes around their text, as long as every quote in the text is escaped: then each text is
inside the same string of the same JSON.
"""

_MAX_LEARNED_BLOCKS = 8
"""The most blocks of a stream that are learned from: its events may have nothing in common."""
_ESCAPES = 2
"""Escapes that an event may have on average: code has as many."""


class TextEvents:
    """The bytes around the texts of one stream."""

    __slots__ = ("_after", "_before", "_between", "_left_to_learn", "_quotes")

    def __init__(self) -> None:
        self._before = self._after = self._between = b""
        """The bytes before a text, after it, and between two."""
        self._quotes = 0
        """Quotes of an event outside its text."""
        self._left_to_learn = _MAX_LEARNED_BLOCKS

    def count(self, block: bytes) -> int:
        """Return the number of events in a block that consists of such events only; else 0."""
        if not self._quotes or not block.startswith(self._before) or not block.endswith(self._after):
            return 0
        events = block.count(self._between) + 1
        escaped = _escaped(block, _ESCAPES * events)
        return events if escaped is not None and block.count(b'"') - escaped == events * self._quotes else 0

    def learn(self, block: bytes) -> None:
        """Learn from the first two events of a block that is known to state nothing but text."""
        if not self._left_to_learn:
            return
        self._left_to_learn -= 1
        first, second = [*block.split(b"\n\n", 2), b"", b""][:2]
        before = first[: _shared(first, second)]
        after = first[len(first) - _shared(first[::-1], second[::-1]) :]
        before, after = before[: before.rfind(b'"') + 1], after[after.find(b'"') :]
        if before.count(b'"') % 2 == 1 == after.count(b'"') % 2 and b"\\" not in before + after:
            self._before, self._after = before, after + b"\n\n"
            self._between = self._after + before
            self._quotes = self._between.count(b'"')


def _escaped(block: bytes, most: int) -> int | None:
    """Return the number of escaped quotes in a block of JSON; `None` where it has more than `most` escapes.

    Finding each is quicker than counting all, as long as they are few.
    """
    found, at = 0, block.find(b"\\")
    for _ in range(most):
        if at < 0:
            break
        found += block.startswith(b'"', at + 1)
        at = block.find(b"\\", at + 2)
    return found if at < 0 else None


def _shared(one: bytes, other: bytes) -> int:
    """Return the length of the common prefix of two byte strings."""
    known, unknown = 0, min(len(one), len(other)) + 1
    while unknown - known > 1:
        middle = (known + unknown) // 2
        if other.startswith(one[:middle]):
            known = middle
        else:
            unknown = middle
    return known
