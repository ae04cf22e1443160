"""The destinations that the settings name: in a list, in tables of TOML, and each with variables of its own.

What is written of one destination is joined from them: a variable `SPANCAST_DESTINATION_<NAME>_<FIELD>` wins over its
table. A `Destination` that the program made itself is as the program says, since arguments win over variables.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from spancast.base import guard
from spancast.destinations.destination import Destination, default_name
from spancast.errors import ConfigurationError

VARIABLE = "SPANCAST_DESTINATION_"

_Fields = dict[str, Any]


def destinations(where: str, seen: object) -> tuple[Destination, ...]:
    """Return the destinations that are written at `where`; raise `ConfigurationError`."""
    wanted = [_wanted(where, *each) for each in _items(where, seen)]
    names = [each.name if isinstance(each, Destination) else str(each["name"]) for each in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{where} has two destinations called {twice!r}. Give each its own name=.")
    by_name = _variables(where, names) if wanted else {}
    found = tuple(_made(where, each, by_name.get(name, {})) for name, each in zip(names, wanted, strict=True))
    for destination in found:
        destination.where = where.rstrip("=")
    return found


def _items(where: str, seen: object) -> Iterator[tuple[object, str | None]]:
    """Yield what is written of each destination, and its name where that stands before it."""
    if isinstance(seen, str):
        yield from ((item.strip(), None) for item in seen.split(",") if item.strip())
    elif isinstance(seen, Mapping):
        yield from ((table, name) for name, table in seen.items())
    elif isinstance(seen, list | tuple):
        yield from ((item, None) for item in seen)
    else:
        raise ConfigurationError.of(where, seen, 'Give a list such as ["otlp"], or "otlp,otlp2" in a variable.')


def _wanted(where: str, seen: object, name: str | None) -> Destination | _Fields:
    if isinstance(seen, Destination):
        return seen
    if name is not None and isinstance(seen, Mapping):
        seen = {"exporter": name, "name": name, **seen}
    if isinstance(seen, Mapping) and isinstance(seen.get("exporter"), str):
        return {"name": default_name(seen["exporter"]), **seen}
    if name is not None or isinstance(seen, Mapping | list | type(None)):
        raise ConfigurationError.of(
            where, seen, 'Give names, or tables such as {exporter = "otlp", endpoint = "http://..."}.'
        )
    if not isinstance(seen, str):
        return Destination(seen)  # type: ignore[arg-type]  # it judges it, and says what is wrong
    return {"exporter": seen, "name": default_name(seen)}


def _made(where: str, wanted: Destination | _Fields, variables: Mapping[str, str]) -> Destination:
    """Return a destination as its table and its variables have it."""
    if isinstance(wanted, Destination):
        for variable in variables.values():
            _unheeded(variable, f"the program itself makes the destination {wanted.name!r}")
        return wanted
    fields: _Fields = wanted | {field: _read(field, variable) for field, variable in variables.items()}
    try:
        return Destination(**fields)
    except ConfigurationError as error:
        said = str(error)
        to_blame = next((variable for field, variable in variables.items() if said.startswith(field)), where)
        raise ConfigurationError(f"{to_blame}: {said}") from error


def _variables(where: str, names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Return by destination the variables that are set for it, by the field that each is."""
    spelt = {name: f"{VARIABLE}{_spelt(name)}_" for name in names}
    found: dict[str, dict[str, str]] = {}
    for variable in sorted(os.environ):
        if variable.startswith(VARIABLE) and os.environ[variable].strip():
            longest = max((start for start in spelt.values() if variable.startswith(start)), key=len, default=None)
            if longest is None:
                _nobodys(where, variable, names)
                continue
            for name, start in spelt.items():
                if start == longest:
                    found.setdefault(name, {})[variable.removeprefix(start).lower()] = variable
    return found


def _spelt(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name).upper()


def _nobodys(where: str, variable: str, names: Sequence[str]) -> None:
    """Say that a variable is of no destination: what it was to keep back would be sent.

    It is an error, unless the program says where spans go: another one may run in the same environment.
    """
    known = f"the destinations are {', '.join(names)}"
    if where.endswith("="):
        _unheeded(variable, known)
    else:
        raise ConfigurationError(f"{variable} is of no destination: {known}. Mend its name, or take it away.")


def _unheeded(variable: str, why: str) -> None:
    guard.once_a_minute(variable, "%s is not heeded: %s.", variable, why)


def _read(field: str, variable: str) -> object:
    """Return what a variable says, in the kind that the field has; what is not known is the exporter's own."""
    return _READ.get(field, _text)(variable, os.environ[variable].strip())


def _text(_variable: str, written: str) -> str:
    return written


def _number(variable: str, written: str) -> float:
    try:
        return float(written)
    except ValueError as error:
        raise ConfigurationError.of(variable, written, "Give a number such as 0.1.") from error


def flag(variable: str, seen: object) -> bool:
    """Return whether true or false is meant; raise `ConfigurationError` for anything else."""
    if isinstance(seen, bool):
        return seen
    if isinstance(seen, str) and seen.strip().lower() in _FLAGS:
        return _FLAGS[seen.strip().lower()]
    raise ConfigurationError.of(variable, seen, "Give true or false.")


_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def pairs(variable: str, written: str) -> Mapping[str, object]:
    """Return pairs, written as `team=blue,region=eu` or as a JSON object."""
    if written.startswith("{"):
        try:
            return msgspec.json.decode(written, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ConfigurationError.of(
                variable, written, f"It is no JSON: {error}. Write team=blue,region=eu."
            ) from error
    found = [each.partition("=") for each in written.split(",") if each.strip()]
    if not all(equals and key.strip() for key, equals, _ in found):
        raise ConfigurationError.of(variable, written, "Write pairs, such as team=blue,region=eu.")
    return {key.strip(): value.strip() for key, _, value in found}


def _not_so(variable: str, written: str) -> object:
    raise ConfigurationError(f"{variable}={written} is not possible: the name is what the variables are found by.")


_READ: Mapping[str, Callable[[str, str], object]] = {
    "sample_rate": _number,
    "privacy": flag,
    "metadata": pairs,
    "name": _not_so,
}
"""How the text of a field is read that is no text."""
