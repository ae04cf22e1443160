"""Regular expressions that match in bounded time: one that a hostile text could make too slow is refused.

Python's engine backtracks, and holds the GIL while it does. So the ways are counted in which an expression may try to
match a text of maximum length: a repetition has one way per possible length, the ways of a sequence multiply, and if
the repeated part has several ways, their number is raised to the power of the length. `^openai/.*-mini$` has hundreds
of ways; `(a+)+$` has more than there are atoms.
"""

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from spancast.errors import ConfigurationError

MAX_CHARS = 256
"""Of a text that are searched."""
MAX_PATTERN_CHARS = 256
MAX_WAYS = 20_000_000
"""Ways in the worst case; the engine tries so many in ten milliseconds."""

_parser: Any = importlib.import_module("re._parser")  # the parser of `re.compile`, which has no public name
_MANY = 10**12
"""Stands for any number of ways that is far too large."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression in Python's syntax, searched for in the first characters of a text."""

    pattern: str
    compiled: "re.Pattern[str]"

    @classmethod
    def of(cls, where: str, value: object) -> "Regex":
        """Return the expression; raise `ConfigurationError` if it is invalid, or could take too long."""
        if not isinstance(value, str) or not 0 < len(value) <= MAX_PATTERN_CHARS:
            cure = f"Give a regular expression of at most {MAX_PATTERN_CHARS} characters."
            raise ConfigurationError.of(where, value, cure)
        try:
            compiled, ways = re.compile(value), _search_ways(_parser.parse(value))
        except (re.error, RecursionError, OverflowError) as error:
            raise ConfigurationError.of(
                where, value, f"It is not a valid regular expression: {error}. Correct it, or use contains."
            ) from error
        if ways > MAX_WAYS:
            raise ConfigurationError.of(
                where,
                value,
                "Some texts would take it too long. Use fewer of * + { ? and do not nest them, start it with ^, or use "
                "contains, starts_with or ends_with.",
            )
        return cls(value, compiled)

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere in the first `MAX_CHARS` characters."""
        return self.compiled.search(text[:MAX_CHARS]) is not None


def _search_ways(parsed: Any) -> int:
    nodes = list(parsed)
    anchored = bool(nodes) and str(nodes[0][0]) == "AT" and str(nodes[0][1]) in _AT_THE_START
    return _ways(nodes) * (1 if anchored and not parsed.state.flags & re.MULTILINE else MAX_CHARS)


_AT_THE_START = ("AT_BEGINNING", "AT_BEGINNING_STRING")


def _ways(nodes: Iterable[tuple[Any, Any]]) -> int:
    """Return the number of ways in which a sequence may be tried."""
    found = 1
    for kind, of in nodes:
        found = min(found * _WAYS.get(str(kind), _unknown)(of), _MANY)
    return found


def _one(_of: Any) -> int:
    return 1


def _unknown(_of: Any) -> int:
    return _MANY


def _alternatives(of: Any) -> int:
    """Return the ways of all alternatives; of one alone if each begins with a different character."""
    ways, beginnings = [_ways(each) for each in of[1]], [_beginning(each) for each in of[1]]
    apart = None not in beginnings and len(set(beginnings)) == len(beginnings)
    return max(ways) if apart else sum(ways)


def _beginning(nodes: Any) -> str | None:
    """Return the character, in any case, that a sequence must begin with; `None` if there is no single one."""
    first = next(iter(nodes), None)
    return chr(first[1]).casefold() if first is not None and str(first[0]) == "LITERAL" else None


def _repetition(of: Any) -> int:
    least, most = min(int(of[0]), MAX_CHARS), min(int(of[1]), MAX_CHARS)
    inner = _ways(of[2])
    return most - least + 1 if inner == 1 else min(sum(inner**times for times in range(least, most + 1)), _MANY)


def _conditional(of: Any) -> int:
    return _ways(of[1]) + (_ways(of[2]) if of[2] else 1)


_WAYS: dict[str, Callable[[Any], int]] = {
    **dict.fromkeys(("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "RANGE", "CATEGORY", "FAILURE"), _one),
    "BRANCH": _alternatives,
    "SUBPATTERN": lambda of: _ways(of[3]),
    **dict.fromkeys(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"), _repetition),
    "ATOMIC_GROUP": _ways,
    **dict.fromkeys(("ASSERT", "ASSERT_NOT"), lambda of: _ways(of[1])),
    "GROUPREF": lambda _of: MAX_CHARS,
    "GROUPREF_EXISTS": _conditional,
}
"""By the parser's names for the parts of an expression."""
