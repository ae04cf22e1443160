"""Bills beside the ledger. The same bills are compared anew when the ledger was filled."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from spancast.bookkeeping.answers.calls import CallRow, calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import adjustments
from spancast.bookkeeping.reconciling.account import Account
from spancast.bookkeeping.reconciling.amount import together
from spancast.bookkeeping.reconciling.comparison import Comparison, OursOnly, compare
from spancast.bookkeeping.reconciling.days import Tally
from spancast.bookkeeping.reconciling.generations import Keys
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation, Source
from spancast.bookkeeping.reconciling.span import Span
from spancast.bookkeeping.reconciling.statement import Statement, examine
from spancast.bookkeeping.reconciling.survey import Survey, survey
from spancast.bookkeeping.reconciling.why import Scope

SLACK = timedelta(hours=1)
"""How far apart may lie when a call began, by this machine's clock, and when it was billed, by OpenRouter's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What is compared, and whose calls it is compared with."""

    statement: Statement
    scope: Scope
    source: Source
    ledger: Survey = field(default_factory=Survey)
    """The ledger's days, where whole days are compared."""
    keys: Keys = None
    """The keys that the account was asked about."""

    def result(self, book: Book) -> Reconciliation:
        """Return what comes of it."""
        found, told = self.comparison(book), tuple(self._days())
        settled = [day for day in told if not day.examined]
        return Reconciliation(
            source=self.source,
            since=self.statement.span.start,
            until=self.statement.span.end,
            days=told,
            calls=found,
            matched=len(found.matched) + sum(day.calls for day in settled if day.delta.is_nothing),
            agreed=together(
                (
                    *(each.billed.amount for each in found.matched),
                    *(day.billed for day in settled if day.delta.is_nothing),
                )
            ),
            billed=self.statement.total,
            ledger=found.ledger + together(day.booked for day in settled),
            adjusted=found.adjusted,
        )

    def comparison(self, book: Book) -> Comparison:
        """Return what comes of it call by call."""
        rows = {row.call_id: row for row in self._candidates(book)}
        return compare([*rows.values()], self._is_meant, self.statement.billed, adjustments.kept(book), self.scope)

    def with_details(self, account: Account, book: Book) -> "Comparing":
        """Return it with what more OpenRouter knows of what does not simply match."""
        found, statement = self.comparison(book), self.statement
        ids = {each.billed.generation_id for each in found.parts if not isinstance(each, OursOnly)}
        if ids:
            statement = statement.with_details(account, ids)
        if any(each.in_scope and each.call.generation_id is not None for each in found.ours_only):
            statement = replace(statement, elsewhere=self._elsewhere(account))
        return replace(self, statement=statement)

    def _elsewhere(self, account: Account) -> frozenset[str]:
        span = self.statement.span
        around = [Span(span.start - SLACK, span.start), Span(span.end, span.end + SLACK)]
        found = examine(account, around, self.keys)
        return frozenset(each.generation_id for window in found for each in window.billed)

    def renewed(self, book: Book) -> "Comparing":
        """Return the same for the ledger as it is now."""
        return replace(self, ledger=survey(book, self.statement.span)) if self.statement.days else self

    def _days(self) -> Iterator[Day]:
        ledger = self.ledger.within(self.scope)
        for day, billed in sorted(self.statement.days.items()):
            own = ledger.get(day, Tally())
            yield Day(
                name=day,
                calls=own.calls,
                booked=own.total,
                billed=billed.total,
                examined=self.statement.is_examined(day),
            )

    def _candidates(self, book: Book) -> Iterator[CallRow]:
        """Yield the calls that a bill may be of, and all that are outside the scope."""
        for span in self.statement.examined:
            yield from of(book, Span(span.start - SLACK, span.end + SLACK))
        if self.statement.days and self.ledger.goes_beyond(self.scope):
            yield from filter(self._is_outside, of(book, self.statement.span))

    def _is_meant(self, row: CallRow) -> bool:
        """Whether a call is to be told of where no bill is of it."""
        if row.generation_id in self.statement.elsewhere:
            return False
        at = datetime.fromtimestamp(row.started_at / 10**9, UTC)
        if any(at in span for span in self.statement.examined):
            return True
        return at in self.statement.span and self._is_outside(row)

    def _is_outside(self, row: CallRow) -> bool:
        return self.scope.outside(row.key_hash, row.server_address) is not None


def of(book: Book, span: Span) -> Iterator[CallRow]:
    """Yield the calls that began in a stretch of time."""
    return calls(book, Filter(since=span.start, until=span.end))
