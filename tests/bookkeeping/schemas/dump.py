"""Writes the file of today's version; see README.md."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.schema import MIGRATIONS
from tests.bookkeeping.schemas.calls import CALLS, LOST, LOST_COST, UNDER_WAY

FOLDER = Path(__file__).parent


def dump(folder: Path) -> str:
    """Return the SQL of a ledger that is made in a folder."""
    with closing(Book(folder)) as book:
        book.apply("writer-000001.seg", 1000, [*CALLS, UNDER_WAY])
        book.note_damage("writer-000001.seg", [7], "torn")
        book.note_lost("writer", LOST, LOST_COST)
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return "\n".join([*connection.iterdump(), f"PRAGMA user_version={version};\n"])


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        (FOLDER / f"{len(MIGRATIONS)}.sql").write_text(dump(Path(made)), "utf-8")
