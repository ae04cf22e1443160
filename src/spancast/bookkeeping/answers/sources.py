"""The SQL of sums: from the stored sums by day or month where they suffice, else from single entries."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spancast.base.units import INT64_MAX
from spancast.bookkeeping.answers.filter import Filter, condition, filter_columns, time_bounds
from spancast.bookkeeping.posted import Posted
from spancast.bookkeeping.rollups import DAY, NO_USER, day_of, first_day_of, month_of
from spancast.bookkeeping.schema import COUNTS, STATING, TOKENS
from spancast.bookkeeping.sums import LIMB, REFUSED_STATUSES, SUMMED_COLUMNS

HOUR = DAY // 24
_LAST = INT64_MAX


class UnitRange(NamedTuple):
    """A half-open range of nanoseconds, days or months: `until` is the first one after it."""

    since: int
    until: int


class Query(NamedTuple):
    """SQL with one row per group: the values of its columns, then sums for `Sums.read`."""

    sql: str
    parameters: dict[str, object]
    read: UnitRange | None = None
    """The nanoseconds whose single calls it reads; `None` where it reads stored sums."""


def queries(group_by: Sequence[str], chosen: Filter) -> Iterator[Query]:
    """Yield the queries that together cover the `chosen` calls, except for the outsize ones.

    `group_by` are the columns to group by: `kind`, `user`, `session`, `tags`, `day`, `hour`.
    """
    parameters: dict[str, object] = {}
    where, time_ns = condition(chosen, parameters), time_range(chosen)
    needed = {*group_by} | filter_columns(chosen)
    if needed <= {"kind", "day"}:
        yield from _daily("kinds_daily", group_by, time_ns, where, parameters)
    elif needed <= {"user", "day"}:
        yield from _by_users(group_by, time_ns, where, parameters)
    else:
        yield from _from_entries(group_by, time_ns, where, parameters)


def sums_of_users(users: Sequence[int], chosen: Filter, existing_months: UnitRange) -> Iterator[Query]:
    """Yield the queries for the sums of these users by user, except for outsize calls; no other user is read.

    `users` are ids of texts, or `NO_USER`; `existing_months` are the months that have calls at all.
    """
    among = f"user IN ({', '.join(map(str, users))})"
    days, ends, months = _months_and_days(time_range(chosen))
    listed = ", ".join(
        map(str, range(max(months.since, existing_months.since), min(months.until, existing_months.until)))
    )
    if listed:
        yield Query(
            _from_sums("users_monthly", "month", ["user"], f"month IN ({listed}) AND {among}"), months._asdict()
        )
    if days:
        listed = f"day IN ({', '.join(map(str, days))}) AND {among}"
        yield Query(_from_sums("users_daily", "day", ["user"], listed), {"since": days[0], "until": days[-1] + 1})
    for end in ends:
        yield from _from_entries(["user"], end, among, {})
        if NO_USER in users:
            yield from _from_entries(["user"], end, "user IS NULL", {})


def user_ids(chosen: Filter) -> Iterator[Query]:
    """Yield queries for the ids of the users of the `chosen` calls, or `NO_USER`, as rows of ids joined by commas."""
    time_ns = time_range(chosen)
    days, ends, months = _months_and_days(time_ns)
    if months.since < months.until:
        yield Query(_joined("user", "users_monthly", "month >= :since AND month < :until"), months._asdict())
    for day in days:
        yield Query(_joined("user", "users_daily", "day = :day"), {"day": day})
    for end in ends:
        yield Query(_joined("coalesce(user, 0)", "entries", _IN_TIME), end._asdict())
    yield Query(_joined("coalesce(user, 0)", "entries", f"outsize AND {_IN_TIME}"), time_ns._asdict())


def _joined(what: str, table: str, where: str) -> str:
    return f"SELECT group_concat({what}) FROM {table} WHERE {where}"  # noqa: S608 - names


def month_range(chosen: Filter) -> UnitRange:
    """Return the months that overlap the filter's time."""
    time_ns = time_range(chosen)
    return UnitRange(month_of(_dated(time_ns.since // DAY)), month_of(_dated((time_ns.until - 1) // DAY)) + 1)


def outsize_rows(group_by: Sequence[str], chosen: Filter) -> Query:
    """Return the query for the outsize calls: the columns to group by, those of `Posted`, the cost as text."""
    sql, parameters, _ = entry_rows(group_by, (*Posted._fields, "cost_text"), time_range(chosen), chosen)
    return Query(f"{sql} AND outsize", parameters)


def entry_rows(group_by: Sequence[str], columns: Sequence[str], span: UnitRange, chosen: Filter) -> Query:
    """Return the query for single calls in a range of nanoseconds: the columns to group by, and further ones."""
    parameters: dict[str, object] = {"since": span.since, "until": span.until}
    where = condition(chosen, parameters)
    selected = ", ".join((*(_ENTRY_COLUMNS[name] for name in group_by), *columns))
    sql = f"SELECT {selected} FROM entries LEFT JOIN kinds ON id = kind WHERE {_IN_TIME} AND {where}"  # noqa: S608 - names
    return Query(sql, parameters, span)


def adjusted_calls(group_by: Sequence[str], chosen: Filter) -> Query:
    """Return the query for the adjustments of calls in the ledger: the columns to group by, the dollars as text."""
    span = time_range(chosen)
    parameters: dict[str, object] = {"since": span.since, "until": span.until}
    sql = f"""
        SELECT {"".join(f"{_ENTRY_COLUMNS[name]}, " for name in group_by)} adjusted_text
        FROM (SELECT packed(call_id) AS adjusted, cost_text AS adjusted_text FROM adjustments WHERE call_id IS NOT NULL)
        CROSS JOIN entries ON call_id = adjusted LEFT JOIN kinds ON id = kind
        WHERE {_IN_TIME} AND {condition(chosen, parameters)}
    """  # noqa: S608 - made of names
    return Query(sql, parameters, span)


def day_and_hour(at: int) -> tuple[int, int]:
    """Return the day and the hour, both since 1970, of a Unix time in nanoseconds."""
    return at // DAY, at // HOUR


def time_range(chosen: Filter) -> UnitRange:
    """Return the filter's time in Unix nanoseconds."""
    since, until = time_bounds(chosen)
    return UnitRange(max(0, since or 0), _LAST if until is None else until)


def split_days(chosen: Filter) -> tuple[UnitRange, list[UnitRange]]:
    """Return the whole days in the filter's time, and the rest before and after them in nanoseconds."""
    return _split_range(time_range(chosen))


def _by_users(
    group_by: Sequence[str], time_ns: UnitRange, where: str, parameters: dict[str, object]
) -> Iterator[Query]:
    """Yield queries by user, from whole months unless `day` is among the columns."""
    months = _months(_split_range(time_ns)[0])
    if "day" in group_by or months.since >= months.until:
        yield from _daily("users_daily", group_by, time_ns, where, parameters)
        return
    yield Query(_from_sums("users_monthly", "month", group_by, where), parameters | months._asdict())
    first, last = first_day_of(months.since) * DAY, first_day_of(months.until) * DAY
    yield from _daily("users_daily", group_by, UnitRange(time_ns.since, first), where, parameters)
    yield from _daily("users_daily", group_by, UnitRange(last, time_ns.until), where, parameters)


def _months_and_days(time_ns: UnitRange) -> tuple[list[int], list[UnitRange], UnitRange]:
    """Return the further whole days one by one, the rest at both ends in nanoseconds, and the whole months."""
    days, ends = _split_range(time_ns)
    months = _months(days)
    if months.since >= months.until:
        return list(range(*days)), ends, UnitRange(0, 0)
    first, last = first_day_of(months.since), first_day_of(months.until)
    return [*range(days.since, first), *range(last, days.until)], ends, months


def _daily(
    table: str, group_by: Sequence[str], time_ns: UnitRange, where: str, parameters: dict[str, object]
) -> Iterator[Query]:
    days, ends = _split_range(time_ns)
    if days.since < days.until:
        yield Query(_from_sums(table, "day", group_by, where), parameters | {"since": days.since, "until": days.until})
    for end in ends:
        yield from _from_entries(group_by, end, where, parameters)


def _from_sums(table: str, unit: str, group_by: Sequence[str], where: str) -> str:
    is_key = unit in group_by and len(set(group_by)) == len(_KEYS[table])
    return f"""
        SELECT {"".join(f"{_SUM_COLUMNS[name]}, " for name in group_by)} {_ONE_ROW if is_key else SUMMED_COLUMNS}
        FROM {table}
        WHERE {unit} >= :since AND {unit} < :until AND {where} {"" if is_key else _grouped(group_by)}
    """  # noqa: S608 - made of names


def _from_entries(
    group_by: Sequence[str], time_ns: UnitRange, where: str, parameters: dict[str, object]
) -> Iterator[Query]:
    sql = f"""
        SELECT {"".join(f"{_ENTRY_COLUMNS[name]}, " for name in group_by)} {_COUNTED}
        FROM entries LEFT JOIN kinds ON id = kind
        WHERE outsize IS NULL AND {_IN_TIME} AND {where} {_grouped(group_by)}
    """  # noqa: S608 - made of names
    yield Query(sql, parameters | {"since": time_ns.since, "until": time_ns.until}, time_ns)


def _split_range(time_ns: UnitRange) -> tuple[UnitRange, list[UnitRange]]:
    days = UnitRange(-(-time_ns.since // DAY), time_ns.until // DAY)
    if days.since >= days.until:
        return UnitRange(0, 0), [time_ns] if time_ns.since < time_ns.until else []
    ends = UnitRange(time_ns.since, days.since * DAY), UnitRange(days.until * DAY, time_ns.until)
    return days, [end for end in ends if end.since < end.until]


def _months(days: UnitRange) -> UnitRange:
    """Return the whole months within these days."""
    return UnitRange(_month_from(days.since), month_of(_dated(days.until)))


def _month_from(day: int) -> int:
    """Return the first month that begins on this day or later."""
    month = month_of(_dated(day))
    return month if first_day_of(month) == day else month + 1


def _dated(day: int) -> int:
    return max(0, min(day, day_of(_LAST)))


def _grouped(group_by: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(len(group_by)))}" if group_by else ""


_IN_TIME = "started_at >= :since AND started_at < :until"
_ENTRY_COLUMNS = {
    "kind": "kind",
    "user": "user",
    "session": "session",
    "tags": "tags",
    "day": f"started_at / {DAY}",
    "hour": f"started_at / {HOUR}",
}
_KEYS = {"kinds_daily": ("day", "kind"), "users_daily": ("day", "user"), "users_monthly": ("month", "user")}
"""The primary key of each table: rows grouped by all of it need no adding up."""
_ONE_ROW = ", ".join((*COUNTS, *STATING, *TOKENS, "carry", f"cost / {LIMB}", f"cost % {LIMB}"))
"""`sums.SUMMED_COLUMNS` for a single row."""
_SUM_COLUMNS = {"kind": "kind", "user": "nullif(user, 0)", "day": "day"}
_COUNTED = ", ".join(
    (
        "count(*), count(error_type), count(cost)",
        f"count(iif(cost IS NULL AND http_status IN ({', '.join(map(str, sorted(REFUSED_STATUSES)))}), 1, NULL))",
        "count(iif(cost_source = 'prices', 1, NULL))",
        *(f"count({name})" for name in TOKENS),
        *(f"coalesce(sum({name}), 0)" for name in TOKENS),
        f"0, coalesce(sum(cost / {LIMB}), 0), coalesce(sum(cost % {LIMB}), 0)",
    )
)
"""`sums.SUMMED_COLUMNS` for single entries."""
