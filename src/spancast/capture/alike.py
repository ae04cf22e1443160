"""Events that differ in a piece of text alone, told without a look at each.

Most events of a stream are the same bytes around another piece of text. Once two of them are known to be text and no
more, so are all that are separated by what stands between the two, as long as no text has a quote in it that is not
escaped: then each is inside the same string of the same JSON.
"""

_LESSONS = 8
"""Blocks of a stream that are learned from at most: its events may never be alike."""
_ESCAPES = 2
"""Escapes that an event may have on average: code has as many."""


class Alike:
    """Of one stream."""

    __slots__ = ("_before", "_behind", "_between", "_lessons", "_quotes")

    def __init__(self) -> None:
        self._before = self._behind = self._between = b""
        """What stands before a text, behind it, and between two."""
        self._quotes = 0
        """Quotes of an event, but for those in its text."""
        self._lessons = _LESSONS

    def count(self, block: bytes) -> int:
        """Return how many events a block has, if it has nothing but such; else 0."""
        if not self._quotes or not block.startswith(self._before) or not block.endswith(self._behind):
            return 0
        events = block.count(self._between) + 1
        escaped = _escaped(block, _ESCAPES * events)
        return events if escaped is not None and block.count(b'"') - escaped == events * self._quotes else 0

    def learn(self, block: bytes) -> None:
        """Take the first two events of a block that is known to be text and no more."""
        if not self._lessons:
            return
        self._lessons -= 1
        first, second = [*block.split(b"\n\n", 2), b"", b""][:2]
        before = first[: _shared(first, second)]
        behind = first[len(first) - _shared(first[::-1], second[::-1]) :]
        before, behind = before[: before.rfind(b'"') + 1], behind[behind.find(b'"') :]
        if before.count(b'"') % 2 == 1 == behind.count(b'"') % 2 and b"\\" not in before + behind:
            self._before, self._behind = before, behind + b"\n\n"
            self._between = self._behind + before
            self._quotes = self._between.count(b'"')


def _escaped(block: bytes, most: int) -> int | None:
    """Return how many quotes of a block of JSON are escaped; `None` where it has more than `most` escapes.

    To look for each is quicker than to count all, as long as they are few.
    """
    found, at = 0, block.find(b"\\")
    for _ in range(most):
        if at < 0:
            break
        found += block.startswith(b'"', at + 1)
        at = block.find(b"\\", at + 2)
    return found if at < 0 else None


def _shared(one: bytes, other: bytes) -> int:
    """Return how many bytes two begin with that are the same."""
    known, unknown = 0, min(len(one), len(other)) + 1
    while unknown - known > 1:
        middle = (known + unknown) // 2
        if other.startswith(one[:middle]):
            known = middle
        else:
            unknown = middle
    return known
