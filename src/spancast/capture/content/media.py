"""Media within text: base64, in place of which its type and size are stored.

What follows the head of a `data:` URL, or stands in a member that holds nothing else, is media. Any other run of these
characters may be text, such as digits, a genome or a path. It counts as media only if it is long, of whole groups of
four and of one of the two alphabets, has both cases and digits, and has the entropy of data.
"""

import re
from collections import Counter
from collections.abc import Collection
from math import log2

RUN = 2048
"""Characters of the shortest run of base64 that is replaced."""
BITS = 5.0
"""The least entropy of a character of media, in bits: base64 has up to 6, of text still above 5; text without spaces in
both cases and with digits has 4.7, hexadecimal has 4."""

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{2048,}={0,2}")
_ADDRESS = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?[^,\s]{0,100};base64,\Z")
"""The head of a `data:` URL (RFC 2397)."""
_LONGEST_ADDRESS = 256
_SAMPLE = 4096
"""Characters of a run that are counted, spread evenly over it."""
_ONLY = frozenset({"b64_json", "file_data"})
"""Members that hold base64 and nothing else (OpenAI API: images, files)."""
_BASE64_IS_BESIDE = frozenset({"mime_type", "media_type", "mimeType"})
"""Members beside which `data` holds base64 (Anthropic API: sources; Model Context Protocol: images and audio)."""


def holds_only_media(name: str, members: Collection[str]) -> bool:
    """Whether the member `name` of an object with these members holds base64 and nothing else."""
    return name in _ONLY or (name == "data" and not _BASE64_IS_BESIDE.isdisjoint(members))


def without_media(written: str, *, only: bool = False) -> str:
    """Return text with the type and size of media in its place; `only` says that the text is known to be media."""
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
    """Whether a text can hold a run of that length, which would fill one of these pieces: quicker than a regex."""
    pieces = (written[at : at + RUN // 2] for at in range(0, len(written) - RUN // 2 + 1, RUN // 2))
    return len(written) >= RUN and any(piece.isascii() and piece.isprintable() and " " not in piece for piece in pieces)


def _is_base64(run: str) -> bool:
    if len(run) % 4 or (("+" in run or "/" in run) and ("-" in run or "_" in run)):
        return False
    sample = run[:: len(run) // _SAMPLE | 1]  # an odd step reaches every character of a pattern of even length
    mixed = any(map(str.isupper, sample)) and any(map(str.islower, sample)) and any(map(str.isdigit, sample))
    return mixed and _bits(sample) >= BITS


def _bits(sample: str) -> float:
    """Return the Shannon entropy of a character, in bits."""
    return -sum(count / len(sample) * log2(count / len(sample)) for count in Counter(sample).values())


def _size(run: str, kind: str | None) -> str:
    return f"[{kind or ''}{', ' if kind else ''}{len(run.rstrip('=')) * 3 // 4} bytes]"
