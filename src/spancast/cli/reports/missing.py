"""What a list of single calls lacks: adjustments, which belong to no call, and calls that were pruned."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from spancast.base import money
from spancast.bookkeeping.answers.adjustment_sums import adjustment_sums, total_of
from spancast.bookkeeping.answers.filter import Filter, register_tag_function
from spancast.bookkeeping.answers.sources import time_range
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.retention import complete_since


@dataclass(frozen=True, slots=True)
class Missing:
    """What `spancast costs` includes, and a list of the same calls does not."""

    adjustments: int
    adjusted: Decimal
    """US dollars of the adjustments."""
    complete_since: date | None
    """The first day whose calls are all in the list; `None` if no call was pruned."""


def missing(book: Book, chosen: Filter) -> Missing:
    """Return what a list of the calls that match lacks."""
    with book.reading() as connection:
        register_tag_function(connection)
        adjustments = total_of(adjustment_sums(connection, [], [], chosen).values())
        since = complete_since(connection, [time_range(chosen)])
    return Missing(adjustments.count, money.dollars(adjustments.picos), since)
