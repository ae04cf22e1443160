"""Which calls a destination is sent, in the shape of the filter rules of OpenRouter's Broadcast.

    {"groups": [{"logic": "and", "rules": [{"field": "model", "operator": "starts_with", "value": "openai/"}]}]}

A call passes when each group does; a group's `logic` says whether all its rules have to hold or one. A list of rules is
short for one group of which all have to hold. What is not known equals nothing, contains nothing and is not greater
than anything; so the negations, `not_equals` and `not_contains`, hold for it.
"""

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from spancast.destinations import fields
from spancast.destinations.regex import Regex
from spancast.errors import ConfigurationError
from spancast.records.call import Call

Logic = Literal["and", "or"]

_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda seen, wanted: seen == wanted,
    "contains": lambda seen, wanted: wanted in seen,
    "starts_with": lambda seen, wanted: seen.startswith(wanted),
    "ends_with": lambda seen, wanted: seen.endswith(wanted),
}
_NUMBER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "equals": lambda seen, wanted: seen == wanted,
    "gt": lambda seen, wanted: seen > wanted,
    "lt": lambda seen, wanted: seen < wanted,
    "gte": lambda seen, wanted: seen >= wanted,
    "lte": lambda seen, wanted: seen <= wanted,
}
_REGEX, _EXISTS = "regex", "exists"
_NEGATIONS: Mapping[str, str] = {"not_equals": "equals", "not_contains": "contains", "not_exists": _EXISTS}

OF_TEXT = (
    *("equals", "not_equals", "contains", "not_contains", "regex", "starts_with", "ends_with"),
    *("exists", "not_exists"),
)
"""The operators of a field that holds text."""
OF_NUMBER = ("equals", "not_equals", "gt", "lt", "gte", "lte", "exists", "not_exists")
"""The operators of a field that holds a number."""

_MOST = 1000
"""Rules, so that a call is soon decided."""
_FILTERS, _GROUP, _RULE = ("enabled", "groups"), ("logic", "rules"), ("field", "operator", "value")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of one field."""

    field: str
    operator: str
    value: str | Decimal | Regex | None
    """`None` for `exists` and `not_exists`."""

    def holds(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether it does for a call."""
        operator = _NEGATIONS.get(self.operator, self.operator)
        found = self._number(operator, call) if self.field in fields.NUMBERS else self._text(operator, call, key_names)
        return found is not (self.operator in _NEGATIONS)

    def _number(self, operator: str, call: Call) -> bool:
        seen = fields.NUMBERS[self.field](call)
        if seen is None or operator == _EXISTS:
            return seen is not None
        return isinstance(self.value, Decimal) and _NUMBER[operator](Decimal(seen), self.value)

    def _text(self, operator: str, call: Call, key_names: Mapping[str, str]) -> bool:
        known = [each for each in fields.texts(self.field, call, key_names) if each is not None]
        if operator == _EXISTS:
            return bool(known)
        wanted = self.value
        if isinstance(wanted, Regex):
            return any(map(wanted.found_in, known))
        return isinstance(wanted, str) and any(_TEXT[operator](each, wanted) for each in known)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that belong together."""

    logic: Logic
    rules: tuple[Rule, ...]

    def holds(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether all its rules hold for a call, or one does, as its logic has it."""
        each = (rule.holds(call, key_names) for rule in self.rules)
        return all(each) if self.logic == "and" else any(each)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filter of a destination."""

    groups: tuple[Group, ...] = ()

    @classmethod
    def of(cls, seen: object, where: str = "filters") -> "Filters":
        """Return the filter that was written: its shape, a list of rules, or either as JSON text.

        Raises `ConfigurationError` for what could not work, down to the single rule.
        """
        seen = _parsed(where, seen) if isinstance(seen, str) else seen
        if isinstance(seen, Filters):
            return seen
        if isinstance(seen, list | tuple):
            seen = {"groups": [{"logic": "and", "rules": seen}] if seen else []}
        members = _members(where, seen, _FILTERS, needed="groups")
        enabled = members.get("enabled", True)
        if not isinstance(enabled, bool):
            raise ConfigurationError.of(f"{where}.enabled", enabled, "Give true or false.")
        groups = tuple(_group(*each) for each in _listed(f"{where}.groups", members["groups"]))
        if sum(len(group.rules) for group in groups) > _MOST:
            raise ConfigurationError(f"{where} has more than {_MOST} rules. Write fewer, a regex for many values, say.")
        return cls(groups if enabled else ())

    def pass_on(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether a call passes; `key_names` are the names of API keys by their hash."""
        return all(group.holds(call, key_names) for group in self.groups)

    @property
    def need_cost(self) -> bool:
        """Whether what a call cost decides."""
        return any(rule.field == fields.COST for group in self.groups for rule in group.rules)


def _parsed(where: str, written: str) -> object:
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError.of(
            where,
            written,
            f'It is no JSON: {error}. Write [{{"field": "model", "operator": "equals", "value": "..."}}].',
        ) from error


def _group(where: str, seen: object) -> Group:
    members = _members(where, seen, _GROUP, needed="rules")
    logic = members.get("logic", "and")
    if logic not in ("and", "or"):
        raise ConfigurationError.of(f"{where}.logic", logic, 'Give "and" or "or".')
    rules = tuple(_rule(*each) for each in _listed(f"{where}.rules", members["rules"]))
    if not rules:
        raise ConfigurationError.of(f"{where}.rules", members["rules"], "Give at least one, or leave the group out.")
    return Group(logic, rules)


def _rule(where: str, seen: object) -> Rule:
    members = _members(where, seen, _RULE, needed="field", also="operator")
    field = _field(f"{where}.field", members["field"])
    operators = OF_NUMBER if field in fields.NUMBERS else OF_TEXT
    operator = members["operator"]
    if not isinstance(operator, str) or operator not in operators:
        cure = f"{field} takes {', '.join(operators)}."
        raise ConfigurationError.of(f"{where}.operator", operator, _near(operator, operators) + cure)
    return Rule(field, operator, _value(f"{where}.value", field, operator, members.get("value")))


def _field(where: str, seen: object) -> str:
    if isinstance(seen, str) and fields.is_known(seen):
        return seen
    cure = f"A filter knows {', '.join(fields.NAMES)}."
    if seen in ("input", "output"):
        cure = f"Prompts and completions are not read to choose calls. {cure}"
    raise ConfigurationError.of(where, seen, _near(seen, fields.NAMES) + cure)


def _value(where: str, field: str, operator: str, seen: object) -> str | Decimal | Regex | None:
    if operator.endswith(_EXISTS):
        if seen in (None, ""):
            return None
        raise ConfigurationError.of(where, seen, f"{operator} takes no value. Leave it out.")
    if field in fields.NUMBERS:
        return _number(where, field, seen)
    if operator == _REGEX:
        return Regex.of(where, seen)
    if isinstance(seen, str) and seen:
        return seen
    raise ConfigurationError.of(where, seen, f'{field} is text: give a text such as "42".')


def _number(where: str, field: str, seen: object) -> Decimal:
    written = str(seen) if isinstance(seen, int | float | Decimal | str) and not isinstance(seen, bool) else ""
    try:
        number = Decimal(written)
        if math.isfinite(number):
            return number
    except ArithmeticError:
        pass
    raise ConfigurationError.of(where, seen, f"{field} is a number: give one, such as 0.5.")


def _members(
    where: str, seen: object, known: Sequence[str], needed: str, also: str | None = None
) -> Mapping[str, object]:
    """Return the members of an object, all of them known and none of them missing."""
    if not isinstance(seen, Mapping):
        raise ConfigurationError.of(where, seen, f"Give an object with {' and '.join(known)}.")
    unknown = next((name for name in seen if name not in known), None)
    if unknown is not None:
        raise ConfigurationError(f"{where} cannot have {unknown!r}. {_near(unknown, known)}It has {', '.join(known)}.")
    missing = next((name for name in (needed, also) if name is not None and name not in seen), None)
    if missing is not None:
        raise ConfigurationError(f"{where} has no {missing}. Give an object with {' and '.join(known)}.")
    return seen


def _listed(where: str, seen: object) -> Iterator[tuple[str, object]]:
    """Yield what a list holds, each with where it is."""
    if not isinstance(seen, list | tuple):
        raise ConfigurationError.of(where, seen, "Give a list.")
    for number, each in enumerate(seen):
        yield f"{where}[{number}]", each


def _near(seen: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(seen, known, n=1) if isinstance(seen, str) else ()
    return f"Did you mean {near[0]!r}? " if near else ""
