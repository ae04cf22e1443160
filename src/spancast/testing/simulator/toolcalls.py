"""Simulated calls of the offered tools."""

import re
from typing import Any

import msgspec

from spancast.testing.simulator import prose, tokens
from spancast.testing.simulator.identity import derived

_MIN_KEYWORD_LENGTH = 4
_PART = 8
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


class ToolCall(msgspec.Struct, frozen=True):
    """One call: the function's name, and its arguments as JSON."""

    id: str
    name: str
    arguments: str

    @property
    def argument_parts(self) -> list[str]:
        """The arguments, split as in a stream."""
        return [self.arguments[at : at + _PART] for at in range(0, len(self.arguments), _PART)]

    @property
    def tokens(self) -> int:
        """The completion tokens of the call."""
        return tokens.of_text(self.name) + tokens.of_text(self.arguments)


def is_named(name: str, said: str) -> bool:
    """Whether a text contains a tool's name, or a word of it with at least four letters."""
    telling = {word.lower() for word in _WORD.findall(name) if len(word) >= _MIN_KEYWORD_LENGTH}
    return name.lower() in said.lower() or not telling.isdisjoint(_WORD.findall(said.lower()))


def call(tool: dict[str, Any], seed: str, key: str) -> ToolCall:
    """Return a call of `tool`; `key` determines its arguments, which match the JSON schema, and `seed` its id."""
    arguments = _value(tool.get("parameters") or {"type": "object"}, f"{key}/{tool['name']}")
    return ToolCall(
        id=derived("call_", seed, tool["name"]),
        name=tool["name"],
        arguments=msgspec.json.encode(arguments).decode(),
    )


def _value(schema: object, key: str) -> Any:
    """Return a value of the schema's type: the first of an enum, a word, one, true, one item, the required keys."""
    if not isinstance(schema, dict):
        return None
    if schema.get("enum"):
        return schema["enum"][0]
    return _BY_TYPE.get(_type(schema), _null)(schema, key)


def _type(schema: dict[str, Any]) -> str:
    stated = schema.get("type", "object" if "properties" in schema else "null")
    return str(stated[0] if isinstance(stated, list) and stated else stated)


def _object(schema: dict[str, Any], key: str) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required", list(properties))
    return {name: _value(properties.get(name), f"{key}/{name}") for name in required}


def _array(schema: dict[str, Any], key: str) -> list[Any]:
    return [_value(schema["items"], f"{key}/0")] if "items" in schema else []


def _string(_: dict[str, Any], key: str) -> str:
    return prose.words(key, 1)[0].rstrip(".").lower()


def _null(_: dict[str, Any], __: str) -> None:
    return None


_BY_TYPE: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda _, __: 1,
    "number": lambda _, __: 1,
    "boolean": lambda _, __: True,
    "null": _null,
}
