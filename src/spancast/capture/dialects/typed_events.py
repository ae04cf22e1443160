"""Streams whose every event says its `type` first: the pieces of text among them are known without parsing."""

import re

_DELTA_LINE = re.compile(rb'^data: ?\{"type":"[a-z_.]*delta"', re.MULTILINE)
_DELTA_OBJECT = re.compile(rb'\{"type":"[a-z_.]*delta"')
_STATING = (b"message_delta", b"citations_delta", b'"usage"')
"""What marks an event of a delta type that states more than a piece of text."""


def is_all_text(block: bytes, events: int) -> bool:
    """Whether every event of a block is a piece of text by its type, which has to be the first member."""
    if _states_more(block) or block.startswith(b"{") or b"\n{" in block:  # an object in place of an event is an error
        return False
    return len(_DELTA_LINE.findall(block)) == events


def states(data: bytes) -> bool:
    """Whether an event may state more than a piece of text."""
    return _DELTA_OBJECT.match(data) is None or _states_more(data)


def _states_more(data: bytes) -> bool:
    return any(mark in data for mark in _STATING)
