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
    provider: str | None = None
    operation: str | None = None
    app: str | None = None
    outcome: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def condition(chosen: Filter, parameters: dict[str, object]) -> str:
    """Return the condition, and put its values among the parameters."""
    conditions = ["1"]
    for name, condition in _CONDITIONS.items():
        value = getattr(chosen, name)
        if value is not None:
            conditions.append(condition)
            parameters[name] = _nanoseconds(value) if isinstance(value, datetime) else value
    for number, (key, value) in enumerate(chosen.tags.items()):
        conditions.append(f"tag(tags, :key{number}) = :value{number}")
        parameters |= {f"key{number}": key, f"value{number}": value}
    return " AND ".join(conditions)


_CONDITIONS = {
    "since": "started_at >= :since",
    "until": "started_at < :until",
    "user": "user = :user",
    "session": "session = :session",
    "model": ":model IN (response_model, request_model)",
    "provider": "provider = :provider",
    "operation": "operation = :operation",
    "app": "app = :app",
    "outcome": "outcome = :outcome",
}


def _nanoseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


_tags = msgspec.json.Decoder(dict[str, str]).decode


def teach(connection: sqlite3.Connection) -> None:
    """Teach SQL to read a tag: its own JSON functions differ between versions where a key has a quote in it."""
    connection.create_function("tag", 2, _tag, deterministic=True)


def _tag(tags: str, key: str) -> str | None:
    return _tags(tags).get(key)
