"""Which calls a query is about."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from spancast.base.units import INT64_MAX
from spancast.bookkeeping import dangling


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selects the calls that match every field that is set."""

    since: datetime | None = None
    """The first instant, in UTC."""
    until: datetime | None = None
    """The instant after the last, in UTC."""
    user: str | None = None
    session: str | None = None
    model: str | None = None
    """The model that answered or the one requested."""
    requested_model: str | None = None
    provider: str | None = None
    operation: str | None = None
    app: str | None = None
    key: str | None = None
    """The hash of the API key."""
    error_type: str | None = None
    outcome: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def filter_columns(chosen: Filter) -> frozenset[str]:
    """Return the columns that the filter compares, besides the time."""
    of_kinds = {"kind" for name in _OF_KINDS if getattr(chosen, name) is not None}
    of_texts = {name for name in _OF_TEXTS if getattr(chosen, name) is not None}
    return frozenset(of_kinds | of_texts | ({"tags"} if chosen.tags else set()))


def criteria(chosen: Filter) -> Mapping[str, object]:
    """Return the fields of the filter that are set, besides the time."""
    values = {name: getattr(chosen, name) for name in (*_OF_KINDS, *_OF_TEXTS, "tags")}
    return {name: value for name, value in values.items() if value not in (None, {})}


def condition(chosen: Filter, parameters: dict[str, object]) -> str:
    """Return the SQL condition of the filter on `entries`, without the time, and add its values to `parameters`.

    It uses the columns that `filter_columns` returns.
    """
    given = {name: value for name in (*_OF_KINDS, *_OF_TEXTS) if (value := getattr(chosen, name)) is not None}
    parameters |= given
    of_kinds = [_OF_KINDS[name] for name in given if name in _OF_KINDS]
    conditions = [_KIND.format(" AND ".join(of_kinds))] if of_kinds else []
    conditions += [_TEXT.format(name) for name in given if name in _OF_TEXTS]
    for number, (key, value) in enumerate(chosen.tags.items()):
        conditions.append(_TAG.format(number))
        parameters |= {f"key{number}": key, f"value{number}": value}
    return " AND ".join(conditions) or "1"


def check_texts(connection: sqlite3.Connection, chosen: Filter) -> None:
    """Raise `SpancastError` where a text that the filter compares may have been lost: its calls would not be found."""
    for name in _OF_TEXTS:
        wanted = getattr(chosen, name)
        if wanted is not None:
            dangling.check_text(connection, name, wanted)


def time_bounds(chosen: Filter) -> tuple[int | None, int | None]:
    """Return the first instant and the one after the last, in Unix nanoseconds."""
    since, until = chosen.since, chosen.until
    return None if since is None else _nanoseconds(since), None if until is None else _nanoseconds(until)


_OF_KINDS = {
    "model": ":model IN (response_model, request_model)",
    "requested_model": "request_model = :requested_model",
    "provider": "provider = :provider",
    "operation": "operation = :operation",
    "app": "app = :app",
    "key": "key_hash = :key",
    "error_type": "error_type = :error_type",
    "outcome": "outcome = :outcome",
}
_OF_TEXTS = ("user", "session")
_KIND = "kind IN (SELECT id FROM kinds WHERE {0})"
_TEXT = "{0} = (SELECT id FROM texts WHERE text = :{0})"
_TAG = "tag((SELECT text FROM texts WHERE id = tags), :key{0}) = :value{0}"


def _nanoseconds(at: datetime) -> int:
    """Return Unix time; times beyond 64 bits, before or after every call, are clamped."""
    nanoseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    return max(-_LAST, min(nanoseconds, _LAST))


_LAST = INT64_MAX


_tags = msgspec.json.Decoder(dict[str, str]).decode


def register_tag_function(connection: sqlite3.Connection) -> None:
    """Add a function `tag` to SQL: SQLite's JSON functions differ between versions for keys with a quote."""
    connection.create_function("tag", 2, _tag, deterministic=True)


def _tag(tags: str | None, key: str) -> str | None:
    return None if tags is None else _tags(tags).get(key)
