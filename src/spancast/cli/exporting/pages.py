"""Calls in batches, which limit memory however long the ledger is."""

from collections.abc import Iterable, Iterator
from itertools import islice

from spancast.bookkeeping.answers.calls import CallRow


def pages(rows: Iterable[CallRow], size: int) -> Iterator[list[CallRow]]:
    """Yield the calls, `size` at a time."""
    remaining = iter(rows)
    while page := list(islice(remaining, size)):
        yield page
