"""SQLite's WAL-reset bug needs a commit during a checkpoint: both run under one lock, whoever runs them."""

import sqlite3
from pathlib import Path

import pytest

from spancast.base import store
from spancast.base.locks import FileLock
from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.ack import Ack
from spancast.delivery.outbox.outbox import Outbox
from tests.bookkeeping.records import call

ROOT = Path(__file__).parents[2]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Note every statement that is run, and whether its file's lock was held by then."""
    seen: list[tuple[str, bool]] = []
    connect = sqlite3.connect

    def traced(path: Path, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(path, **options)  # type: ignore[call-overload]

        def note(statement: str) -> None:
            other = FileLock(path.with_suffix(".lock"))
            free = other.acquire()
            other.release()
            seen.append((statement, not free))

        connection.set_trace_callback(note)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return seen


def test_every_commit_and_every_checkpoint_runs_under_the_lock_of_its_file(
    tmp_path: Path, statements: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHECKPOINT_BYTES", 0)
    journal, book, outbox = Journal(tmp_path), Book(tmp_path), Outbox(tmp_path)
    journal.append(call(destinations=("platform",)))
    Drainer(tmp_path, [book, outbox]).drain(5.0, journal)
    (taken,) = outbox.take("platform", 5)
    outbox.ack("platform", Ack(cursor=taken.seq, delivered=[taken.seq]))
    journal.close()
    Drainer(tmp_path, [book, outbox]).drain(5.0)
    book.damage()
    writing = [
        (statement, held)
        for statement, held in statements
        if statement.split()[0].upper() in ("COMMIT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER")
        or "checkpoint" in statement
        or statement == "BEGIN IMMEDIATE"
    ]
    assert [statement for statement, held in writing if not held] == []
    assert {"COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)", "BEGIN IMMEDIATE"} <= {statement for statement, _ in writing}
    assert ("PRAGMA wal_autocheckpoint=0", True) in statements
    book.close()
    outbox.close()


def test_nothing_else_of_ours_opens_a_database_to_write() -> None:
    opening = [
        path.name
        for path in (ROOT / "src").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "sqlite3.connect(" in line and "mode=ro&immutable=1" not in line
    ]
    assert opening == ["store.py"]
