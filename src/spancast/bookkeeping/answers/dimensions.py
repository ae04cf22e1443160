"""What calls can be grouped by. Times are UTC, as in OpenRouter's own activity and limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection
from typing import Any

import msgspec

from spancast.bookkeeping import texts
from spancast.bookkeeping.dangling import damage_error
from spancast.bookkeeping.rollups import date_of
from spancast.errors import ConfigurationError

Group = tuple[str | None, ...]
"""The values of a group, in the order of its dimensions."""

_HOURS = 3600
_tags = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: the column of the ledger that it is computed from, and how."""

    column: str
    """`kind`, `user`, `session`, `tags`, `day` or `hour`; the last two count since 1970."""
    value_of: Callable[[Any], str | None]
    """Returns its value for the row of a kind, a text, a day or an hour."""


def _monday(day: int) -> str:
    on = date_of(day)
    return (on - timedelta(days=on.weekday())).isoformat()


def _identity(text: str | None) -> str | None:
    return text


def _of_kind(column: str) -> Dimension:
    return Dimension("kind", lambda kind: kind[column])


DIMENSIONS: Mapping[str, Dimension] = {
    "user": Dimension("user", _identity),
    "session": Dimension("session", _identity),
    "model": Dimension("kind", lambda kind: kind["response_model"] or kind["request_model"]),
    "requested_model": _of_kind("request_model"),
    "provider": _of_kind("provider"),
    "operation": _of_kind("operation"),
    "app": _of_kind("app"),
    "key": _of_kind("key_hash"),
    "error_type": _of_kind("error_type"),
    "hour": Dimension("hour", lambda hour: f"{datetime.fromtimestamp(hour * _HOURS, UTC):%Y-%m-%dT%H:00Z}"),
    "day": Dimension("day", lambda day: date_of(day).isoformat()),
    "week": Dimension("day", _monday),
    "month": Dimension("day", lambda day: f"{date_of(day):%Y-%m}"),
}
"""All dimensions but `tag:KEY`. `model` is the one that answered, else the one requested; `app` is the resource's
`service.name`; `key` is the hash of the API key; a week is named by its Monday."""

TAG = "tag:"
"""The prefix of a dimension that is the value of a tag."""


def is_dimension(name: str) -> bool:
    """Return whether a dimension has this name; a program may pass anything."""
    return isinstance(name, str) and (name in DIMENSIONS or (name.startswith(TAG) and name != TAG))


def dimension(name: str) -> Dimension:
    """Return the dimension of that name; raise `ConfigurationError` for one that is unknown."""
    if not is_dimension(name):
        raise ConfigurationError.of("by", name, f"Give any of {', '.join(DIMENSIONS)}, or tag:KEY.")
    if name in DIMENSIONS:
        return DIMENSIONS[name]
    key = name.removeprefix(TAG)
    return Dimension("tags", lambda tags: None if tags is None else _tags(tags).get(key))


class Legend:
    """Maps the ids in columns to what they refer to."""

    def __init__(self, connection: Connection, columns: Mapping[str, Sequence[int | None]]) -> None:
        """Look up the ids in `columns`; raise `SpancastError` where one is dangling."""
        self._meanings = {column: _whole(connection, column, set(numbers)) for column, numbers in columns.items()}

    def __getitem__(self, column: str) -> Mapping[int | None, Any]:
        return self._meanings[column]


def _whole(connection: Connection, column: str, numbers: set[int | None]) -> Mapping[int | None, Any]:
    found = _meanings(connection, column, numbers)
    gone = [number for number in numbers if number is not None and number not in found]
    if gone:
        raise damage_error("kinds" if column == "kind" else "texts", gone)
    return found


def _meanings(connection: Connection, column: str, numbers: set[int | None]) -> Mapping[int | None, Any]:
    if column == "kind":
        return {row["id"]: row for row in connection.execute("SELECT * FROM kinds")}
    if column in ("user", "session", "tags"):
        return texts.by_id(connection, numbers)
    return {number: number for number in numbers}
