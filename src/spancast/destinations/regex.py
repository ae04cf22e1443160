"""Regular expressions that end: those that a hostile text could keep busy are refused before they are used.

Python's engine tries one way to match after the other, and holds the interpreter while it does. So an expression is
read, and the ways are counted in which it may try a text of the longest size: a repetition has as many as it may have
lengths, what stands behind one another multiplies, and where a repetition repeats what may itself match in several
ways, their number is raised to its length. `^openai/.*-mini$` has hundreds; `(a+)+$` has more than there are atoms.
"""

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from spancast.errors import ConfigurationError

LONGEST = 256
"""Characters of a text that are looked at."""
LONGEST_PATTERN = 256
MOST_WAYS = 20_000_000
"""Ways that an expression may try in the worst case: ten milliseconds, where the engine tries them all."""

_parser: Any = importlib.import_module("re._parser")  # what `re.compile` itself reads with; it has no public name
_MANY = 10**12
"""More ways than anyone would wait for."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression in Python's syntax, looked for anywhere in the first characters of a text."""

    pattern: str
    compiled: "re.Pattern[str]"

    @classmethod
    def of(cls, where: str, seen: object) -> "Regex":
        """Return the expression; raise `ConfigurationError` for what is none, or could take too long."""
        if not isinstance(seen, str) or not 0 < len(seen) <= LONGEST_PATTERN:
            raise ConfigurationError.of(where, seen, f"Give a regular expression of at most {LONGEST_PATTERN} signs.")
        try:
            compiled, ways = re.compile(seen), _search_ways(_parser.parse(seen))
        except (re.error, RecursionError, OverflowError) as error:
            raise ConfigurationError.of(
                where, seen, f"It is no regular expression: {error}. Mend it, or use contains."
            ) from error
        if ways > MOST_WAYS:
            raise ConfigurationError.of(
                where,
                seen,
                "A text could be made on which it takes too long. Write it with fewer * + { and ?, and none around "
                "another; begin it with ^; or use contains, starts_with and ends_with.",
            )
        return cls(seen, compiled)

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in the first 256 characters."""
        return self.compiled.search(text[:LONGEST]) is not None


def _search_ways(parsed: Any) -> int:
    nodes = list(parsed)
    anchored = bool(nodes) and str(nodes[0][0]) == "AT" and str(nodes[0][1]) in _AT_THE_START
    return _ways(nodes) * (1 if anchored and not parsed.state.flags & re.MULTILINE else LONGEST)


_AT_THE_START = ("AT_BEGINNING", "AT_BEGINNING_STRING")


def _ways(nodes: Iterable[tuple[Any, Any]]) -> int:
    """Return in how many ways a sequence may be tried."""
    found = 1
    for kind, of in nodes:
        found = min(found * _WAYS.get(str(kind), _unknown)(of), _MANY)
    return found


def _one(_of: Any) -> int:
    return 1


def _unknown(_of: Any) -> int:
    return _MANY


def _alternatives(of: Any) -> int:
    """Return the ways of all of them; of one alone where each begins with another character."""
    ways, beginnings = [_ways(each) for each in of[1]], [_beginning(each) for each in of[1]]
    apart = None not in beginnings and len(set(beginnings)) == len(beginnings)
    return max(ways) if apart else sum(ways)


def _beginning(nodes: Any) -> str | None:
    """Return the character, of either case, that a sequence must begin with; `None` where there is not one."""
    first = next(iter(nodes), None)
    return chr(first[1]).casefold() if first is not None and str(first[0]) == "LITERAL" else None


def _repetition(of: Any) -> int:
    least, most = min(int(of[0]), LONGEST), min(int(of[1]), LONGEST)
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
    "GROUPREF": lambda _of: LONGEST,
    "GROUPREF_EXISTS": _conditional,
}
"""By the names that the engine's parser gives to the parts of an expression."""
