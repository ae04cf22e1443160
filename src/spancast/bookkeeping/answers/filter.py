"""Which calls a question is about."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which calls are meant: those that are all that is given."""

    since: datetime | None = None
    """The first instant."""
    until: datetime | None = None
    """The instant after the last."""
    user: str | None = None
    session: str | None = None
    model: str | None = None
    """The model that answered or the one asked for."""
    requested_model: str | None = None
    provider: str | None = None
    operation: str | None = None
    app: str | None = None
    key: str | None = None
    """The hash of the API key."""
    error_type: str | None = None
    outcome: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def grounds(chosen: Filter) -> frozenset[str]:
    """Return by which columns the filter tells calls apart, besides their time."""
    of_kinds = {"kind" for name in _OF_KINDS if getattr(chosen, name) is not None}
    of_texts = {name for name in _OF_TEXTS if getattr(chosen, name) is not None}
    return frozenset(of_kinds | of_texts | ({"tags"} if chosen.tags else set()))


def named(chosen: Filter) -> Mapping[str, object]:
    """Return what is asked for besides a time, by the names of the filter's fields."""
    values = {name: getattr(chosen, name) for name in (*_OF_KINDS, *_OF_TEXTS, "tags")}
    return {name: value for name, value in values.items() if value not in (None, {})}


def condition(chosen: Filter, parameters: dict[str, object]) -> str:
    """Return the condition on what an entry is besides its time, and put its values among the parameters.

    It asks the columns `kind`, `user`, `session` and `tags`, those that `grounds` says.
    """
    asked = {name: value for name in (*_OF_KINDS, *_OF_TEXTS) if (value := getattr(chosen, name)) is not None}
    parameters |= asked
    of_kinds = [_OF_KINDS[name] for name in asked if name in _OF_KINDS]
    conditions = [_KIND.format(" AND ".join(of_kinds))] if of_kinds else []
    conditions += [_TEXT.format(name) for name in asked if name in _OF_TEXTS]
    for number, (key, value) in enumerate(chosen.tags.items()):
        conditions.append(_TAG.format(number))
        parameters |= {f"key{number}": key, f"value{number}": value}
    return " AND ".join(conditions) or "1"


def window(chosen: Filter) -> tuple[int | None, int | None]:
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
    """Return Unix time; what 64 bits do not hold is before, or after, every call."""
    nanoseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    return max(-_LAST, min(nanoseconds, _LAST))


_LAST = 2**63 - 1


_tags = msgspec.json.Decoder(dict[str, str]).decode


def teach(connection: sqlite3.Connection) -> None:
    """Teach SQL to read a tag: its own JSON functions differ between versions where a key has a quote in it."""
    connection.create_function("tag", 2, _tag, deterministic=True)


def _tag(tags: str | None, key: str) -> str | None:
    return None if tags is None else _tags(tags).get(key)
