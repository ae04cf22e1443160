"""References in the ledger to a text or a kind that does not exist, since somebody has deleted it by hand.

What they referred to is lost. `repair` gives each a new name of its own, so that the dollars of one user stay together.
"""

from collections.abc import Collection, Iterator
from sqlite3 import Connection
from typing import NamedTuple

from spancast.errors import SpancastError


class _Reference(NamedTuple):
    """A column that holds ids of another table."""

    table: str
    column: str
    target: str
    replacement: str | None = None
    """The SQL of a text to insert for a lost `id`; `None` to set the column to NULL."""


_LOST = "'lost-' || id || '-' || lower(hex(randomblob(4)))"
"""A unique name."""
_ROUTE = f"json_array({_LOST}, NULL, NULL)"

_REFERENCES = (
    _Reference("entries", "tags", "texts"),
    _Reference("entries", "setting", "texts"),
    _Reference("entries", "user", "texts", _LOST),
    _Reference("entries", "session", "texts", _LOST),
    _Reference("users_daily", "user", "texts", _LOST),
    _Reference("users_monthly", "user", "texts", _LOST),
    _Reference("latencies", "route", "texts", _ROUTE),
    _Reference("entries", "kind", "kinds"),
    _Reference("kinds_daily", "kind", "kinds"),
)


def damage_error(table: str, numbers: Collection[int]) -> SpancastError:
    """Return the error for ids that `table` lacks."""
    return SpancastError(
        f"The ledger is damaged: row {min(numbers)} of its table {table} is missing, and other rows refer to it. "
        "`spancast ledger check` lists what is wrong; `spancast ledger rebuild` repairs it as far as possible."
    )


def check_kinds(connection: Connection) -> None:
    """Raise `SpancastError` where calls refer to a missing kind. Only a deletion by hand leaves a gap in the ids."""
    count, last = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM kinds").fetchone()
    if count < last:
        (gone,) = connection.execute(_MISSING_KIND).fetchone()
        if gone is not None:
            raise damage_error("kinds", [gone])


def check_text(connection: Connection, column: str, text: str) -> None:
    """Raise `SpancastError` if `text` is not stored, and the `column` of a call refers to a text that is missing."""
    if connection.execute("SELECT 1 FROM texts WHERE text = ?", (text,)).fetchone() is None:
        (gone,) = connection.execute(_MISSING_TEXT[column]).fetchone()
        if gone is not None:
            raise damage_error("texts", [gone])


def problems(connection: Connection) -> Iterator[str]:
    """Yield a sentence for each column with dangling references."""
    for reference in _REFERENCES:
        rows, numbers = connection.execute(_COUNT.format(reference=reference)).fetchone()
        if rows:
            yield (
                f"{reference.table}: {rows:,} of its rows refer to a {reference.column} that is missing "
                f"({numbers:,} rows of {reference.target} were lost)."
            )


def repair(connection: Connection) -> int:
    """Insert a row for each dangling reference, and clear those to tags and settings; return how many ids were lost."""
    count = 0
    for reference in _REFERENCES:
        if reference.target == "kinds":
            count += connection.execute(_KIND.format(reference=reference)).rowcount
        elif reference.replacement is not None:
            count += connection.execute(_TEXT.format(reference=reference)).rowcount
        else:
            count += connection.execute(_COUNT.format(reference=reference)).fetchone()[1]
            connection.execute(_CLEAR.format(reference=reference))
    return count


_MISSING_KIND = """
    SELECT min(kind) FROM (SELECT kind FROM kinds_daily UNION SELECT kind FROM entries WHERE outsize)
    WHERE kind NOT IN (SELECT id FROM kinds)
"""
_MISSING_TEXT = {
    "user": "SELECT min(user) FROM users_monthly WHERE user <> 0 AND user NOT IN (SELECT id FROM texts)",
    "session": "SELECT min(session) FROM entries WHERE session NOT IN (SELECT id FROM texts)",
}
_IS_DANGLING = "{reference.column} <> 0 AND {reference.column} NOT IN (SELECT id FROM {reference.target})"
"""Zero stands for no user."""
_COUNT = f"SELECT count(*), count(DISTINCT {{reference.column}}) FROM {{reference.table}} WHERE {_IS_DANGLING}"  # noqa: S608 - names
_NUMBERS = f"SELECT DISTINCT {{reference.column}} AS id FROM {{reference.table}} WHERE {_IS_DANGLING}"  # noqa: S608 - names
_CLEAR = f"UPDATE {{reference.table}} SET {{reference.column}} = NULL WHERE {_IS_DANGLING}"  # noqa: S608 - names
_TEXT = f"INSERT INTO texts(id, text) SELECT id, {{reference.replacement}} FROM ({_NUMBERS})"  # noqa: S608 - names
_KIND = f"""
    INSERT INTO kinds(id, whole, operation, outcome, streamed, request_models, sampled)
    SELECT id, {_LOST}, 'unknown', 'killed', 0, '[]', 1 FROM ({_NUMBERS})
"""  # noqa: S608 - names
"""As of a call whose process was killed: nothing is known but that it was made."""
