"""The ledger's API for programs: `spancast.ledger().costs(by=["user"])`."""

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
from spancast.bookkeeping.trouble import ledger_errors
from spancast.call_filter import CallFilter, no_costs, to_filter
from spancast.errors import ConfigurationError
from spancast.live_ledger import LiveLedger
from spancast.settings.resolve import home_in_force

PATIENCE_SECONDS = 5.0
"""For another process that is booking."""


class Ledger:
    """The calls of all programs that write to a home directory, and what they cost.

    Each query first books what those programs have written so far. Use it in a `with` statement, or `close()` it.
    Calls are filtered as on the command line (`spancast.call_filter.CallFilter`): `costs(since="24h", user="u_42")`.

    A ledger that cannot be read raises `spancast.errors.SpancastError`, and an invalid filter
    `spancast.errors.ConfigurationError`.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        """Open the ledger in `home`, or in this environment's SPANCAST_HOME."""
        if home is not None and not (isinstance(home, str | Path) and Path(home).is_dir()):
            seen = str(home) if isinstance(home, Path) else home
            raise ConfigurationError.of("home", seen, "Name a directory that programs have written to.")
        self.home = Path(home) if home is not None else home_in_force()
        """The directory."""
        self._files = LiveLedger(self.home)

    @property
    def path(self) -> Path:
        """The SQLite file. Its view `calls_usd` has one row per call, for SQL tools."""
        return self.home / "ledger.db"

    def costs(self, by: Sequence[str] = (), *, top: int | None = None, **chosen: Unpack[CallFilter]) -> Report:
        """Return the sums of the matching calls: by group, the most expensive first, and in total.

        Money is a `Decimal` of US dollars, exact.

        Args:
            by: Any of `spancast.bookkeeping.answers.dimensions.DIMENSIONS`, such as user, model or day, or `tag:KEY`.
            top: How many groups to return; by default all. The total covers all of them.
            chosen: Which calls to include; by default all.

        Raises:
            ConfigurationError: A dimension is unknown, or a filter is invalid.
            SpancastError: The ledger cannot be read.
        """
        _check(by)
        with self._latest() as book:
            wanted = _to_filter(chosen, book)
            return Report.nothing() if book is None else summed.costs(book, by, wanted, top)

    def latency(self, by: Sequence[str] = (), **chosen: Unpack[CallFilter]) -> list[LatencyRow]:
        """Return how long the matching calls took, in nanoseconds, the group with the most calls first."""
        _check(by)
        with self._latest() as book:
            wanted = _to_filter(chosen, book)
            return [] if book is None else timed.latency(book, by, wanted)

    def calls(self, *, limit: int | None = None, **chosen: Unpack[CallFilter]) -> Iterator[CallRow]:
        """Yield the matching calls, newest last; only the newest `limit`, if given."""
        with self._latest() as book:
            wanted = _to_filter(chosen, book)
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
        """Provide the ledger, up to date unless another process is booking for long; `None` if there is none yet."""
        with ledger_errors(self.home):
            yield self._files.book(PATIENCE_SECONDS)


def ledger(home: str | Path | None = None) -> Ledger:
    """Return the ledger in `home`, or in this environment's SPANCAST_HOME: see `Ledger`."""
    return Ledger(home)


def _check(by: Sequence[str]) -> None:
    """Raise `ConfigurationError` for an unknown dimension, even if there is no ledger yet."""
    if isinstance(by, str) or not isinstance(by, Sequence):
        raise ConfigurationError.of("by", by, f"Give a list, such as [{by if isinstance(by, str) else 'user'!r}].")
    for name in by:
        dimension(name)


def _to_filter(chosen: CallFilter, book: Book | None) -> Filter:
    return to_filter(chosen, no_costs if book is None else partial(summed.costs, book))
