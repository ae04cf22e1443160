"""Attributes as Weave can read them: it makes a tree of their names, and JSON of every text that looks like it.

A name that is a dotted prefix of another has no place in that tree, and the span that has both is refused (weave
0.53.12, `opentelemetry/helpers.py`). Text that begins like JSON and that Python's parser chokes on fails the request.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from spancast.contract import Attribute, conflicting
from spancast_exporters import _json

_LIKE_JSON = tuple("{[-0123456789")
"""How text begins that is read as JSON; messages are, whatever else they begin with."""
READ = frozenset(
    {
        *(f"gen_ai.agent.{name}" for name in ("name", "id", "description", "version")),
        *(f"gen_ai.conversation.{name}" for name in ("id", "name")),
        *(f"gen_ai.tool.{name}" for name in ("name", "type", "description", "definitions")),
        *(f"gen_ai.tool.call.{name}" for name in ("id", "arguments", "result")),
        *(f"gen_ai.request.{name}" for name in ("model", "temperature", "max_tokens", "top_p", "seed")),
        *(f"gen_ai.request.{name}" for name in ("frequency_penalty", "presence_penalty", "stop_sequences")),
        *(f"gen_ai.response.{name}" for name in ("model", "id", "finish_reasons")),
        *(f"gen_ai.usage.{name}" for name in ("input_tokens", "output_tokens", "cost")),
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system", "gen_ai.system_instructions"),
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.output.type", "error.type", "user.id"),
    }
)
"""What Weave looks for (weave 0.53.12, `agents/semconv.py`)."""

_DEEPEST = 100
"""Levels of JSON. Python stops at 1000, of which Weave needs several for each."""
_MANY_DIGITS = re.compile(r"\d{4000}")
"""Python reads no integer of more than 4300 digits, and says so by another error than Weave expects."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def settled(stated: Mapping[str, Any], kept: Collection[str] = READ) -> Mapping[str, Any]:
    """Return attributes that form a tree; the very same where they do. What is renamed keeps its value.

    `a` beside `a.b` becomes `a_value`; where `a` is among those that are `kept`, `a.b` becomes `a_b`. What then is
    still in the way, or would replace another, is left out.
    """
    above = conflicting(stated)
    found = {name: readable(value) for name, value in stated.items()}
    if not above:
        return stated if all(found[name] is value for name, value in stated.items()) else found
    renamed = {}
    for name, value in found.items():
        new = _renamed(name, above, kept)
        if new == name or (new not in found and new not in renamed):
            renamed[new] = value
    left = conflicting(renamed)
    return {name: value for name, value in renamed.items() if name not in left}


def readable(value: Attribute) -> Attribute:
    """Return a value that Weave's parser can read; the very same where it can.

    JSON that is too deep is cut, and what is no JSON, but would be tried as such, is made to look like none.
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in _LIKE_JSON:
        return value
    if _MANY_DIGITS.search(value):
        return f"text: {value}"
    if value.count("[") + value.count("{") <= _DEEPEST and not _SURROGATE.search(value):
        return value
    meant = _json.read(value)
    if meant is None:
        return f"text: {value}"
    return _json.encoded(meant).decode() if _SURROGATE.search(value) or _is_deep(meant) else value


def _is_deep(meant: object) -> bool:
    level: list[Any] = [meant]
    for _ in range(_DEEPEST):
        objects = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [child for children in objects for child in children]
    return bool(level)


def _renamed(name: str, above: frozenset[str], kept: Collection[str]) -> str:
    if name in above and name not in kept:
        return f"{name}_value"
    for each in sorted(above, key=len, reverse=True):
        if each in kept and name.startswith(f"{each}."):
            name = f"{each}_{name[len(each) + 1 :]}"
    return name
