"""How the simulator counts tokens: by a rule simple enough to calculate by hand.

A token is four characters, rounded up. A message counts its text plus four tokens; an image, a file or
audio counts 256; a tool, offered or called in an earlier message, counts its compact JSON.
"""

from typing import Any

import msgspec

CHARACTERS = 4
MESSAGE_FRAME = 4
MEDIA = 256


def of_text(text: str) -> int:
    """Return the number of tokens of a text; 0 if it is empty."""
    return -(-len(text) // CHARACTERS)


def of_json(value: object) -> int:
    """Return the number of tokens of a value as compact JSON."""
    return of_text(msgspec.json.encode(value).decode())


def of_message(message: dict[str, Any]) -> int:
    """Return the number of tokens of one message of a prompt."""
    calls = message.get("tool_calls")
    return MESSAGE_FRAME + of_content(message.get("content")) + (of_json(calls) if calls else 0)


def of_content(content: object) -> int:
    """Return the number of tokens of a message's content: a string, parts, or nothing."""
    if isinstance(content, str):
        return of_text(content)
    if isinstance(content, list):
        return sum(map(_of_part, content))
    return 0


def _of_part(part: object) -> int:
    text = part.get("text") if isinstance(part, dict) else None
    return of_text(text) if isinstance(text, str) else MEDIA
