"""What the ledger of a home says, after all that its processes left is drained; and a comparison with their marks."""

from collections import Counter
from contextlib import closing
from pathlib import Path

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import journal_folder
from spancast.delivery.outbox.outbox import Outbox
from tests.support.oracle import marks


def drained(home: Path) -> list[tuple[str, str]]:
    """Return user and outcome of every call, once nothing is left to drain; each account has to add up."""
    with closing(Book(home)) as book, closing(Outbox(home)) as outbox:
        assert Drainer(home, [book, outbox]).drain(30.0)
        for standing in outbox.standings():
            decided = standing.delivered + standing.dead + standing.expired + standing.shed + standing.skipped
            assert standing.captured == decided + standing.waiting, standing
        with book.reading() as connection:
            return [tuple(row) for row in connection.execute("SELECT user, outcome FROM calls ORDER BY seq")]


def assert_whole(home: Path, marked: Path, *, in_flight: int = 1) -> Counter[str]:
    """Every call that a program marked as done is booked once; return how many there are of each outcome.

    At most `in_flight` calls that were begun and not marked as done may be there too, or may not: the program died
    with them.
    """
    rows = drained(home)
    booked, done, begun = Counter(user for user, _ in rows), marks(marked, "done"), set(marks(marked, "begun"))
    assert [user for user in done if booked[user] != 1] == [], "lost or doubled"
    assert not {*booked} - begun, "never begun"
    assert len(begun - {*done}) <= in_flight
    assert not list(journal_folder(home).glob("*.seg"))
    with closing(Book(home)) as book:
        assert book.damage() == 0
    return Counter(outcome for _, outcome in rows)
