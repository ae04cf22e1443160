"""`spancast tail`: every call once, soon, whoever books it."""

import json
import sys
import threading

import pytest

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.cli.tail import Cursor
from tests.bookkeeping.records import call, output
from tests.cli.pipe import Pipe
from tests.cli.terminal import Terminal

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are POSIX's")

AT = 1_790_000_000_000_000_000
WRITER = """
import sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
journal = Journal(Path(sys.argv[1]))
for number in range(300):
    journal.append(call(user=f"{sys.argv[2]}-{number}"))
journal.close()
"""


def next_users(tail, count):
    return [json.loads(tail.line())["user"] for _ in range(count)]


@posix
def test_the_newest_come_first_and_then_what_is_made_newest_last(home, written):
    written(*(call(user=str(number), started_at=AT + number) for number in (2, 0, 1)))
    with Pipe("tail", "--json", "-n", 2) as tail:
        assert next_users(tail, 2) == ["1", "2"]
        written(call(user="3"))
        assert next_users(tail, 1) == ["3"]
        written(call(user="4"), call(user="5"))
        assert next_users(tail, 2) == ["4", "5"]
        assert tail.interrupt() == (0, "", "")


@posix
def test_a_line_is_what_calls_prints(home, written, spancast):
    written(call(user="u", tags={"a": "b"}, input_tokens=3))
    with Pipe("tail", "--json") as tail:
        line = tail.line()
        assert tail.interrupt()[0] == 0
    assert line == spancast("calls", "--json")[1]


@posix
def test_filters_leave_what_is_asked_for(home, written):
    written(call(user="a"), call(user="b"))
    with Pipe("tail", "--json", "--user", "a") as tail:
        assert next_users(tail, 1) == ["a"]
        written(call(user="b"), call(user="a", session="later"))
        assert json.loads(tail.line())["session"] == "later"
        assert tail.interrupt() == (0, "", "")


@posix
def test_a_ledger_that_is_not_there_yet_is_waited_for(home, written):
    with Pipe("tail", "--json", "-n", 0) as tail:
        assert tail.complaint().startswith("No calls yet.")
        written(call(user="first"))
        written(call(user="second"))
        assert set(next_users(tail, 2)) == {"first", "second"}
        assert tail.interrupt()[0] == 0


@posix
def test_no_call_is_shown_twice_or_missed_while_others_write_and_book(home, written, spancast):
    written(call(user="before"))
    with Pipe("tail", "--json", "-n", 1) as tail:
        assert next_users(tail, 1) == ["before"]
        writers = [threading.Thread(target=output, args=(WRITER, home, name)) for name in "ab"]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            spancast("costs")  # which books, too
        for writer in writers:
            writer.join()
        seen = next_users(tail, 600)
        written(call(user="after"))
        assert next_users(tail, 1) == ["after"]
        assert tail.interrupt() == (0, "", "")
    assert sorted(seen) == sorted(f"{name}-{number}" for name in "ab" for number in range(300))


@posix
def test_a_reader_that_goes_away_ends_it_quietly_without_another_call(home, written):
    written(call(user="u"))
    with Pipe("tail", "--json") as tail:
        assert next_users(tail, 1) == ["u"]
        assert tail.leave() == (0, "")


@posix
def test_on_a_terminal_it_is_a_table_that_fits(home, written):
    written(call(user="\x1b[2Jnasty\n" * 9, response_model="m" * 99, outcome="error", error_type="e" * 200))
    with Terminal("tail", columns=70) as terminal:
        terminal.until("…")
        assert terminal.interrupt() == 0
    assert terminal.printed.startswith("\x1b[1m")
    lines = terminal.printed.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) == 2
    assert lines[0].split()[-4:] == ["model", "user", "outcome", "cost"]
    assert max(map(len, lines)) <= 70
    assert all(line.isprintable() for line in lines)


def test_a_ledger_that_is_begun_anew_is_shown_from_its_beginning(tmp_path):
    cursor = Cursor(tmp_path, Filter(), 10)
    for users in (["a", "b"], ["c"]):
        book = Book(tmp_path)
        book.apply("w-1.seg", 1, [call(user=user) for user in users])
        assert [row.user for row in cursor.new(book)] == users
        assert list(cursor.new(book)) == []
        book.close()
        (tmp_path / "ledger.db").rename(tmp_path / "set aside")


def test_a_call_that_is_pruned_brings_no_other_back(tmp_path):
    book, cursor = Book(tmp_path), Cursor(tmp_path, Filter(), 10)
    book.apply("w-1.seg", 1, [call(user="a"), call(user="b"), call(user="c")])
    assert [row.user for row in cursor.new(book)] == ["a", "b", "c"]
    with book.writing() as connection:
        connection.execute("DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)")
    assert list(cursor.new(book)) == []
    book.apply("w-1.seg", 2, [call(user="d")])
    assert [row.user for row in cursor.new(book)] == ["d"]
    book.close()


def test_a_call_that_was_taken_for_killed_is_not_shown_again(tmp_path):
    book, cursor = Book(tmp_path), Cursor(tmp_path, Filter(), 10)
    book.apply("w-1.seg", 1, [call(call_id="a" * 32, outcome="killed"), call(call_id="b" * 32)])
    assert [row.call_id for row in cursor.new(book)] == ["a" * 32, "b" * 32]
    book.apply("w-1.seg", 2, [call(call_id="a" * 32), call(call_id="c" * 32)])
    assert [row.call_id for row in cursor.new(book)] == ["c" * 32]
    book.close()


def test_more_calls_than_are_read_at_a_time_come_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr("spancast.bookkeeping.answers.calls.PAGE", 7)
    book, cursor = Book(tmp_path), Cursor(tmp_path, Filter(), 0)
    assert list(cursor.new(book)) == []
    book.apply("w-1.seg", 1, [call(user=str(number), started_at=AT - number) for number in range(21)])
    assert [row.user for row in cursor.new(book)] == [str(number) for number in range(21)]
    book.close()


@pytest.mark.parametrize("wrong", ["-1", "x", "", "²"])
def test_a_number_that_is_none_is_misuse(spancast, home, wrong):
    status, printed, complaint = spancast("tail", f"-n{wrong}" if wrong else "-n=")
    assert (status, printed) == (2, "")
    assert "is not a number of calls. Write 0 or more." in complaint
