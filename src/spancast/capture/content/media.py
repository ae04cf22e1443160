"""Media that was written down within words: base64, which is kept as its type and size.

What has a `data:` address before it, or stands in a member that holds nothing else, is media. Any other run of these
characters may be words as well, such as digits, a genome or a path, and is taken for media only where all speaks for
it: it is long, of whole groups of four, of one of the two alphabets, in both cases and with digits, and as evenly mixed
as only data is.
"""

import re
from collections import Counter
from collections.abc import Collection
from math import log2

RUN = 2048
"""Characters of base64 in a row; a shorter one is kept as it is."""
BITS = 5.0
"""Bits of a character, at least: base64 has up to 6, of text still above 5; words without blanks in both cases and with
digits have 4.7, hexadecimal has 4."""

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{2048,}={0,2}")
_ADDRESS = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?[^,\s]{0,100};base64,\Z")
"""What stands before it in a `data:` address (RFC 2397)."""
_LONGEST_ADDRESS = 256
_SAMPLE = 4096
"""Characters that are counted of a run, as far apart as they can be."""
_ONLY = frozenset({"b64_json", "file_data"})
"""Members that hold base64 and nothing else (OpenAI API: images, files)."""
_BASE64_IS_BESIDE = frozenset({"mime_type", "media_type", "mimeType"})
"""Members beside which `data` does (Anthropic API: sources; Model Context Protocol: images and audio)."""


def holds_only_media(name: str, members: Collection[str]) -> bool:
    """Whether a member of that name holds base64 and nothing else, beside others of these names."""
    return name in _ONLY or (name == "data" and not _BASE64_IS_BESIDE.isdisjoint(members))


def without_media(written: str, *, only: bool = False) -> str:
    """Return words in which media is its type and size. `only` says that they are known to be nothing else."""
    if not _may_hold_media(written):
        return written
    kept, end = list[str](), 0
    for found in _BASE64.finditer(written):
        begin, run = found.start(), found[0]
        address = _ADDRESS.search(written, max(end, begin - _LONGEST_ADDRESS), begin)
        if address or only or _is_base64(run):
            kept += written[end : address.start() if address else begin], _size(run, address and address[1])
            end = found.end()
    return "".join((*kept, written[end:]))


def _may_hold_media(written: str) -> bool:
    """Whether a run that long can be in it: it would fill one of these pieces. To look at each character costs more."""
    pieces = (written[at : at + RUN // 2] for at in range(0, len(written) - RUN // 2 + 1, RUN // 2))
    return len(written) >= RUN and any(piece.isascii() and piece.isprintable() and " " not in piece for piece in pieces)


def _is_base64(run: str) -> bool:
    if len(run) % 4 or (("+" in run or "/" in run) and ("-" in run or "_" in run)):
        return False
    sample = run[:: len(run) // _SAMPLE | 1]  # an odd step meets every character of a pattern whose length is even
    mixed = any(map(str.isupper, sample)) and any(map(str.islower, sample)) and any(map(str.isdigit, sample))
    return mixed and _bits(sample) >= BITS


def _bits(sample: str) -> float:
    """Return the entropy of a character in bits (Shannon)."""
    return -sum(count / len(sample) * log2(count / len(sample)) for count in Counter(sample).values())


def _size(run: str, kind: str | None) -> str:
    return f"[{kind or ''}{', ' if kind else ''}{len(run.rstrip('=')) * 3 // 4} bytes]"
