"""Numbers in the ledger that stand for a text or a kind which is not there, since somebody has deleted it by hand.

Nothing can say any more what they stood for. Mended, each stands for a name of its own, so that the dollars of one user
stay together and none is lost.
"""

from collections.abc import Collection, Iterator
from sqlite3 import Connection
from typing import NamedTuple

from spancast.errors import SpancastError


class _Naming(NamedTuple):
    """A column whose numbers stand for rows of another table."""

    table: str
    column: str
    of: str
    stands_in: str | None = None
    """The SQL of a text that takes the place of one that is lost, given its `id`; `None` where nothing can."""


_LOST = "'lost-' || id || '-' || lower(hex(randomblob(4)))"
"""A name that nobody has."""
_ROUTE = f"json_array({_LOST}, NULL, NULL)"

_NAMINGS = (
    _Naming("entries", "tags", "texts"),
    _Naming("entries", "setting", "texts"),
    _Naming("entries", "user", "texts", _LOST),
    _Naming("entries", "session", "texts", _LOST),
    _Naming("users_daily", "user", "texts", _LOST),
    _Naming("users_monthly", "user", "texts", _LOST),
    _Naming("latencies", "route", "texts", _ROUTE),
    _Naming("entries", "kind", "kinds"),
    _Naming("kinds_daily", "kind", "kinds"),
)


def lost(table: str, numbers: Collection[int]) -> SpancastError:
    """Return the error that rows stand for something which is not among these of a table."""
    return SpancastError(
        f"The ledger is damaged: number {min(numbers)} of its {table} is not there, and other rows name it. "
        "`spancast ledger check` says what is wrong; `spancast ledger rebuild` mends what can be mended."
    )


def see_kinds(connection: Connection) -> None:
    """Raise `SpancastError` where a kind is not there that calls are of. Only by hand can their numbers get a gap."""
    count, last = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM kinds").fetchone()
    if count < last:
        (gone,) = connection.execute(_GONE).fetchone()
        if gone is not None:
            raise lost("kinds", [gone])


def found(connection: Connection) -> Iterator[str]:
    """Yield in words what stands for nothing."""
    for naming in _NAMINGS:
        rows, numbers = connection.execute(_COUNT.format(naming=naming)).fetchone()
        if rows:
            yield (
                f"{naming.table}: {rows:,} of its rows name a {naming.column} that is not there "
                f"({numbers:,} of the {naming.of} were lost)."
            )


def mend(connection: Connection) -> int:
    """Give what stands for nothing something to stand for, and take away the tags and settings that are lost.

    Return how many names, tags and settings were lost.
    """
    count = 0
    for naming in _NAMINGS:
        if naming.of == "kinds":
            count += connection.execute(_KIND.format(naming=naming)).rowcount
        elif naming.stands_in is not None:
            count += connection.execute(_TEXT.format(naming=naming)).rowcount
        else:
            count += connection.execute(_COUNT.format(naming=naming)).fetchone()[1]
            connection.execute(_NOTHING.format(naming=naming))
    return count


_GONE = """
    SELECT min(kind) FROM (SELECT kind FROM kinds_daily UNION SELECT kind FROM entries WHERE outsize)
    WHERE kind NOT IN (SELECT id FROM kinds)
"""
_IS_LOST = "{naming.column} <> 0 AND {naming.column} NOT IN (SELECT id FROM {naming.of})"
"""Zero is nobody."""
_COUNT = f"SELECT count(*), count(DISTINCT {{naming.column}}) FROM {{naming.table}} WHERE {_IS_LOST}"  # noqa: S608 - names
_NUMBERS = f"SELECT DISTINCT {{naming.column}} AS id FROM {{naming.table}} WHERE {_IS_LOST}"  # noqa: S608 - names
_NOTHING = f"UPDATE {{naming.table}} SET {{naming.column}} = NULL WHERE {_IS_LOST}"  # noqa: S608 - names
_TEXT = f"INSERT INTO texts(id, text) SELECT id, {{naming.stands_in}} FROM ({_NUMBERS})"  # noqa: S608 - names
_KIND = f"""
    INSERT INTO kinds(id, whole, operation, outcome, streamed, request_models, sampled)
    SELECT id, {_LOST}, 'unknown', 'killed', 0, '[]', 1 FROM ({_NUMBERS})
"""  # noqa: S608 - names
"""A call of which no more is known than that it was made, as one has whose process was killed."""
