"""A dialect: how the answers of one route are read. Each is a record of pure functions; `dialects` has the table."""

from collections.abc import Callable
from dataclasses import dataclass

from spancast.capture.reading import Reading


def _nothing_is_sure(_block: bytes, _events: int) -> bool:
    return False


def _nothing_is_beside(_reading: Reading, _block: bytes) -> None:
    """Take nothing."""


def _everything_counts(_data: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of asking OpenRouter for something."""

    operation: str
    """What a Call of it is called."""
    take: Callable[[Reading, bytes], None]
    """Reads one JSON object: a plain answer, or the data of an event."""
    is_all_text: Callable[[bytes, int], bool] = _nothing_is_sure
    """Whether a block of so many events, seen without parsing, holds pieces of text and nothing else."""
    states: Callable[[bytes], bool] = _everything_counts
    """Whether an event, seen without parsing, may state more than a piece of text."""
    skim: Callable[[Reading, bytes], None] = _nothing_is_beside
    """Reads what pieces of text may state on the way, without parsing them: of a whole block of events at once."""
    opaque: bool = False
    """Whether the body of a success is no text to read: a sound, or what nobody knows."""
    takes_user: bool = False
    """Whether its request may name a `user` (OpenRouter API)."""
    takes_trace: bool = False
    """Whether its request may have a `trace` (OpenRouter API)."""
    poll: bool = False
    """Whether it asks how a job stands: no call to a model, but what brings the bill of one."""
