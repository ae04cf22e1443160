"""Where the answer to a question is read: from the sums kept by day or month as far as they go, else from entries."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spancast.bookkeeping.answers.filter import Filter, condition, grounds, window
from spancast.bookkeeping.posted import Posted
from spancast.bookkeeping.rollups import DAY, NOBODY, day_of, first_day_of, month_of
from spancast.bookkeeping.schema import COUNTS, STATING, TOKENS
from spancast.bookkeeping.sums import ADDED, LIMB, REFUSED

HOUR = DAY // 24
_LAST = 2**63 - 1


class Span(NamedTuple):
    """A stretch of time, from its first unit to the one after its last."""

    since: int
    until: int


class Query(NamedTuple):
    """SQL that gives a row a group: the values of the columns asked for, then sums for `Sums.read`."""

    sql: str
    parameters: dict[str, object]
    read: Span | None = None
    """Of when it reads single calls, in nanoseconds; `None` where it reads the sums."""


def queries(asked: Sequence[str], chosen: Filter) -> Iterator[Query]:
    """Yield the queries whose rows together are all calls that are meant, but for the outsize ones.

    `asked` are the columns to group by: `kind`, `user`, `session`, `tags`, `day`, `hour`.
    """
    parameters: dict[str, object] = {}
    where, meant = condition(chosen, parameters), whole(chosen)
    needed = {*asked} | grounds(chosen)
    if needed <= {"kind", "day"}:
        yield from _daily("kinds_daily", asked, meant, where, parameters)
    elif needed <= {"user", "day"}:
        yield from _by_users(asked, meant, where, parameters)
    else:
        yield from _single(asked, meant, where, parameters)


def of_users(users: Sequence[int], chosen: Filter, known: Span) -> Iterator[Query]:
    """Yield the queries for what these users' calls add up to, by user and nothing else, but for the outsize ones.

    `users` are numbers of texts, or `NOBODY`, and `known` has all months that there are of them. Nothing of other
    users is read, however many there are.
    """
    among = f"user IN ({', '.join(map(str, users))})"
    days, ends, months = _months_and_days(whole(chosen))
    listed = ", ".join(map(str, range(max(months.since, known.since), min(months.until, known.until))))
    if listed:
        yield Query(_kept("users_monthly", "month", ["user"], f"month IN ({listed}) AND {among}"), months._asdict())
    if days:
        listed = f"day IN ({', '.join(map(str, days))}) AND {among}"
        yield Query(_kept("users_daily", "day", ["user"], listed), {"since": days[0], "until": days[-1] + 1})
    for end in ends:
        yield from _single(["user"], end, among, {})
        if NOBODY in users:
            yield from _single(["user"], end, "user IS NULL", {})


def users_of(chosen: Filter) -> Iterator[Query]:
    """Yield queries for the users whose calls are meant, `NOBODY` for none, in rows of numbers joined by commas."""
    meant = whole(chosen)
    days, ends, months = _months_and_days(meant)
    if months.since < months.until:
        yield Query(_joined("user", "users_monthly", "month >= :since AND month < :until"), months._asdict())
    for day in days:
        yield Query(_joined("user", "users_daily", "day = :day"), {"day": day})
    for end in ends:
        yield Query(_joined("coalesce(user, 0)", "entries", _IN_TIME), end._asdict())
    yield Query(_joined("coalesce(user, 0)", "entries", f"outsize AND {_IN_TIME}"), meant._asdict())


def _joined(what: str, table: str, where: str) -> str:
    return f"SELECT group_concat({what}) FROM {table} WHERE {where}"  # noqa: S608 - names


def months_of(chosen: Filter) -> Span:
    """Return the months in which there is a day or a part of one that is meant."""
    meant = whole(chosen)
    return Span(month_of(_dated(meant.since // DAY)), month_of(_dated((meant.until - 1) // DAY)) + 1)


def outsize(asked: Sequence[str], chosen: Filter) -> Query:
    """Return the query for the calls that stand outside the sums: what is asked for, `Posted`, the cost as text."""
    sql, parameters, _ = each_call(asked, (*Posted._fields, "cost_text"), whole(chosen), chosen)
    return Query(f"{sql} AND outsize", parameters)


def each_call(asked: Sequence[str], columns: Sequence[str], span: Span, chosen: Filter) -> Query:
    """Return the query for single calls in a stretch of time: the columns asked for, and further ones."""
    parameters: dict[str, object] = {"since": span.since, "until": span.until}
    where = condition(chosen, parameters)
    selected = ", ".join((*(_RAW[name] for name in asked), *columns))
    sql = f"SELECT {selected} FROM entries LEFT JOIN kinds ON id = kind WHERE {_IN_TIME} AND {where}"  # noqa: S608 - names
    return Query(sql, parameters, span)


def adjusted_calls(asked: Sequence[str], chosen: Filter) -> Query:
    """Return the query for what was noted beside single calls: the columns asked for, the dollars as text."""
    span = whole(chosen)
    parameters: dict[str, object] = {"since": span.since, "until": span.until}
    sql = f"""
        SELECT {"".join(f"{_RAW[name]}, " for name in asked)} adjusted_text
        FROM (SELECT packed(call_id) AS adjusted, cost_text AS adjusted_text FROM adjustments WHERE call_id IS NOT NULL)
        CROSS JOIN entries ON call_id = adjusted LEFT JOIN kinds ON id = kind
        WHERE {_IN_TIME} AND {condition(chosen, parameters)}
    """  # noqa: S608 - made of names
    return Query(sql, parameters, span)


def day_and_hour(at: int) -> tuple[int, int]:
    """Return the day and the hour of a Unix time in nanoseconds, since 1970."""
    return at // DAY, at // HOUR


def whole(chosen: Filter) -> Span:
    """Return the stretch of time that is meant, in Unix nanoseconds."""
    since, until = window(chosen)
    return Span(max(0, since or 0), _LAST if until is None else until)


def split(chosen: Filter) -> tuple[Span, list[Span]]:
    """Return the whole days that are meant, and what is left before and behind them, in nanoseconds."""
    return _split(whole(chosen))


def _by_users(asked: Sequence[str], meant: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    """Take whole months where nobody asks for days."""
    months = _months(_split(meant)[0])
    if "day" in asked or months.since >= months.until:
        yield from _daily("users_daily", asked, meant, where, parameters)
        return
    yield Query(_kept("users_monthly", "month", asked, where), parameters | months._asdict())
    first, last = first_day_of(months.since) * DAY, first_day_of(months.until) * DAY
    yield from _daily("users_daily", asked, Span(meant.since, first), where, parameters)
    yield from _daily("users_daily", asked, Span(last, meant.until), where, parameters)


def _months_and_days(meant: Span) -> tuple[list[int], list[Span], Span]:
    """Return the whole months, the further whole days one by one, and what is left at both ends in nanoseconds."""
    days, ends = _split(meant)
    months = _months(days)
    if months.since >= months.until:
        return list(range(*days)), ends, Span(0, 0)
    first, last = first_day_of(months.since), first_day_of(months.until)
    return [*range(days.since, first), *range(last, days.until)], ends, months


def _daily(table: str, asked: Sequence[str], meant: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    days, ends = _split(meant)
    if days.since < days.until:
        yield Query(_kept(table, "day", asked, where), parameters | {"since": days.since, "until": days.until})
    for end in ends:
        yield from _single(asked, end, where, parameters)


def _kept(table: str, unit: str, asked: Sequence[str], where: str) -> str:
    is_whole = unit in asked and len(set(asked)) == len(_KEYS[table])
    return f"""
        SELECT {"".join(f"{_KEPT[name]}, " for name in asked)} {_STORED if is_whole else ADDED} FROM {table}
        WHERE {unit} >= :since AND {unit} < :until AND {where} {"" if is_whole else _grouped(asked)}
    """  # noqa: S608 - made of names


def _single(asked: Sequence[str], meant: Span, where: str, parameters: dict[str, object]) -> Iterator[Query]:
    sql = f"""
        SELECT {"".join(f"{_RAW[name]}, " for name in asked)} {_COUNTED} FROM entries LEFT JOIN kinds ON id = kind
        WHERE outsize IS NULL AND {_IN_TIME} AND {where} {_grouped(asked)}
    """  # noqa: S608 - made of names
    yield Query(sql, parameters | {"since": meant.since, "until": meant.until}, meant)


def _split(meant: Span) -> tuple[Span, list[Span]]:
    days = Span(-(-meant.since // DAY), meant.until // DAY)
    if days.since >= days.until:
        return Span(0, 0), [meant] if meant.since < meant.until else []
    ends = Span(meant.since, days.since * DAY), Span(days.until * DAY, meant.until)
    return days, [end for end in ends if end.since < end.until]


def _months(days: Span) -> Span:
    """Return the whole months that lie in these days."""
    return Span(_month_from(days.since), month_of(_dated(days.until)))


def _month_from(day: int) -> int:
    """Return the first month that begins with this day or later."""
    month = month_of(_dated(day))
    return month if first_day_of(month) == day else month + 1


def _dated(day: int) -> int:
    return max(0, min(day, day_of(_LAST)))


def _grouped(asked: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(len(asked)))}" if asked else ""


_IN_TIME = "started_at >= :since AND started_at < :until"
_RAW = {
    "kind": "kind",
    "user": "user",
    "session": "session",
    "tags": "tags",
    "day": f"started_at / {DAY}",
    "hour": f"started_at / {HOUR}",
}
_KEYS = {"kinds_daily": ("day", "kind"), "users_daily": ("day", "user"), "users_monthly": ("month", "user")}
"""What each table has one row of: who asks for all of it has nothing to add up."""
_STORED = ", ".join((*COUNTS, *STATING, *TOKENS, "carry", f"cost / {LIMB}", f"cost % {LIMB}"))
"""What `sums.ADDED` is of many rows, of one."""
_KEPT = {"kind": "kind", "user": "nullif(user, 0)", "day": "day"}
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
