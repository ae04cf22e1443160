"""Which calls to report, as people write it: the command and `spancast.ledger()` both build their `Filter` here."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypedDict, get_args

from spancast.base import moments
from spancast.base.scrub import without_secrets
from spancast.base.texts import as_text
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import Report
from spancast.capture.values import text
from spancast.errors import ConfigurationError
from spancast.records.call import Outcome
from spancast.settings.resolve import resolve


class CallFilter(TypedDict, total=False):
    """Criteria that a call must meet, all of them. `None` is the same as leaving the criterion out."""

    since: datetime | date | str | None
    """The first instant: a datetime, a day (from its start), or text such as `24h`, `7d` (ago), `today`, `2026-11-01`.

    A time without a zone is in UTC.
    """
    until: datetime | date | str | None
    """The end, exclusive; written in the same ways."""
    user: object
    """As `spancast.attribute` takes it, even if the setting `user_hash` has pseudonyms stored; or a pseudonym."""
    session: object
    model: str | None
    """The model that responded or the one that was requested."""
    requested_model: str | None
    provider: str | None
    operation: str | None
    app: str | None
    """The `service.name` of the program."""
    key: str | None
    """The API key: its hash, an unambiguous beginning of that, or its name in the setting `keys`."""
    error_type: str | None
    outcome: Outcome | None
    tags: Mapping[str, object] | None


CostsQuery = Callable[[Sequence[str], Filter], Report]
"""Returns the sums of the calls that match, by some dimensions, from wherever they are stored."""


def no_costs(_by: Sequence[str], _filter: Filter) -> Report:
    """Return the sums if there is no ledger."""
    return Report.nothing()


def to_filter(criteria: CallFilter, costs: CostsQuery) -> Filter:
    """Return the filter that the criteria mean now: `7d` is a later time with each call.

    Args:
        criteria: What the calls must meet.
        costs: Queried for the keys that there are.

    Raises:
        ConfigurationError: A value cannot be searched for, `since` is after `until`, or no key or several are meant.
        TypeError: A criterion does not exist.
    """
    for name in criteria:
        if name not in CallFilter.__annotations__:
            raise TypeError(f"Calls cannot be filtered by {name!r}, only by {', '.join(CallFilter.__annotations__)}.")
    given: dict[str, Any] = {name: value for name, value in criteria.items() if value is not None}
    parsed: dict[str, Any] = {name: _PARSERS.get(name, _stored_text)(name, value) for name, value in given.items()}
    if "since" in parsed and "until" in parsed and parsed["since"] > parsed["until"]:
        raise ConfigurationError(
            f"since ({parsed['since']}) is after until ({parsed['until']}), so that no call can match. Swap them."
        )
    if "key" in parsed:
        parsed["key"] = _full_hash(parsed["key"], costs)
    return Filter(**parsed)


def stored_user(user: str) -> str:
    """Return a user as the ledger stores it: by pseudonym, if `user_hash` is set in this process or its settings."""
    if _HASH.fullmatch(user):
        return user
    from spancast.attribution.rules import current_rules, pseudonym  # noqa: PLC0415 - OpenTelemetry comes with it

    key = current_rules().hash_key or resolve({}).user_hash
    return user if key is None else str(pseudonym(user, key))


_HASH = re.compile(r"[0-9a-f]{64}")
"""A pseudonym, or an API key's hash."""
_BEGINNING = re.compile(r"[0-9a-f]{1,64}")
"""The beginning of a hash, or all of it."""
_ELLIPSIS = "…"
"""What a table prints in place of the rest of a hash."""


def _full_hash(written: str, costs: CostsQuery) -> str:
    """Return a key's hash, given its name or a beginning that `costs` knows; else return the beginning."""
    names = resolve({}).keys
    if written in names:
        return names[written]
    beginning = written.removesuffix(_ELLIPSIS).lower()
    if not _BEGINNING.fullmatch(beginning):
        raise ConfigurationError(_not_a_key(written, names))
    if _HASH.fullmatch(beginning):
        return beginning
    keys = sorted(key for row in costs(["key"], Filter()) if (key := row.group["key"]) is not None)
    matches = [key for key in keys if key.startswith(beginning)]
    if beginning in matches or not matches:
        return beginning
    if len(matches) > 1:
        raise ConfigurationError(f"The key {written} may be any of {', '.join(matches)}. Write more of it.")
    return matches[0]


def _not_a_key(written: str, names: Mapping[str, str]) -> str:
    """Return what is wrong with the name of a key, which may be the key itself: then it is not repeated."""
    cure = "Give the key's SHA-256 in hexadecimal digits, its beginning, or a name of the setting keys"
    known = f" ({', '.join(names)})" if names else ", which has none here"
    shown = without_secrets(written)
    return f"key cannot be {'the key itself' if shown != written else repr(written)}. {cure}{known}."


def _stored_text(name: str, value: object) -> str:
    """Return a value as the ledger stores it: truncated, and without invalid characters."""
    stored = text(as_text(value))
    if stored is None:
        raise ConfigurationError.of(name, value, "It is empty. Give a value, or leave it out.")
    return stored


def _user(name: str, value: object) -> str:
    return stored_user(_stored_text(name, value))


def _instant(name: str, value: object) -> datetime:
    at = moments.parse(value) if isinstance(value, str) else moments.zoned(value) if isinstance(value, date) else None
    if at is None:
        cure = f"Give a datetime.datetime, a datetime.date, or text. {moments.SYNTAX}"
        raise ConfigurationError.of(name, value, cure)
    return at


def _outcome(name: str, value: object) -> object:
    if value not in get_args(Outcome):
        raise ConfigurationError.of(name, value, f"Give one of {', '.join(get_args(Outcome))}.")
    return value


def _tags(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigurationError.of(name, value, 'Give a mapping, such as {"feature": "search"}.')
    return {_stored_text(name, key): _stored_text(f"{name}[{key!r}]", tag) for key, tag in value.items()}


_PARSERS: Mapping[str, Callable[[str, Any], object]] = {
    "since": _instant,
    "until": _instant,
    "user": _user,
    "outcome": _outcome,
    "tags": _tags,
}
"""How a criterion is parsed; all others are text."""
