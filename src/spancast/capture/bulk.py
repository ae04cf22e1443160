"""What makes a body long and states nothing: an image or a sound, written into its JSON as base64, or an embedding."""

import string
from collections.abc import Callable, Iterator

LONGEST = 4096
"""Characters of a kind in a row from which on they are taken for such."""


def _kinds(alphabet: str) -> bytes:
    """Return the table that tells the characters of an alphabet from all others."""
    known = alphabet.encode()
    return bytes(ord("b") if byte in known else ord(" ") for byte in range(256))


_BASE64 = _kinds(string.ascii_letters + string.digits + "+/=_-")
_NUMBERS = _kinds(string.digits + string.whitespace + ".,+-eE")
_RUN = b"b" * LONGEST


def without_bulk(written: bytes) -> bytes:
    """Return JSON, or the beginning of some, without what is as good as surely an image, a sound or an embedding.

    It stays JSON: so long a run of the characters of base64 stands inside a string only, and leaves it a string when
    it goes; so long a run of numbers is in a list, and leaves it one when all go but what stands at its two ends.
    """
    return _without(_without(written, _BASE64, _nothing), _NUMBERS, _ends)


def _without(written: bytes, kinds: bytes, rest: Callable[[bytes], bytes]) -> bytes:
    kept, end = [], 0
    for start, behind in _runs(written.translate(kinds)):
        kept += [written[end:start], rest(written[start:behind])]
        end = behind
    return b"".join([*kept, written[end:]])


def _runs(marked: bytes) -> Iterator[tuple[int, int]]:
    start = marked.find(_RUN)
    while start >= 0:
        behind = marked.find(b" ", start)
        behind = len(marked) if behind < 0 else behind
        yield start, behind
        start = marked.find(_RUN, behind)


def _nothing(_run: bytes) -> bytes:
    return b""


def _ends(run: bytes) -> bytes:
    """Return the first number with its comma, and what stands behind the last comma, which may not be whole yet."""
    first, comma, _ = run.partition(b",")
    return first + comma + run.rpartition(b",")[2] if comma else run
