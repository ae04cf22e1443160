"""How the simulator counts tokens: by a rule that a test can work out by hand.

A token is four characters, rounded up. A message costs its text and four tokens for its frame; an image, a file or a
sound costs 256; a tool, offered or called in an earlier message, costs its compact JSON.
"""

from typing import Any

import msgspec

CHARACTERS = 4
MESSAGE_FRAME = 4
MEDIA = 256


def of_text(text: str) -> int:
    """Return the tokens of a text; none for none."""
    return -(-len(text) // CHARACTERS)


def of_json(value: object) -> int:
    """Return the tokens of a value that the model reads or writes as JSON."""
    return of_text(msgspec.json.encode(value).decode())


def of_message(message: dict[str, Any]) -> int:
    """Return the tokens of one message of a prompt."""
    calls = message.get("tool_calls")
    return MESSAGE_FRAME + of_content(message.get("content")) + (of_json(calls) if calls else 0)


def of_content(content: object) -> int:
    """Return the tokens of a message's content: a text, parts, or nothing."""
    if isinstance(content, str):
        return of_text(content)
    if isinstance(content, list):
        return sum(map(_of_part, content))
    return 0


def _of_part(part: object) -> int:
    text = part.get("text") if isinstance(part, dict) else None
    return of_text(text) if isinstance(text, str) else MEDIA
