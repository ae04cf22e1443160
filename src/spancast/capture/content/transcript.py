"""How the content of a dialect is found: that of a request, and that of the objects of its answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from spancast.capture.content.parts import Message, Part


@dataclass(frozen=True, slots=True)
class RequestContent:
    """The content of a request."""

    messages: list[Message] = field(default_factory=list)
    instructions: list[Part] = field(default_factory=list)
    tools: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transcript:
    """Two pure functions of parsed JSON. What is not of the shape that they expect they leave out."""

    request: Callable[[Any], RequestContent]
    answer: Callable[[Iterable[Any]], list[Message]]


def no_messages(_answers: Iterable[Any]) -> list[Message]:
    """Return the messages of an answer that has none, such as embeddings or audio."""
    return []
