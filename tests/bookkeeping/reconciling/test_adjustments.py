import sqlite3
from contextlib import closing
from decimal import Decimal

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import adjustments
from spancast.bookkeeping.reconciling.adjustments import Adjustment
from spancast.bookkeeping.reconciling.amount import NOTHING
from tests.bookkeeping.reconciling.rows import amount, bill


def noted(delta, **known):
    return Adjustment(**({"kind": "different", "delta": delta, "booked": None, "billed": Decimal(0)} | known))


def test_adjustments_of_one_generation_add_up(tmp_path):
    with closing(Book(tmp_path)) as book:
        adjustments.store(book, [noted(amount("0.1"), generation=bill("gen-1"))])
        adjustments.store(book, [noted(amount("0.02", "3"), generation=bill("gen-1"))])
        adjustments.store(book, [noted(amount("-1"), call_id="c")])
        kept = adjustments.stored(book)
    assert kept["gen-1"] == amount("0.12", "3")
    assert kept[adjustments.name(None, "c")] == amount("-1")


def test_a_ledger_without_any_has_none(tmp_path):
    with closing(Book(tmp_path)) as book:
        adjustments.store(book, [])
        assert adjustments.stored(book).get("gen-1", NOTHING) == NOTHING


def test_a_row_says_what_it_was_and_what_it_is(tmp_path):
    long = "0.1234567890123456789"
    with closing(Book(tmp_path)) as book:
        adjustments.store(
            book,
            [
                noted(
                    amount(long, "2"),
                    booked=Decimal("0.10"),
                    billed=Decimal("0.2234567890123456789"),
                    call_id="c",
                    generation=bill("gen-1795694400-abc", model="m", provider="p", app="a", key="k", user="u"),
                )
            ],
        )
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM adjustments").fetchone())
    assert row.pop("at") > 0
    assert row == {
        "seq": 1,
        "kind": "different",
        "call_id": "c",
        "generation_id": "gen-1795694400-abc",
        "billed_at": 1_795_694_400 * 10**9,
        "cost": 123_456_789_012,
        "cost_text": long,
        "byok_text": "2",
        "booked_text": "0.10",
        "billed_text": "0.2234567890123456789",
        "model": "m",
        "provider": "p",
        "app": "a",
        "key": "k",
        "user": "u",
    }
