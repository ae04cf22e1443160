"""The words of an exchange without a network: what was asked and answered, as it is written down."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spancast.capture.content.buffer import ContentBuffer
from tests.support.shapes import check_messages, check_parts, check_tools


@dataclass(frozen=True)
class Spoken:
    """The words of one call, read back from their JSON; nothing is an empty list."""

    asked: list[Any]
    said: list[Any]
    instructions: list[Any]
    tools: list[Any]
    errors: list[Any]

    @property
    def parts(self) -> list[Any]:
        """The parts of the one message that was answered."""
        (message,) = self.said
        found: list[Any] = message["parts"]
        return found

    @property
    def prompt(self) -> list[Any]:
        """The parts of the one message that was asked."""
        (message,) = self.asked
        found: list[Any] = message["parts"]
        return found


def held(  # noqa: PLR0913 - each is a side of an exchange
    operation: str,
    request: Any = None,
    answer: Any = None,
    *,
    status: int = 200,
    chunks: Iterable[bytes] | None = None,
    encodings: str = "",
) -> ContentBuffer:
    """Return what is held of an exchange: of a stream its `chunks`, else an answer. What is no bytes is written so."""
    words = ContentBuffer(operation, _bytes(request))
    append = words.start(status, encodings, streamed=chunks is not None)
    for chunk in chunks or ():
        append(chunk)
    if chunks is None and answer is not None:
        words.set_body(_bytes(answer) or b"")
    return words


def spoken(
    operation: str, request: Any = None, answer: Any = None, *, redact: Callable[[str], Any] | None = None, **more: Any
) -> Spoken:
    """Return the words of an exchange, once they have been seen to have the conventions' shapes."""
    content = held(operation, request, answer, **more).content("c", redact)
    found = Spoken(
        *(
            [] if written is None else json.loads(written)
            for written in (
                content.input_messages,
                content.output_messages,
                content.system_instructions,
                content.tool_definitions,
                content.error,
            )
        )
    )
    if redact is None:
        check(found)
    return found


def check(found: Spoken) -> None:
    """Fail unless all words have the conventions' shapes."""
    check_messages(found.asked)
    check_messages(found.said)
    check_parts(found.instructions)
    check_tools(found.tools)


def events(*objects: Mapping[str, Any] | str) -> bytes:
    """Return a stream of events, each of one object or of what is written here."""
    return b"".join(
        b"data: " + (each.encode() if isinstance(each, str) else json.dumps(each).encode()) + b"\n\n"
        for each in objects
    )


def _bytes(value: Any) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
