"""What a list of single calls lacks since they were pruned."""

from datetime import date

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.sources import whole
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.kept import complete_since


def missing(book: Book, chosen: Filter) -> date | None:
    """Return from which day on a list of the `chosen` calls is whole; `None` where it is."""
    with book.reading() as connection:
        return complete_since(connection, [whole(chosen)])
