"""Which calls a destination is sent, in the shape of the filter rules of OpenRouter's Broadcast.

    {"groups": [{"logic": "and", "rules": [{"field": "model", "operator": "starts_with", "value": "openai/"}]}]}

A call passes if it matches all groups; a group's `logic` says whether all its rules have to match or one. A list of
rules is short for one group in which all have to match. An unknown value equals nothing, contains nothing and is not
greater than anything; so the negations, `not_equals` and `not_contains`, match it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from spancast.base.suggest import did_you_mean
from spancast.destinations import fields
from spancast.destinations.regex import Regex
from spancast.errors import ConfigurationError
from spancast.records.call import Call

Logic = Literal["and", "or"]

_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "contains": lambda value, wanted: wanted in value,
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "ends_with": lambda value, wanted: value.endswith(wanted),
}
_NUMBER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "gt": lambda value, wanted: value > wanted,
    "lt": lambda value, wanted: value < wanted,
    "gte": lambda value, wanted: value >= wanted,
    "lte": lambda value, wanted: value <= wanted,
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

_MAX_RULES = 1000
"""Of one destination, so that a call is decided quickly."""
_FILTERS, _GROUP, _RULE = ("enabled", "groups"), ("logic", "rules"), ("field", "operator", "value")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one field."""

    field: str
    operator: str
    value: str | Decimal | Regex | None
    """`None` for `exists` and `not_exists`."""

    def matches(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether a call matches the rule."""
        operator = _NEGATIONS.get(self.operator, self.operator)
        found = self._number(operator, call) if self.field in fields.NUMBERS else self._text(operator, call, key_names)
        return found is not (self.operator in _NEGATIONS)

    def _number(self, operator: str, call: Call) -> bool:
        number = fields.NUMBERS[self.field](call)
        if number is None or operator == _EXISTS:
            return number is not None
        return isinstance(self.value, Decimal) and _NUMBER[operator](Decimal(number), self.value)

    def _text(self, operator: str, call: Call, key_names: Mapping[str, str]) -> bool:
        known = [each for each in fields.texts(self.field, call, key_names) if each is not None]
        if operator == _EXISTS:
            return bool(known)
        wanted = self.value
        if isinstance(wanted, Regex):
            return any(map(wanted.matches, known))
        return isinstance(wanted, str) and any(_TEXT[operator](each, wanted) for each in known)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of which all, or one, have to match."""

    logic: Logic
    rules: tuple[Rule, ...]

    def matches(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether a call matches all rules, or one of them, depending on `logic`."""
        each = (rule.matches(call, key_names) for rule in self.rules)
        return all(each) if self.logic == "and" else any(each)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filter of a destination."""

    groups: tuple[Group, ...] = ()

    @classmethod
    def of(cls, value: object, where: str = "filters") -> "Filters":
        """Return the filter that a value describes: an object with groups, a list of rules, or either as JSON text.

        Raises:
            ConfigurationError: The value is not a filter; the message says which part is wrong.
        """
        value = _parsed(where, value) if isinstance(value, str) else value
        if isinstance(value, Filters):
            return value
        if isinstance(value, list | tuple):
            value = {"groups": [{"logic": "and", "rules": value}] if value else []}
        members = _members(where, value, _FILTERS, needed="groups")
        enabled = members.get("enabled", True)
        if not isinstance(enabled, bool):
            raise ConfigurationError.of(f"{where}.enabled", enabled, "Give true or false.")
        groups = tuple(_group(*each) for each in _listed(f"{where}.groups", members["groups"]))
        if sum(len(group.rules) for group in groups) > _MAX_RULES:
            cure = "Write fewer, for instance one regex for many values."
            raise ConfigurationError(f"{where} has more than {_MAX_RULES} rules. {cure}")
        return cls(groups if enabled else ())

    def accept(self, call: Call, key_names: Mapping[str, str]) -> bool:
        """Whether a call passes the filter; `key_names` are the names of API keys by hash."""
        return all(group.matches(call, key_names) for group in self.groups)

    @property
    def need_cost(self) -> bool:
        """Whether a rule is about the cost."""
        return any(rule.field == fields.COST for group in self.groups for rule in group.rules)


def _parsed(where: str, written: str) -> object:
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError.of(
            where,
            written,
            f'It is not valid JSON: {error}. Write [{{"field": "model", "operator": "equals", "value": "..."}}].',
        ) from error


def _group(where: str, value: object) -> Group:
    members = _members(where, value, _GROUP, needed="rules")
    logic = members.get("logic", "and")
    if logic not in ("and", "or"):
        raise ConfigurationError.of(f"{where}.logic", logic, 'Give "and" or "or".')
    rules = tuple(_rule(*each) for each in _listed(f"{where}.rules", members["rules"]))
    if not rules:
        raise ConfigurationError.of(f"{where}.rules", members["rules"], "Give at least one, or leave the group out.")
    return Group(logic, rules)


def _rule(where: str, value: object) -> Rule:
    members = _members(where, value, _RULE, needed="field", also="operator")
    field = _field(f"{where}.field", members["field"])
    operators = OF_NUMBER if field in fields.NUMBERS else OF_TEXT
    operator = members["operator"]
    if not isinstance(operator, str) or operator not in operators:
        cure = f"{field} takes {', '.join(operators)}."
        raise ConfigurationError.of(f"{where}.operator", operator, _near(operator, operators) + cure)
    return Rule(field, operator, _value(f"{where}.value", field, operator, members.get("value")))


def _field(where: str, value: object) -> str:
    if isinstance(value, str) and fields.is_known(value):
        return value
    cure = f"The fields are {', '.join(fields.NAMES)}."
    if value in ("input", "output"):
        cure = f"Filters cannot use prompts and completions. {cure}"
    raise ConfigurationError.of(where, value, _near(value, fields.NAMES) + cure)


def _value(where: str, field: str, operator: str, value: object) -> str | Decimal | Regex | None:
    if operator.endswith(_EXISTS):
        if value in (None, ""):
            return None
        raise ConfigurationError.of(where, value, f"{operator} takes no value. Leave it out.")
    if field in fields.NUMBERS:
        return _number(where, field, value)
    if operator == _REGEX:
        return Regex.of(where, value)
    if isinstance(value, str) and value:
        return value
    raise ConfigurationError.of(where, value, f'{field} is text: give a text such as "42".')


def _number(where: str, field: str, value: object) -> Decimal:
    written = str(value) if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool) else ""
    try:
        number = Decimal(written)
        if math.isfinite(number):
            return number
    except ArithmeticError:
        pass
    raise ConfigurationError.of(where, value, f"{field} is a number: give one, such as 0.5.")


def _members(
    where: str, value: object, known: Sequence[str], needed: str, also: str | None = None
) -> Mapping[str, object]:
    """Return the members of an object; raise `ConfigurationError` for an unknown or a missing one."""
    if not isinstance(value, Mapping):
        raise ConfigurationError.of(where, value, f"Give an object with {' and '.join(known)}.")
    unknown = next((name for name in value if name not in known), None)
    if unknown is not None:
        raise ConfigurationError(f"{where} cannot have {unknown!r}. {_near(unknown, known)}It has {', '.join(known)}.")
    missing = next((name for name in (needed, also) if name is not None and name not in value), None)
    if missing is not None:
        raise ConfigurationError(f"{where} has no {missing}. Give an object with {' and '.join(known)}.")
    return value


def _listed(where: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield the items of a list, each with its position in the setting."""
    if not isinstance(value, list | tuple):
        raise ConfigurationError.of(where, value, "Give a list.")
    for number, each in enumerate(value):
        yield f"{where}[{number}]", each


def _near(value: object, known: Sequence[str]) -> str:
    return f"{did_you_mean(value, known)} ".lstrip()
