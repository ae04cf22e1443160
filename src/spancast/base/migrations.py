"""Whether an SQLite file is one of ours, and bringing it to the current version.

`PRAGMA user_version` counts the migrations that a file has had; 0 is a new file without tables.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from spancast.errors import SpancastError


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the file is ours and has its tables.

    Raises:
        SpancastError: The file is a database of another program.
        sqlite3.DatabaseError: The file is damaged; the error code is SQLite's for damage.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise SpancastError(
            f"{path} is a database of another program, and is left unchanged. Move it away, or point SPANCAST_HOME at "
            "another directory."
        )
    if version < 0:
        raise damage(f"{path} has version {version}, which does not exist")
    definitions = connection.execute(_DEFINITIONS).fetchall()
    if version > 0 and not definitions:
        raise damage(f"{path} has lost its tables")  # the page that lists them is damaged
    for (definition,) in definitions:
        definition.decode()


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Run the migrations that the file has not had; raise `SpancastError` for a file of a later version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise SpancastError(
            f"{path} has version {version}, and this Spancast supports versions up to {len(migrations)}. Upgrade "
            "spancast, or point SPANCAST_HOME at another directory."
        )
    for number in range(version, len(migrations)):
        connection.executescript(f"BEGIN; {migrations[number]}; PRAGMA user_version={number + 1}; COMMIT")


def damage(message: str) -> sqlite3.DatabaseError:
    """Return an error like SQLite's own for a damaged file."""
    error = sqlite3.DatabaseError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


_DEFINITIONS = "SELECT CAST(name || coalesce(sql, '') AS BLOB) FROM sqlite_master"
