"""What a list of single calls lacks: those that were pruned, and what reconciling noted beside them."""

from collections.abc import Iterator
from datetime import date

from spancast.base import money
from spancast.bookkeeping.answers.adjusted import added, adjusted
from spancast.bookkeeping.answers.filter import Filter, teach
from spancast.bookkeeping.answers.sources import whole
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.kept import complete_since
from spancast.cli.output import human


def lacking(book: Book, chosen: Filter) -> Iterator[str]:
    """Yield what there is to say of what a list of the `chosen` calls lacks."""
    with book.reading() as connection:
        teach(connection)
        beside = added(adjusted(connection, [], [], chosen).values())
    if beside.count:
        yield human.adjusted(beside.count, money.dollars(beside.picos), "which `spancast costs` holds, and no call")
    since = missing(book, chosen)
    if since is not None:
        yield human.pruned(since)


def missing(book: Book, chosen: Filter) -> date | None:
    """Return from which day on a list of the `chosen` calls is whole; `None` where it is."""
    with book.reading() as connection:
        return complete_since(connection, [whole(chosen)])
