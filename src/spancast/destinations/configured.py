"""The destinations that settings name: in a list or in TOML tables, each with variables of its own.

A destination that an argument or a variable names is completed by its table in the settings file, and a variable
`SPANCAST_DESTINATION_<NAME>_<FIELD>` wins over that table. A `Destination` that the program creates is changed by
neither, since arguments win over both.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from spancast.base import guard
from spancast.destinations.destination import Destination, default_name
from spancast.errors import ConfigurationError

VARIABLE = "SPANCAST_DESTINATION_"

_Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tables:
    """The destinations' tables in a settings file, each by its key and by the name of its destination."""

    where: str = ""
    """The setting that holds them."""
    by_name: Mapping[str, _Fields] = field(default_factory=dict)

    @classmethod
    def of(cls, where: str, value: object) -> "Tables":
        """Return the tables of the setting `where`; raise `ConfigurationError`."""
        items = () if value is None else _items(where, value)
        tables = [
            (key, _wanted(where, each, key)) for each, key in items if key is not None or not isinstance(each, str)
        ]
        found = [(key, table) for key, table in tables if isinstance(table, dict)]
        by_key = {key: table for key, table in found if key is not None}
        return cls(where, by_key | {str(table["name"]): table for _, table in found})

    def called(self, written: str) -> _Fields:
        """Return the table of a destination, whose name may be in another case; an empty one if there is none."""
        exact, name = self.by_name.get(written.strip()), default_name(written)
        return exact or next((table for each, table in self.by_name.items() if each.lower() == name), {})


_NO_TABLES = Tables()


def destinations(where: str, value: object, tables: Tables = _NO_TABLES) -> tuple[Destination, ...]:
    """Return the destinations of the setting `where`; raise `ConfigurationError`.

    `tables` completes those that are named by a text.
    """
    wanted = [_wanted(where, *each, tables) for each in _items(where, value)]
    names = [each.name if isinstance(each, Destination) else str(each["name"]) for each in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{where} has two destinations called {twice!r}. Give each its own name=.")
    by_name = _variables(where, names) if wanted else {}
    return tuple(_made(where, each, by_name.get(name, {}), tables) for name, each in zip(names, wanted, strict=True))


def _items(where: str, value: object) -> Iterator[tuple[object, str | None]]:
    """Yield each destination as it is written, and its name if it is the key of a table."""
    if isinstance(value, str):
        yield from ((item.strip(), None) for item in value.split(",") if item.strip())
    elif isinstance(value, Mapping):
        yield from ((table, name) for name, table in value.items())
    elif isinstance(value, list | tuple):
        yield from ((item, None) for item in value)
    else:
        raise ConfigurationError.of(where, value, 'Give a list such as ["otlp"], or "otlp,otlp2" in a variable.')


def _wanted(where: str, value: object, name: str | None, tables: Tables = _NO_TABLES) -> Destination | _Fields:
    if isinstance(value, Destination):
        return value
    if name is not None and isinstance(value, Mapping):
        value = {"exporter": name, "name": name, **value}
    if isinstance(value, Mapping) and isinstance(value.get("exporter"), str):
        named = {"name": default_name(value["exporter"]), **value}
        return tables.called(str(named["name"])) | named
    if name is not None or isinstance(value, Mapping | list | type(None)):
        raise ConfigurationError.of(
            where, value, 'Give names, or tables such as {exporter = "otlp", endpoint = "http://..."}.'
        )
    if not isinstance(value, str):
        return Destination(value)  # type: ignore[arg-type]  # it validates the value
    table = tables.called(value)
    exporter = {"exporter": value} if ":" in value else {}  # otherwise the text is the destination's name
    return {"exporter": value, "name": default_name(value)} | table | exporter


def _made(where: str, wanted: Destination | _Fields, variables: Mapping[str, str], tables: Tables) -> Destination:
    """Return the destination of a table and its variables, and have it know which setting names it."""
    if isinstance(wanted, Destination):
        why = f"the program itself creates the destination {wanted.name!r}"
        for ignored in variables.values():
            _warn_ignored(ignored, why)
        if wanted.name in tables.by_name:
            _warn_ignored(f"{wanted.name} of {tables.where}", why)
        wanted.where = where.rstrip("=")
        return wanted
    table = tables.called(str(wanted["name"]))
    fields: _Fields = wanted | {field: _read(field, variable) for field, variable in variables.items()}
    try:
        made = Destination(**fields)
    except ConfigurationError as error:
        message = str(error)
        origins = dict.fromkeys(table, tables.where) | dict(variables)
        origin = next((origin for field, origin in origins.items() if message.startswith(field)), where)
        raise ConfigurationError(f"{origin}: {message}") from error
    is_by_table = made.exporter == table.get("exporter") != made.name
    made.where = tables.where if is_by_table else where.rstrip("=")
    return made


def _variables(where: str, names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Return for each destination the variables that are set for it, by field."""
    prefixes = {name: f"{VARIABLE}{_upper_snake(name)}_" for name in names}
    found: dict[str, dict[str, str]] = {}
    for variable in sorted(os.environ):
        if variable.startswith(VARIABLE) and os.environ[variable].strip():
            longest = max((each for each in prefixes.values() if variable.startswith(each)), key=len, default=None)
            if longest is None:
                _report_unknown(where, variable, names)
                continue
            for name, prefix in prefixes.items():
                if prefix == longest:
                    found.setdefault(name, {})[variable.removeprefix(prefix).lower()] = variable
    return found


def _upper_snake(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name).upper()


def _report_unknown(where: str, variable: str, names: Sequence[str]) -> None:
    """Report a variable that belongs to no destination: one meant to restrict what is sent must not fail silently.

    It is an error, unless the program itself passes the destinations: another program may share the environment.
    """
    known = f"the destinations are {', '.join(names)}"
    if where.endswith("="):
        _warn_ignored(variable, known)
    else:
        raise ConfigurationError(f"{variable} belongs to no destination: {known}. Correct its name, or remove it.")


def _warn_ignored(variable: str, why: str) -> None:
    guard.warn(variable, "%s is ignored: %s.", variable, why)


def _read(field: str, variable: str) -> object:
    """Return a variable's value, converted for its field; a field that is not in the table is an exporter's option."""
    return _READ.get(field, _text)(variable, os.environ[variable].strip())


def _text(_variable: str, written: str) -> str:
    return written


def _number(variable: str, written: str) -> float:
    try:
        return float(written)
    except ValueError as error:
        raise ConfigurationError.of(variable, written, "Give a number such as 0.1.") from error


def flag(variable: str, value: object) -> bool:
    """Return a boolean, or a text that means one; raise `ConfigurationError` for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _FLAGS:
        return _FLAGS[value.strip().lower()]
    raise ConfigurationError.of(variable, value, "Give true or false.")


_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def pairs(variable: str, written: str) -> Mapping[str, object]:
    """Return pairs that are written as `team=blue,region=eu` or as a JSON object."""
    if written.startswith("{"):
        try:
            return msgspec.json.decode(written, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ConfigurationError.of(
                variable, written, f"It is not valid JSON: {error}. Write team=blue,region=eu."
            ) from error
    found = [each.partition("=") for each in written.split(",") if each.strip()]
    if not all(equals and key.strip() for key, equals, _ in found):
        raise ConfigurationError.of(variable, written, "Write pairs, such as team=blue,region=eu.")
    return {key.strip(): value.strip() for key, _, value in found}


def _refuse_name(variable: str, written: str) -> object:
    raise ConfigurationError(
        f"{variable}={written} cannot work: a destination's variables are found by its name. Set the name in "
        "spancast.toml, or in code."
    )


_READ: Mapping[str, Callable[[str, str], object]] = {
    "sample_rate": _number,
    "privacy": flag,
    "metadata": pairs,
    "name": _refuse_name,
}
"""The parsers of fields that are not text."""
