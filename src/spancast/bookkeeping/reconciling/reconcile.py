"""Compares the ledger with what OpenRouter billed: by days, by single calls, or by the totals of a key.

1. Each complete UTC day: OpenRouter's usage by model and provider is compared with the ledger's.
2. Days that differ or have an unknown cost, and partial days: compared call by call, by generation id.
3. What is still different is reported with the details that OpenRouter has of it.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import days, totals
from spancast.bookkeeping.reconciling.account import OpenRouterAccount, Row
from spancast.bookkeeping.reconciling.amount import NOTHING
from spancast.bookkeeping.reconciling.comparing import Comparing
from spancast.bookkeeping.reconciling.days import Days, DayTotals
from spancast.bookkeeping.reconciling.export import Export
from spancast.bookkeeping.reconciling.generations import MAX_QUERY_SPAN, Keys, Window
from spancast.bookkeeping.reconciling.period import Period, midnight
from spancast.bookkeeping.reconciling.reading import text
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation
from spancast.bookkeeping.reconciling.statement import Statement, examine, whole_days
from spancast.bookkeeping.reconciling.survey import survey
from spancast.bookkeeping.reconciling.why import Scope
from spancast.errors import ConfigurationError, SpancastError

DEFAULT_SPAN = timedelta(days=30)
"""How far back to compare by default: OpenRouter has the totals of 30 days."""
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
"""OpenRouter states its time in whole seconds."""


def with_account(
    book: Book, account: OpenRouterAccount, since: datetime | None, until: datetime | None, *, all_keys: bool
) -> Comparing:
    """Compare with an account, limited to the keys that the ledger has calls of unless `all_keys` is set.

    Raises:
        NotManagementKeyError: OpenRouter refuses the key.
        SpancastError: OpenRouter gives no usable answer, or none of the ledger's keys is the account's.
    """
    listed = {name for row in account.listed_keys() if (name := text(row, "hash")) is not None}
    period = _period(book, since, until, account.now)
    of_the_ledger = _keys_of(book)
    own = listed | {each for each in sorted(of_the_ledger - listed) if account.key(each) is not None}
    keys = None if all_keys else sorted(own & of_the_ledger)
    if keys == []:
        raise SpancastError(
            f"No call in the ledger was made with a key of the account at {account.shown}. "
            "Use another account's management key, or add --all-keys to see all that was billed."
        )
    ledger = survey(book, period)
    scope = Scope(server=urlsplit(account.shown).hostname, keys=frozenset(own), now=account.now)
    statement = _statement(account, period, keys, ledger.within(scope))
    comparing = Comparing(statement=statement, scope=scope, source="analytics", ledger=ledger, keys=keys)
    return comparing.with_details(account, book)


def with_export(book: Book, export: Export, since: datetime | None, until: datetime | None, now: datetime) -> Comparing:
    """Compare with an export of the whole account, within the export's period; raise `SpancastError` if it is empty."""
    scope = Scope(now=now)
    if not export.billed:
        period = _period_of_days(export.days, since, until)
        days_of_export = whole_days(period, export.days, max(export.days), min(export.days))
        statement = Statement(period=period, days=days_of_export)
        return Comparing(statement=statement, scope=scope, source="export", ledger=survey(book, period))
    period = _checked(since or min(export.times), until or max(export.times) + _MICROSECOND)
    dated = list(zip(export.billed, export.times, strict=True))
    within = tuple(each for each, at in dated if at in period)
    elsewhere = frozenset(each.generation_id for each, at in dated if at not in period)
    statement = Statement(
        period=period, examined=(period,), windows=(Window(period, None, within),), elsewhere=elsewhere
    )
    return Comparing(statement=statement, scope=scope, source="export")


def with_key(book: Book, account: OpenRouterAccount, key: str, since: datetime | None) -> Reconciliation:
    """Compare with the totals of one key, which needs no management key; raise `SpancastError` if no call used it."""
    stated = account.own_key()
    periods = totals.periods(account.now, since)
    if not periods:
        raise ConfigurationError(
            "A key only has totals of today, this week and this month (UTC), and --since excludes them all. "
            "Give an earlier --since, or a management key."
        )
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    if key_hash not in _keys_of(book):
        raise SpancastError(
            f"No call in the ledger was made with this key, and {account.shown} shows it no other key's totals. "
            "Use a management key, or the key that made the calls."
        )
    first = min(periods.values())
    rows = [row for row in calls(book, Filter(since=first)) if row.key_hash == key_hash]
    compared = []
    for name, start in periods.items():
        count, amount = totals.booked(rows, start)
        billed = totals.billed(stated, name)
        compared.append(Day(name=name, calls=count, booked=amount, billed=billed, examined=False))
    longest = compared[-1]
    return Reconciliation(
        source="key",
        since=first,
        until=account.now,
        days=tuple(compared),
        matched=longest.calls if longest.is_explained else 0,
        agreed=longest.billed if longest.is_explained else NOTHING,
        billed=longest.billed,
        ledger=longest.booked,
    )


def _keys_of(book: Book) -> set[str]:
    """Return the hashes of the keys that the ledger has calls of."""
    return {key for row in costs(book, ["key"], Filter()).rows if (key := row.group["key"]) is not None}


def _statement(account: OpenRouterAccount, period: Period, keys: Keys, ledger: Days) -> Statement:
    today = midnight(account.now)
    activity = days.read_activity(_activity(account, keys)) if any(each.is_day for each in period.days()) else {}
    first, last = today - timedelta(days=30), today - timedelta(days=1)
    whole = whole_days(period, activity, last.date().isoformat(), first.date().isoformat())
    unsettled = (each for each in period.days() if not _agrees(ledger.get(each.day, DayTotals()), whole.get(each.day)))
    periods = tuple(_joined(unsettled, apart={*ledger, *whole}))
    return Statement(period=period, days=whole, examined=periods, windows=examine(account, periods, keys))


def _joined(days: Iterable[Period], apart: Collection[str]) -> list[Period]:
    """Return the days with successive ones joined, except for those in `apart`: one query may do for all of them."""
    found: list[Period] = []
    for each in days:
        last = found[-1] if found and found[-1].end == each.start else None
        if last is None or last.day in apart or each.day in apart or each.end - last.start > MAX_QUERY_SPAN:
            found.append(each)
        else:
            found[-1] = Period(last.start, each.end)
    return found


def _agrees(ledger: DayTotals, billed: DayTotals | None) -> bool:
    return billed is not None and not ledger.is_open and ledger.agrees(billed)


def _activity(account: OpenRouterAccount, keys: Keys) -> Sequence[Row]:
    return [row for each in (keys if keys is not None else [None]) for row in account.activity(each)]


def _period(book: Book, since: datetime | None, until: datetime | None, now: datetime) -> Period:
    """Return the period to compare: by default from the ledger's first call on, 30 days at most."""
    end = until or now + _SECOND
    if since is None:
        earliest = end - DEFAULT_SPAN
        first = next(iter(calls(book, Filter(since=earliest))), None)
        since = earliest if first is None else datetime.fromtimestamp(first.started_at // NS_PER_SECOND, UTC)
    return _checked(since, end)


def _checked(start: datetime, end: datetime) -> Period:
    """Return the period between two instants; raise `ConfigurationError` where it is empty, which explains nothing."""
    if start >= end:
        raise ConfigurationError(
            f"The period from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC is empty. "
            "Give an earlier --since or a later --until."
        )
    return Period(start, end)


def _period_of_days(stated: Days, since: datetime | None, until: datetime | None) -> Period:
    if not stated:
        raise SpancastError("The export has no rows. Export a period in which there were calls.")
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (min(stated), max(stated)))
    return _checked(max(since or first, first), min(until or last + timedelta(days=1), last + timedelta(days=1)))
