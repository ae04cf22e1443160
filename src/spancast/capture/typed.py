"""Streams whose every event says its `type` first: the pieces of text among them are known without parsing."""

import re

_PIECE = re.compile(rb'^data: ?\{"type":"[a-z_.]*delta"', re.MULTILINE)
_PIECE_ALONE = re.compile(rb'\{"type":"[a-z_.]*delta"')
_FINAL = (b"message_delta", b"citations_delta", b'"usage"')
"""What stands in an event that is called a delta, or holds one, and states more than a piece of text."""


def is_all_text(block: bytes, events: int) -> bool:
    """Whether every event of a block is a piece of text by its type; one that has its type elsewhere is not."""
    if _is_final(block) or block.startswith(b"{") or b"\n{" in block:  # an object in the place of an event is an error
        return False
    return len(_PIECE.findall(block)) == events


def states(data: bytes) -> bool:
    """Whether an event may state more than a piece of text."""
    return _PIECE_ALONE.match(data) is None or _is_final(data)


def _is_final(data: bytes) -> bool:
    return any(mark in data for mark in _FINAL)
