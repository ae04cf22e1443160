"""What one process knows of numbers holds no longer than they do."""

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.bookkeeping import id_cache, upkeep
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY
from tests.bookkeeping.records import call, emptied

SEGMENT = "writer-000001.seg"


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as book:
        yield book


def a_call(user: str, **more):
    return call(user=user, session=f"session of {user}", tags={"of": user}, provider=f"p of {user}", **more)


def users(book: Book) -> list[tuple[object, ...]]:
    return [(row.user, row.session, dict(row.tags), row.provider) for row in calls(book, Filter())]


def said(user: str) -> tuple[object, ...]:
    return user, f"session of {user}", {"of": user}, f"p of {user}"


@pytest.mark.parametrize("itself", [True, False])
def test_numbers_that_a_pruning_has_freed_are_not_remembered(book, tmp_path, itself):
    old = a_call("old", started_at=5 * DAY)
    book.apply(SEGMENT, 1, [old])
    with closing(Book(tmp_path)) as another:
        pruning = book if itself else another
        assert upkeep.prune(pruning, 100) == 1
        another.apply("another-000001.seg", 1, [a_call("another")])
        book.apply(SEGMENT, 2, [a_call("old")])
        assert sorted(map(str, users(book))) == sorted(map(str, [said("another"), said("old")]))
        assert upkeep.check(book) == []


def test_nothing_is_remembered_of_a_file_that_is_no_more(book):
    book.apply(SEGMENT, 1, [a_call("u"), a_call("v")])
    emptied(book)
    book.apply(SEGMENT, 1, [a_call("v")])
    assert users(book) == [said("v")]


def test_nothing_is_remembered_of_what_was_rolled_back(book):
    book.apply(SEGMENT, 1, [a_call("u")])
    with book.writing() as connection:
        connection.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON segments BEGIN SELECT RAISE(FAIL, 'full'); END")
    with pytest.raises(sqlite3.Error, match="full"):
        book.apply(SEGMENT, 2, [a_call("v"), a_call("w")])
    with book.writing() as connection:
        connection.execute("DROP TRIGGER full")
    book.apply(SEGMENT, 2, [a_call("w"), a_call("v")])
    assert sorted(map(str, users(book))) == sorted(map(str, [said("u"), said("v"), said("w")]))
    assert upkeep.check(book) == []


def test_what_is_forgotten_for_its_number_is_found_again(book, monkeypatch):
    monkeypatch.setattr(id_cache, "MAX_ENTRIES", 2)
    for number in range(12):
        book.apply(SEGMENT, number + 1, [a_call(f"u{number % 3}", cost=Decimal(1))])
    assert {row[0] for row in users(book)} == {"u0", "u1", "u2"}
    with book.reading() as connection:
        texts, names = connection.execute("SELECT count(*), count(DISTINCT text) FROM texts").fetchone()
    assert texts == names
    assert upkeep.check(book) == []
