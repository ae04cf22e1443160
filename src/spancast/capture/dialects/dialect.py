"""A dialect: how the answers of one route are read. Each is a record of pure functions; `table` maps routes to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spancast.capture.reading import Reading


def _never(_block: bytes, _events: int) -> bool:
    return False


def _always(_data: bytes) -> bool:
    return True


def _skim_nothing(_reading: Reading, _block: bytes) -> None:
    """Read nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of asking OpenRouter for something."""

    operation: str
    """The `operation` of its calls."""
    decode: Callable[[bytes], Any]
    """Decodes one JSON object, a plain answer or the data of an event; returns `None` for what is none."""
    read: Callable[[Reading, Any], None]
    """Adds to a reading what a decoded object states."""
    is_all_text: Callable[[bytes, int], bool] = _never
    """Whether a block of so many events holds pieces of text and nothing else, as far as can be told unparsed."""
    states: Callable[[bytes], bool] = _always
    """Whether an event may state more than a piece of text, as far as can be told unparsed."""
    skim: Callable[[Reading, bytes], None] = _skim_nothing
    """Reads what pieces of text may state beside the text: of a whole block of events at once, unparsed."""
    opaque: bool = False
    """Whether the body of a success is not read: audio, or the answer of an unknown route."""
    takes_user: bool = False
    """Whether its request may name a `user` (OpenRouter API)."""
    takes_trace: bool = False
    """Whether its request may have a `trace` (OpenRouter API)."""
    poll: bool = False
    """Whether it polls a job: no call to a model, but the source of a job's bill."""
