"""Text that is determined by a key: the same key gives the same words, always and on every machine."""

import hashlib
from random import Random

_SENTENCE = 9
_KNOWN = (
    "a answer as asked before between but by each every few for from gives has if in is it its just keeps last light "
    "little long made many model more most near next no not now of often on one only or other over own part place "
    "plain prompt reads right same says seems short simple since small so some still such takes text than that the "
    "then there this through time to token twice under until very way well what when where which while whole with "
    "word words work would yet"
)
_VOCABULARY = _KNOWN.split()


def pick(key: str, count: int) -> int:
    """Return a number below `count` that is determined by `key`."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % count


def words(key: str, count: int) -> list[str]:
    """Return `count` words in sentences, each with its leading space: joined, they are the text."""
    generator = Random(hashlib.sha256(key.encode()).digest())  # noqa: S311 - text, no secret
    words = generator.choices(_VOCABULARY, k=count)
    return [_in_sentence(word, place, count) for place, word in enumerate(words)]


def _in_sentence(word: str, place: int, count: int) -> str:
    starts = place % _SENTENCE == 0
    ends = (place + 1) % _SENTENCE == 0 or place + 1 == count
    return (" " if place else "") + (word.capitalize() if starts else word) + ("." if ends else "")
