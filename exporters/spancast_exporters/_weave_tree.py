"""Attributes as Weave can read them: it makes a tree of their names, and JSON of every text that looks like it.

A name that is a dotted prefix of another has no place in that tree, and the span that has both is refused (weave
0.53.12, `opentelemetry/helpers.py`). Text that begins like JSON and that Python's parser chokes on fails the request,
and so does a number that Weave's table has no room for (`migrations/030_add_agent_tables.up.sql`).
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from spancast.contract import Attribute, conflicting
from spancast_exporters import _json

_LIKE_JSON = tuple("{[-0123456789")
"""First characters of text that Weave parses as JSON."""
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
"""Attributes that Weave reads (weave 0.53.12, `agents/semconv.py`)."""
_WHOLE = READ - {"user.id", "gen_ai.usage.cost"}

_OWN = "weave."
_OUTPUT_TYPE, _OUTPUT_TYPES = "gen_ai.output.type", ("text", "json", "image", "speech")
"""All output types that Weave knows (`agents/schema.py`); it refuses a span with another."""
_COUNTS = {
    **dict.fromkeys(("gen_ai.request.choice.count", "server.port"), 2**32),
    "gen_ai.request.max_tokens": 2**63,
    **{
        f"gen_ai.usage.{name}": 2**63
        for name in (
            *("input_tokens", "output_tokens", "cache_creation.input_tokens", "cache_read.input_tokens"),
            *("reasoning.output_tokens", "reasoning_tokens", "experimental.reasoning_tokens"),
        )
    },
}
"""Attributes that Weave stores as numbers from 0 up to this."""

_DEEPEST = 100
"""Levels of JSON. Python stops at 1000, of which Weave needs several for each."""
_MANY_DIGITS = re.compile(r"\d{4000}")
"""Python parses no integer of more than 4300 digits, and raises an error that Weave does not expect."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LARGE = re.compile(r"\d{19}")
_BEYOND = 2**63


def settled(stated: Mapping[str, Any], kept: Collection[str] = READ) -> Mapping[str, Any]:
    """Return attributes that form a tree; the same object where nothing changes. What is renamed keeps its value.

    `a` beside `a.b` becomes `a_value`; where `a` is among those that are `kept`, `a.b` becomes `a_b`. What then is
    still in the way, or would replace another, is left out.
    """
    above = conflicting(stated)
    found = {name: readable(value, whole=name in _WHOLE) for name, value in stated.items()}
    if not above:
        return stated if all(found[name] is value for name, value in stated.items()) else found
    renamed = {}
    for name, value in found.items():
        new = _renamed(name, above, kept)
        if new == name or (new not in found and new not in renamed):
            renamed[new] = value
    left = conflicting(renamed)
    return {name: value for name, value in renamed.items() if name not in left}


def readable(value: Attribute, *, whole: bool = False) -> Attribute:
    """Return a value that Weave's parser can read; the same object where nothing changes.

    JSON that is too deep is cut, and what is no JSON, but would be tried as such, is made to look like none. An object
    that Weave does not keep `whole` it takes to pieces, and numbers among them that have no room become text.
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in _LIKE_JSON:
        return value
    if _MANY_DIGITS.search(value):
        return f"text: {value}"
    odd, large = bool(_SURROGATE.search(value)), not whole and bool(_LARGE.search(value))
    if value.count("[") + value.count("{") <= _DEEPEST and not odd and not large:
        return value
    meant = _json.read(value)
    if meant is None:
        return f"text: {value}"
    large = large and isinstance(meant, dict) and _is_large(meant)
    return _json.dumps(meant) if odd or large or _is_deep(meant) else value


def placed(stated: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes whose values fit Weave's columns; one that does not fit is renamed."""
    odd = {name: _beside(name) for name, value in stated.items() if not _fits(_plain(name), value)}
    return {odd.get(name, name): value for name, value in stated.items()} if odd else stated


def _plain(name: str) -> str:
    """Return the conventions' name for one of Weave's own, which Weave prefers."""
    return f"gen_ai.{name[len(_OWN) :]}" if name.startswith(_OWN) else name


def _beside(name: str) -> str:
    head, kind, rest = name.partition("output.type")
    return f"{head}{kind}_value{rest}" if kind else f"{name}_value"


def _fits(name: str, value: object) -> bool:
    if name.startswith(_OUTPUT_TYPE):
        return name == _OUTPUT_TYPE and value in _OUTPUT_TYPES
    most = _COUNTS.get(name)
    if most is None or not isinstance(value, int | float | str):
        return most is None
    try:
        return 0 <= int(value) < most
    except (ValueError, OverflowError):
        return False


def _is_large(meant: object) -> bool:
    """Whether an object holds a number beyond 64 bits; in a list, Weave keeps it as text."""
    if isinstance(meant, dict):
        return any(map(_is_large, meant.values()))
    return type(meant) is int and not -_BEYOND <= meant < _BEYOND


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
