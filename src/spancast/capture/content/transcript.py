"""How a dialect's words are found: what a request asks, and what the objects of its answer say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from spancast.capture.content.parts import Message, Part


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a request."""

    messages: list[Message] = field(default_factory=list)
    instructions: list[Part] = field(default_factory=list)
    tools: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transcript:
    """Two pure functions of parsed JSON. What is not of the shape that they expect they leave out."""

    asked: Callable[[Any], Asked]
    said: Callable[[Iterable[Any]], list[Message]]


def silent(_answers: Iterable[Any]) -> list[Message]:
    """Say nothing: of an answer whose content is no words."""
    return []
