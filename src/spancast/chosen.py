"""Which calls are meant, as people say it: the command and `spancast.ledger()` both have their filter from here."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypedDict, get_args

from spancast.base import moments
from spancast.base.texts import as_text
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import Report
from spancast.capture.values import text
from spancast.errors import ConfigurationError
from spancast.records.call import Outcome
from spancast.settings.resolve import resolve


class Chosen(TypedDict, total=False):
    """Which calls are meant: those that are all that is given. `None` is as if it were left out."""

    since: datetime | date | str | None
    """The first instant: a time, a day from its beginning on, or text such as `24h`, `7d` (ago), `today`, `2026-11-01`.

    A time without a zone is meant in UTC.
    """
    until: datetime | date | str | None
    """The instant after the last, likewise."""
    user: object
    """As `spancast.attribute` is given it, also where the setting `user_hash` has pseudonyms written.

    A pseudonym is taken as well.
    """
    session: object
    model: str | None
    """The model that answered or the one asked for."""
    requested_model: str | None
    provider: str | None
    operation: str | None
    app: str | None
    """The `service.name` of the program."""
    key: str | None
    """The API key: its hash, as much of the beginning as no other key has, or its name in the setting `keys`."""
    error_type: str | None
    outcome: Outcome | None
    tags: Mapping[str, object] | None


Source = Callable[[Sequence[str], Filter], Report]
"""Finds the sums of the chosen calls by some dimensions, wherever they lie."""


def nothing(_by: Sequence[str], _chosen: Filter) -> Report:
    """Return the sums where there is no ledger."""
    return Report.nothing()


def meant(said: Chosen, costs: Source) -> Filter:
    """Return the filter that is meant now: `7d` is later each time.

    `costs` are asked which keys there are. Raises `ConfigurationError` for what cannot be looked for, and for the
    beginning of several keys; `TypeError` for a name that is none of `Chosen`.
    """
    for name in said:
        if name not in Chosen.__annotations__:
            raise TypeError(f"Calls are not chosen by {name!r}, but by {', '.join(Chosen.__annotations__)}.")
    given: dict[str, Any] = {name: seen for name, seen in said.items() if seen is not None}
    found: dict[str, Any] = {name: _READ.get(name, _held)(name, seen) for name, seen in given.items()}
    if "key" in found:
        found["key"] = _whole(found["key"], costs)
    return Filter(**found)


def as_written(user: str) -> str:
    """Return a user as the ledger has it: by the pseudonym, where `user_hash` is in this process or its settings."""
    if _HASH.fullmatch(user):
        return user
    from spancast.attribution.rules import in_force, pseudonym  # noqa: PLC0415 - OpenTelemetry comes with it

    key = in_force().hash_key or resolve({}).user_hash
    return user if key is None else str(pseudonym(user, key))


_HASH = re.compile(r"[0-9a-f]{64}")
"""What a pseudonym looks like, and a key's hash."""
_CUT = "…"
"""What a table has in place of the rest of a hash."""


def _whole(written: str, costs: Source) -> str:
    """Return the hash that is meant, by its name or of those that `costs` know; what was written where none is."""
    if _HASH.fullmatch(written):
        return written
    named = resolve({}).keys.get(written)
    if named is not None:
        return named
    beginning = written.removesuffix(_CUT)
    known = sorted(key for row in costs(["key"], Filter()) if (key := row.group["key"]) is not None)
    meant = [key for key in known if key.startswith(beginning)]
    if beginning in meant or not meant:
        return beginning
    if len(meant) > 1:
        raise ConfigurationError(f"The key {written} may be any of {', '.join(meant)}. Write more of it.")
    return meant[0]


def _held(name: str, seen: object) -> str:
    """Return a value as the ledger would hold it: cut, and of characters that there are."""
    found = text(as_text(seen))
    if found is None:
        raise ConfigurationError.of(name, seen, "It is nothing to look for. Give a value, or leave it out.")
    return found


def _user(name: str, seen: object) -> str:
    return as_written(_held(name, seen))


def _instant(name: str, seen: object) -> datetime:
    at = moments.moment(seen) if isinstance(seen, str) else moments.zoned(seen) if isinstance(seen, date) else None
    if at is None:
        raise ConfigurationError.of(name, seen, f"Give a datetime.datetime, a datetime.date, or text. {moments.CURE}")
    return at


def _outcome(name: str, seen: object) -> object:
    if seen not in get_args(Outcome):
        raise ConfigurationError.of(name, seen, f"Give one of {', '.join(get_args(Outcome))}.")
    return seen


def _tags(name: str, seen: object) -> Mapping[str, str]:
    if not isinstance(seen, Mapping):
        raise ConfigurationError.of(name, seen, 'Give a mapping, such as {"feature": "search"}.')
    return {_held(name, key): _held(f"{name}[{key!r}]", value) for key, value in seen.items()}


_READ: Mapping[str, Callable[[str, Any], object]] = {
    "since": _instant,
    "until": _instant,
    "user": _user,
    "outcome": _outcome,
    "tags": _tags,
}
"""How what is said becomes what is looked for; all else is text."""
