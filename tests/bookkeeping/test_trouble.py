"""What is said of a ledger that cannot be used, and the cure."""

import os
import sqlite3
import sys
from contextlib import closing

import pytest

from spancast.base.locks import FileLock, within
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.trouble import ledger_errors
from spancast.errors import SpancastError

HELD = "Wait until it is done, or end it, and try again."


def test_a_process_that_stands_still_with_the_ledger_is_no_damage(tmp_path):
    with (
        closing(Book(tmp_path)) as book,
        FileLock(tmp_path / "ledger.lock"),
        pytest.raises(SpancastError) as raised,
        ledger_errors(tmp_path),
        within(0.0),
    ):
        book.committed_offset("writer-000001.seg")
    assert str(raised.value).endswith(f"locked by another process for 0.0 seconds. Is one suspended? {HELD}")


def test_a_program_that_is_writing_to_the_ledger_is_none_either(tmp_path):
    path = tmp_path / "ledger.db"
    with (
        closing(sqlite3.connect(path)) as writer,
        closing(sqlite3.connect(path, timeout=0.0)) as reader,
    ):
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SpancastError) as raised, ledger_errors(tmp_path):
            reader.execute("SELECT * FROM sqlite_master")
    assert str(raised.value) == (
        f"The ledger in {tmp_path} cannot be used: database is locked. Another process is using it. {HELD}"
    )


def test_where_another_file_is_in_use_too_nobody_is_told_to_move_the_ledger_away(tmp_path):
    other = tmp_path / "outbox.db"
    other.write_bytes(b"no database at all")
    with (
        closing(sqlite3.connect(other)) as connection,
        pytest.raises(SpancastError) as raised,
        ledger_errors(tmp_path, also="the outbox"),
    ):
        connection.execute("SELECT * FROM sqlite_master")
    assert str(raised.value) == (
        f"The ledger or the outbox in {tmp_path} cannot be used: file is not a database. `spancast doctor` shows which "
        "one, and what to do."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes here")
def test_a_pipe_in_place_of_the_ledger_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "ledger.db")
    with (
        pytest.raises(SpancastError, match=r"It is not a regular file.* Move it away, or name another"),
        ledger_errors(tmp_path),
    ):
        pytest.fail("it was taken for a ledger")
