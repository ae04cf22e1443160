"""Compares the ledger with what OpenRouter billed: by days, by single calls, or by the totals of a key.

1. Of every UTC day that is over: what OpenRouter says was used, by model and provider, beside the same of the ledger.
2. Where that is not the same, or a cost is unknown, and for what is no whole day: call by call, by generation id.
3. What is left over is told with whatever OpenRouter knows of it.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import days, totals
from spancast.bookkeeping.reconciling.account import Account, Row
from spancast.bookkeeping.reconciling.amount import NOTHING
from spancast.bookkeeping.reconciling.comparing import Comparing
from spancast.bookkeeping.reconciling.days import Days, Tally
from spancast.bookkeeping.reconciling.export import Export
from spancast.bookkeeping.reconciling.generations import Keys, Window
from spancast.bookkeeping.reconciling.reading import text
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation
from spancast.bookkeeping.reconciling.span import Span, midnight
from spancast.bookkeeping.reconciling.statement import Statement, examine, whole_days
from spancast.bookkeeping.reconciling.survey import survey
from spancast.bookkeeping.reconciling.why import Scope
from spancast.errors import SpancastError

LONGEST = timedelta(days=30)
"""How far back it goes where nothing is said: OpenRouter tells the totals of 30 days."""
_SOON = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
"""OpenRouter tells its time in whole seconds."""


def with_account(
    book: Book, account: Account, since: datetime | None, until: datetime | None, *, all_keys: bool
) -> Comparing:
    """Ask the account what it was billed; raise `NotManagement` where the key may not ask, or another `SpancastError`.

    Only the keys are meant that the ledger has calls of, unless `all_keys` are.
    """
    listed = {name for row in account.listed_keys() if (name := text(row, "hash")) is not None}
    span = _span(book, since, until, account.now)
    of_the_ledger = _keys_of(book)
    own = listed | {each for each in sorted(of_the_ledger - listed) if account.key(each) is not None}
    keys = None if all_keys else sorted(own & of_the_ledger)
    if keys == []:
        raise SpancastError(
            f"No call in the ledger was made with a key of the account at {account.shown}. "
            "Give another account's management key, or --all-keys to see all that was billed."
        )
    ledger = survey(book, span)
    scope = Scope(server=urlsplit(account.shown).hostname, keys=frozenset(own), now=account.now)
    statement = _statement(account, span, keys, ledger.within(scope))
    comparing = Comparing(statement=statement, scope=scope, source="analytics", ledger=ledger, keys=keys)
    return comparing.with_details(account, book)


def with_export(book: Book, export: Export, since: datetime | None, until: datetime | None, now: datetime) -> Comparing:
    """Compare with an export, which is of the whole account, for as long as it goes; raise `SpancastError` for none."""
    scope = Scope(now=now)
    if not export.billed:
        span = _of_the_days(export.days, since, until)
        told = whole_days(span, export.days, max(export.days), min(export.days))
        statement = Statement(span=span, days=told)
        return Comparing(statement=statement, scope=scope, source="export", ledger=survey(book, span))
    span = Span(since or min(export.times), until or max(export.times) + _SOON)
    dated = list(zip(export.billed, export.times, strict=True))
    within = tuple(each for each, at in dated if at in span)
    elsewhere = frozenset(each.generation_id for each, at in dated if at not in span)
    statement = Statement(span=span, examined=(span,), windows=(Window(span, None, within),), elsewhere=elsewhere)
    return Comparing(statement=statement, scope=scope, source="export")


def with_key(book: Book, account: Account, key: str, since: datetime | None) -> Reconciliation:
    """Compare the totals of one key, which needs no more than the key; raise `SpancastError` for another's."""
    stated = account.own_key()
    periods = totals.periods(account.now, since)
    if not periods:
        raise SpancastError("A key tells its totals of today, this week and this month (UTC); --since leaves out all.")
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    if key_hash not in _keys_of(book):
        raise SpancastError(
            f"No call in the ledger was made with this key, and it may not ask for others at {account.shown}. "
            "Give a management key, or the key of the calls."
        )
    first = min(periods.values())
    rows = [row for row in calls(book, Filter(since=first)) if row.key_hash == key_hash]
    told = []
    for name, start in periods.items():
        count, amount = totals.booked(rows, start)
        billed = totals.billed(stated, name)
        told.append(Day(name=name, calls=count, booked=amount, billed=billed, examined=False))
    longest = told[-1]
    return Reconciliation(
        source="key",
        since=first,
        until=account.now,
        days=tuple(told),
        matched=longest.calls if longest.is_explained else 0,
        agreed=longest.billed if longest.is_explained else NOTHING,
        billed=longest.billed,
        ledger=longest.booked,
    )


def _keys_of(book: Book) -> set[str]:
    """Return the hashes of the keys that the ledger has calls of."""
    return {key for row in costs(book, ["key"], Filter()).rows if (key := row.group["key"]) is not None}


def _statement(account: Account, span: Span, keys: Keys, ledger: Days) -> Statement:
    today = midnight(account.now)
    told = days.stated(_activity(account, keys)) if any(each.is_day for each in span.days()) else {}
    first, last = today - timedelta(days=30), today - timedelta(days=1)
    whole = whole_days(span, told, last.date().isoformat(), first.date().isoformat())
    spans = tuple(each for each in span.days() if not _agrees(ledger.get(each.day, Tally()), whole.get(each.day)))
    return Statement(span=span, days=whole, examined=spans, windows=examine(account, spans, keys))


def _agrees(ledger: Tally, told: Tally | None) -> bool:
    return told is not None and not ledger.is_open and ledger.agrees(told)


def _activity(account: Account, keys: Keys) -> Sequence[Row]:
    return [row for each in (keys if keys is not None else [None]) for row in account.activity(each)]


def _span(book: Book, since: datetime | None, until: datetime | None, now: datetime) -> Span:
    """Return the time that is meant: since the ledger's first call, 30 days at most, unless something is said."""
    end = until or now + _SECOND
    if since is None:
        earliest = end - LONGEST
        first = next(iter(calls(book, Filter(since=earliest))), None)
        since = earliest if first is None else datetime.fromtimestamp(first.started_at // 10**9, UTC)
    if since >= end:
        raise SpancastError(f"There is no time from {since:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC to compare.")
    return Span(since, end)


def _of_the_days(told: Days, since: datetime | None, until: datetime | None) -> Span:
    if not told:
        raise SpancastError("The export has no rows. Choose a time in which there were calls, and export it again.")
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (min(told), max(told)))
    return Span(max(since or first, first), min(until or last + timedelta(days=1), last + timedelta(days=1)))
