"""Removes what makes a body long and states nothing: images and audio, inline as base64, and embeddings."""

import string
from collections.abc import Callable, Iterator

MIN_RUN = 4096
"""Characters of the shortest run of base64 or numbers that is removed."""


def _marks(alphabet: str) -> bytes:
    """Return the translation table that maps the characters of an alphabet to `b` and all others to a space."""
    known = alphabet.encode()
    return bytes(ord("b") if byte in known else ord(" ") for byte in range(256))


_BASE64 = _marks(string.ascii_letters + string.digits + "+/=_-")
_NUMBERS = _marks(string.digits + string.whitespace + ".,+-eE")
_RUN = b"b" * MIN_RUN


def without_bulk(written: bytes) -> bytes:
    """Return JSON, or the beginning of some, without what is almost certainly an image, audio or an embedding.

    It stays JSON: so long a run of base64 can only be inside a string, which stays a string without it; so long a run
    of numbers is in a list, which stays one with the first number and what follows the last comma.
    """
    return _without(_without(written, _BASE64, _nothing), _NUMBERS, _ends)


def _without(written: bytes, marks: bytes, rest: Callable[[bytes], bytes]) -> bytes:
    kept, end = [], 0
    for start, after in _runs(written.translate(marks)):
        kept += [written[end:start], rest(written[start:after])]
        end = after
    return b"".join([*kept, written[end:]])


def _runs(marked: bytes) -> Iterator[tuple[int, int]]:
    start = marked.find(_RUN)
    while start >= 0:
        after = marked.find(b" ", start)
        after = len(marked) if after < 0 else after
        yield start, after
        start = marked.find(_RUN, after)


def _nothing(_run: bytes) -> bytes:
    return b""


def _ends(run: bytes) -> bytes:
    """Return the first number with its comma, and what follows the last comma, which may be incomplete."""
    first, comma, _ = run.partition(b",")
    return first + comma + run.rpartition(b",")[2] if comma else run
