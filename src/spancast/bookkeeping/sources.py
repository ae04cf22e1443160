"""Where the answer to a question is read: from the sums kept by day or month as far as they go, else from entries."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spancast.bookkeeping.filter import Filter, condition, grounds, window
from spancast.bookkeeping.rollups import DAY, day_of, first_day_of, month_of
from spancast.bookkeeping.schema import TOKENS
from spancast.bookkeeping.sums import ADDED, LIMB, REFUSED

HOUR = DAY // 24
_ENDS = (0, 2**63 - 1)


class Query(NamedTuple):
    """SQL that gives a row a group: the values of the columns asked for, then sums for `Sums.read`."""

    sql: str
    parameters: dict[str, object]


class Span(NamedTuple):
    """A stretch of time, from its first unit to the one after its last."""

    since: int
    until: int


def queries(asked: Sequence[str], chosen: Filter) -> Iterator[Query]:
    """Yield the queries whose rows together are all calls that are meant, but for the outsize ones.

    `asked` are the columns to group by: `kind`, `user`, `session`, `tags`, `day`, `hour`.
    """
    parameters: dict[str, object] = {}
    where = condition(chosen, parameters)
    since, until = window(chosen)
    whole = Span(max(_ENDS[0], _ENDS[0] if since is None else since), _ENDS[1] if until is None else until)
    needed = {*asked} | grounds(chosen)
    if needed <= {"kind", "day"}:
        yield from _daily("kinds_daily", asked, whole, where, parameters)
    elif needed <= {"user", "day"}:
        yield from _by_users(asked, whole, where, parameters)
    else:
        yield from _single(asked, whole, where, parameters)


def outsize(asked: Sequence[str], chosen: Filter) -> Query:
    """Return the query for the single calls that stand outside the sums."""
    parameters: dict[str, object] = {}
    since, until = window(chosen)
    where = f"{condition(chosen, parameters)} AND {_in_time(since, until, parameters)}"
    columns = ", ".join((*(_RAW[name] for name in asked), *_STATED))
    return Query(f"SELECT {columns} FROM entries JOIN kinds ON id = kind WHERE outsize AND {where}", parameters)  # noqa: S608 - names


def _by_users(asked: Sequence[str], whole: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    """Take whole months where nobody asks for days."""
    days = _inside(whole, DAY)
    months = Span(_month_from(days.since), month_of(_dated(days.until)))
    if "day" in asked or months.since >= months.until:
        yield from _daily("users_daily", asked, whole, where, parameters)
        return
    values = parameters | {"since": months.since, "until": months.until}
    yield Query(_kept("users_monthly", "month", asked, where), values)
    ends = first_day_of(months.since) * DAY, first_day_of(months.until) * DAY
    yield from _daily("users_daily", asked, Span(whole.since, ends[0]), where, parameters)
    yield from _daily("users_daily", asked, Span(ends[1], whole.until), where, parameters)


def _daily(table: str, asked: Sequence[str], whole: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    days = _inside(whole, DAY)
    if days.since >= days.until:
        yield from _single(asked, whole, where, parameters)
        return
    yield Query(_kept(table, "day", asked, where), parameters | {"since": days.since, "until": days.until})
    yield from _single(asked, Span(whole.since, days.since * DAY), where, parameters)
    yield from _single(asked, Span(days.until * DAY, whole.until), where, parameters)


def _kept(table: str, unit: str, asked: Sequence[str], where: str) -> str:
    return f"""
        SELECT {"".join(f"{_KEPT[name]}, " for name in asked)} {ADDED} FROM {table}
        WHERE {unit} >= :since AND {unit} < :until AND {where} {_grouped(asked)}
    """  # noqa: S608 - made of names


def _single(asked: Sequence[str], whole: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    if whole.since >= whole.until:
        return
    sql = f"""
        SELECT {"".join(f"{_RAW[name]}, " for name in asked)} {_COUNTED} FROM entries JOIN kinds ON id = kind
        WHERE outsize IS NULL AND started_at >= :since AND started_at < :until AND {where} {_grouped(asked)}
    """  # noqa: S608 - made of names
    yield Query(sql, parameters | {"since": whole.since, "until": whole.until})


def _in_time(since: int | None, until: int | None, parameters: dict[str, object]) -> str:
    parameters |= {"since": _ENDS[0] if since is None else since, "until": _ENDS[1] if until is None else until}
    return "started_at >= :since AND started_at < :until"


def _inside(whole: Span, unit: int) -> Span:
    """Return the whole units that lie inside."""
    return Span(-(-whole.since // unit), whole.until // unit)


def _month_from(day: int) -> int:
    """Return the first month that begins with this day or later."""
    month = month_of(_dated(day))
    return month if first_day_of(month) == day else month + 1


def _dated(day: int) -> int:
    return max(0, min(day, day_of(_ENDS[1])))


def _grouped(asked: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(len(asked)))}" if asked else ""


_RAW = {
    "kind": "kind",
    "user": "user",
    "session": "session",
    "tags": "tags",
    "day": f"started_at / {DAY}",
    "hour": f"started_at / {HOUR}",
}
_KEPT = {"kind": "kind", "user": "nullif(user, 0)", "day": "day"}
_STATED = ("cost", "cost_text", "error_type", "http_status", "cost_source", *TOKENS)
_COUNTED = ", ".join(
    (
        "count(*), count(error_type), count(cost)",
        f"count(iif(cost IS NULL AND http_status IN ({', '.join(map(str, sorted(REFUSED)))}), 1, NULL))",
        "count(iif(cost_source = 'prices', 1, NULL))",
        *(f"count({name})" for name in TOKENS),
        *(f"coalesce(sum({name}), 0)" for name in TOKENS),
        f"0, coalesce(sum(cost / {LIMB}), 0), coalesce(sum(cost % {LIMB}), 0)",
    )
)
"""What `sums.ADDED` is of kept sums, of single entries."""
