"""A statement, and the part of the ledger to compare it with; compared again after the ledger was filled."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow, calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import adjustments
from spancast.bookkeeping.reconciling.account import OpenRouterAccount
from spancast.bookkeeping.reconciling.amount import together
from spancast.bookkeeping.reconciling.comparison import Comparison, OursOnly, compare
from spancast.bookkeeping.reconciling.days import DayTotals
from spancast.bookkeeping.reconciling.generations import Keys
from spancast.bookkeeping.reconciling.period import Period
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation, Source
from spancast.bookkeeping.reconciling.statement import Statement, examine
from spancast.bookkeeping.reconciling.survey import Survey, survey
from spancast.bookkeeping.reconciling.why import Scope

SLACK = timedelta(hours=1)
"""How far the start of a call, by this machine's clock, may be from its billing, by OpenRouter's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """A statement, and the calls that are in its scope."""

    statement: Statement
    scope: Scope
    source: Source
    ledger: Survey = field(default_factory=Survey)
    """The ledger's days, where whole days are compared."""
    keys: Keys = None
    """Hashes of the keys that the statement is limited to."""

    def result(self, book: Book) -> Reconciliation:
        """Return the result for the ledger as it is now."""
        found, days = self.comparison(book), tuple(self._days())
        settled = [day for day in days if not day.examined]
        return Reconciliation(
            source=self.source,
            since=self.statement.period.start,
            until=self.statement.period.end,
            days=days,
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
        """Return the result call by call."""
        rows = {row.call_id: row for row in self._candidates(book)}
        return compare([*rows.values()], self._is_reported, self.statement.billed, adjustments.stored(book), self.scope)

    def with_details(self, account: OpenRouterAccount, book: Book) -> "Comparing":
        """Return it with the details that OpenRouter has of the generations that do not match."""
        found, statement = self.comparison(book), self.statement
        ids = {each.billed.generation_id for each in found.parts if not isinstance(each, OursOnly)}
        if ids:
            statement = statement.with_details(account, ids)
        if any(each.in_scope and each.call.generation_id is not None for each in found.ours_only):
            statement = replace(statement, elsewhere=self._elsewhere(account))
        return replace(self, statement=statement)

    def _elsewhere(self, account: OpenRouterAccount) -> frozenset[str]:
        period = self.statement.period
        around = [Period(period.start - SLACK, period.start), Period(period.end, period.end + SLACK)]
        found = examine(account, around, self.keys)
        return frozenset(each.generation_id for window in found for each in window.billed)

    def renewed(self, book: Book) -> "Comparing":
        """Return it with the ledger's days read again."""
        return replace(self, ledger=survey(book, self.statement.period)) if self.statement.days else self

    def _days(self) -> Iterator[Day]:
        ledger = self.ledger.within(self.scope)
        for day, billed in sorted(self.statement.days.items()):
            own = ledger.get(day, DayTotals())
            yield Day(
                name=day,
                calls=own.calls,
                booked=own.total,
                billed=billed.total,
                examined=self.statement.is_examined(day),
            )

    def _candidates(self, book: Book) -> Iterator[CallRow]:
        """Yield the calls that may match a bill, and all that are outside the scope."""
        for period in self.statement.examined:
            yield from calls_in(book, Period(period.start - SLACK, period.end + SLACK))
        if self.statement.days and self.ledger.goes_beyond(self.scope):
            yield from filter(self._is_outside, calls_in(book, self.statement.period))

    def _is_reported(self, row: CallRow) -> bool:
        """Whether a call is reported if no bill matches it."""
        if row.generation_id in self.statement.elsewhere:
            return False
        at = datetime.fromtimestamp(row.started_at / NS_PER_SECOND, UTC)
        if any(at in period for period in self.statement.examined):
            return True
        return at in self.statement.period and self._is_outside(row)

    def _is_outside(self, row: CallRow) -> bool:
        return self.scope.outside(row.key_hash, row.server_address) is not None


def calls_in(book: Book, period: Period) -> Iterator[CallRow]:
    """Yield the calls that began in a period."""
    return calls(book, Filter(since=period.start, until=period.end))
