"""A reconciliation as text, for people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from spancast.base.money import plain
from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.comparison import Different, OursOnly, TheirsOnly
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation
from spancast.cli.output import human, table
from spancast.cli.output.table import Column

_SHOWN = 20
"""The most rows of each kind."""
_TWELVE = 12


def lines(result: Reconciliation) -> Iterator[str]:
    """Yield the result as text."""
    calls = result.calls
    yield f"{_SOURCES[result.source]}, {_time(result.since)} to {_time(result.until)} UTC."
    yield ""
    yield from _table(_SUMMARY, _summary(result))
    yield from _section("Cost differences", _DIFFERENT, [_different_cells(each) for each in calls.different])
    yield from _section("Ours only", _OURS, [_ours_cells(each) for each in calls.ours_only])
    yield from _section("Theirs only, by application, key and model", _THEIRS, _theirs_cells(calls.theirs_only))
    if result.source != "analytics":
        days = [day for day in result.days if not day.is_explained]
        yield from _section("Totals that differ", _DAYS, [_day_cells(day) for day in days])
    yield ""
    yield from _table(_TOTALS, _totals(result))
    yield ""
    yield from _verdict(result)


_SOURCES = {
    "analytics": "The ledger and the account at OpenRouter",
    "export": "The ledger and the export",
    "key": "The ledger and the totals of the key",
}


def _verdict(result: Reconciliation) -> Iterator[str]:
    if result.filled:
        yield f"{result.filled:,} costs and adjustments were added to the ledger."
    if result.is_explained:
        yield "Every cent is explained."
        return
    yield "Not every cent is explained."
    if any(each.why == "too recent" for each in result.calls.ours_only):
        yield "Some calls are too recent to be billed: reconcile again in ten minutes."
    if any(not isinstance(each, OursOnly) and not each.is_explained for each in result.calls.parts):
        yield "--fill adds what is missing to the ledger, and notes what differs beside it."
    if not result.unexplained.is_nothing and result.source == "analytics":
        yield f"OpenRouter's totals of whole days and its single calls differ by {_exact(result.unexplained.credits)}."
    if result.source == "key":
        yield "A management key, in OPENROUTER_MANAGEMENT_KEY, shows which calls make the difference."


_SUMMARY = (
    Column(""),
    Column("calls", number=True),
    Column("booked", number=True),
    Column("billed", number=True),
)


def _summary(result: Reconciliation) -> Iterator[Sequence[str]]:
    calls = result.calls
    yield "matched", human.count(result.matched), _dollars(result.agreed), _dollars(result.agreed)
    differing = [row for each in calls.different for row in each.calls]
    billed = together(each.billed.amount for each in calls.different)
    yield "different", human.count(len(calls.different)), _dollars(together(map(known, differing))), _dollars(billed)
    booked = together(known(each.call) for each in calls.ours_only)
    yield "ours only", human.count(len(calls.ours_only)), _dollars(booked), human.UNKNOWN
    billed = together(each.billed.amount for each in calls.theirs_only)
    yield "theirs only", human.count(len(calls.theirs_only)), human.UNKNOWN, _dollars(billed)


_DIFFERENT = (
    Column("began (UTC)", rank=1),
    Column("model"),
    Column("generation", rank=2),
    Column("booked", number=True),
    Column("billed", number=True),
    Column("why"),
)


def _different_cells(each: Different) -> Sequence[str]:
    booked = "unknown" if each.reason == "unknown" else _dollars(together(map(known, each.calls)))
    reason = f"{each.reason}, corrected" if each.is_explained and not each.adjusted.is_nothing else each.reason
    row = each.calls[0]
    return (
        human.time(row.started_at),
        _model(row),
        each.billed.generation_id,
        booked,
        _dollars(each.billed.amount),
        reason,
    )


_OURS = (
    Column("began (UTC)", rank=1),
    Column("model"),
    Column("user", rank=2),
    Column("outcome", rank=1),
    Column("booked", number=True),
    Column("why"),
)


def _ours_cells(each: OursOnly) -> Sequence[str]:
    row = each.call
    outcome = row.outcome if row.error_type is None else row.error_type
    booked = "unknown" if row.cost is None else _dollars(known(row))
    return (human.time(row.started_at), _model(row), human.text(row.user), outcome, booked, each.why)


_THEIRS = (
    Column("application"),
    Column("key"),
    Column("model"),
    Column("calls", number=True),
    Column("billed", number=True),
    Column("corrected", number=True),
)


def _theirs_cells(theirs: Sequence[TheirsOnly]) -> Sequence[Sequence[str]]:
    groups: defaultdict[tuple[str | None, ...], list[TheirsOnly]] = defaultdict(list)
    for each in theirs:
        groups[each.billed.app, each.billed.key, each.billed.model].append(each)
    return [
        (
            *map(human.text, group),
            human.count(len(of)),
            _dollars(together(each.billed.amount for each in of)),
            _dollars(together(each.adjusted for each in of)),
        )
        for group, of in groups.items()
    ]


_DAYS = (
    Column(""),
    Column("calls", number=True),
    Column("booked", number=True),
    Column("billed", number=True),
    Column("difference", number=True),
)


def _day_cells(day: Day) -> Sequence[str]:
    amounts = map(_dollars, (day.booked, day.billed, day.delta))
    return (day.name, human.count(day.calls), *amounts)


_TOTALS = (Column(""), Column("credits", number=True), Column("own keys", number=True))


def _totals(result: Reconciliation) -> Iterator[Sequence[str]]:
    parts = {
        "billed": result.billed,
        "ledger": result.ledger,
        "adjustments": result.adjusted,
        "remainder": result.remainder,
    }
    for name, amount in parts.items():
        yield name, _exact(amount.credits), _exact(amount.byok)


def _section(title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"{title}:"
    yield from _table(columns, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        yield f"and {len(rows) - _SHOWN:,} more, which --json lists."


def _table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from table.lines(columns, rows, table.terminal_width())


def _model(row: CallRow) -> str:
    return human.text(row.response_model or row.request_model)


def _dollars(amount: Amount) -> str:
    """Return the dollars for people: credits, and what was paid with the account's own provider keys, if any."""
    return human.dollars(amount.credits) + (f" + {human.dollars(amount.byok)}" if amount.byok else "")


def _exact(amount: Decimal) -> str:
    """Return every digit, with at least twelve decimals."""
    exponent = amount.as_tuple().exponent
    return f"{amount:.{_TWELVE}f}" if isinstance(exponent, int) and exponent > -_TWELVE else plain(amount)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
