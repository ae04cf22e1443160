"""The ledger as a program reads it: `spancast.ledger().costs(by=["user"])`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from spancast.bookkeeping.answers import calls as single
from spancast.bookkeeping.answers import costs as summed
from spancast.bookkeeping.answers import latency as timed
from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.answers.dimensions import dimension
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import LatencyRow
from spancast.bookkeeping.answers.report import Report
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.trouble import told
from spancast.chosen import Chosen, meant, nothing
from spancast.errors import ConfigurationError
from spancast.latest import Latest
from spancast.settings.resolve import home_in_force

PATIENCE = 5.0
"""Seconds to wait for another process that is booking."""


class Ledger:
    """The calls of all programs that write to a home directory, and what they cost.

    Each question first books what those programs have written so far. Use it in a `with` statement, or `close()` it.
    Which calls are meant is said as on the command line (`spancast.chosen.Chosen`): `costs(since="24h", user="u_42")`.

    A ledger that cannot be read raises `spancast.errors.SpancastError`, and a filter that means nothing
    `spancast.errors.ConfigurationError`.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        """Read the ledger in `home`, or in this environment's SPANCAST_HOME."""
        if home is not None and not Path(home).is_dir():
            raise ConfigurationError.of("home", str(home), "Name a directory that programs have written to.")
        self.home = Path(home) if home is not None else home_in_force()
        """The directory."""
        self._files = Latest(self.home)

    @property
    def path(self) -> Path:
        """The SQLite file. Its view `calls_usd` has a row a call, for tools that speak SQL."""
        return self.home / "ledger.db"

    def costs(self, by: Sequence[str] = (), *, top: int | None = None, **chosen: Unpack[Chosen]) -> Report:
        """Return the sums of the chosen calls, the dearest group first, and over all of them.

        Of the groups only the `top` dearest are returned, where that is given; the total is of all.

        `by` names any of `spancast.bookkeeping.answers.dimensions.DIMENSIONS`, such as user, model or day, or
        `tag:KEY`; one that is unknown raises `spancast.errors.ConfigurationError`. Money is a `Decimal` of US dollars,
        exact.
        """
        _check(by)
        with self._latest() as book:
            wanted = _meant(chosen, book)
            return Report.nothing() if book is None else summed.costs(book, by, wanted, top)

    def latency(self, by: Sequence[str] = (), **chosen: Unpack[Chosen]) -> list[LatencyRow]:
        """Return how long the chosen calls took, in nanoseconds, the group of the most calls first."""
        _check(by)
        with self._latest() as book:
            wanted = _meant(chosen, book)
            return [] if book is None else timed.latency(book, by, wanted)

    def calls(self, *, limit: int | None = None, **chosen: Unpack[Chosen]) -> Iterator[CallRow]:
        """Yield the chosen calls, newest last; the newest `limit` of them where one is given."""
        with self._latest() as book:
            wanted = _meant(chosen, book)
            if book is not None:
                yield from single.calls(book, wanted, limit)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _latest(self) -> Iterator[Book | None]:
        """Give the book with what was written so far, as far as no other process is at it; `None` without any."""
        with told(self.home):
            yield self._files.book(PATIENCE)


def ledger(home: str | Path | None = None) -> Ledger:
    """Return the ledger in `home`, or in this environment's SPANCAST_HOME: see `Ledger`."""
    return Ledger(home)


def _check(by: Sequence[str]) -> None:
    """Raise `ConfigurationError` for what names no dimensions, whether there is a ledger yet or not."""
    if isinstance(by, str):
        raise ConfigurationError.of("by", by, f"Give a list, such as [{by!r}].")
    for name in by:
        dimension(name)


def _meant(chosen: Chosen, book: Book | None) -> Filter:
    return meant(chosen, nothing if book is None else partial(summed.costs, book))
