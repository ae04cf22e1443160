"""Sums over the calls, by user, model, day or any other dimension.

Sums of money are exact to 12 decimals; a stated amount with more is rounded half-even. A call of unknown cost is
counted as such and adds nothing. The adjustments that reconciling stored are part of the cost of their group.
"""

from collections.abc import Iterator, Mapping, Sequence
from sqlite3 import Connection

from spancast.bookkeeping import paged
from spancast.bookkeeping.answers.adjustment_sums import AdjustmentSum, adjustment_sums, total_of
from spancast.bookkeeping.answers.column_sums import ColumnSums, add_sums, column_sums
from spancast.bookkeeping.answers.dimensions import Dimension, Group, Legend, dimension
from spancast.bookkeeping.answers.filter import Filter, check_texts, register_tag_function
from spancast.bookkeeping.answers.report import FoundGroups, GroupTotals, Report, group_totals, report
from spancast.bookkeeping.answers.sources import queries
from spancast.bookkeeping.answers.top_users import count_users, filters_time_only, top_users
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.dangling import check_kinds
from spancast.bookkeeping.retention import complete_since
from spancast.bookkeeping.rollups import NO_USER
from spancast.bookkeeping.sums import Sums


def costs(book: Book, by: Sequence[str], chosen: Filter, top: int | None = None, *, counted: bool = False) -> Report:
    """Return the sums of the `chosen` calls by the dimensions `by`; with `top`, only the groups of the highest cost.

    The top users are found without reading all users; how many more there are is known only where `counted` is set.

    Raises:
        ConfigurationError: A dimension is unknown.
    """
    dimensions = [dimension(name) for name in by]
    group_by = list(dict.fromkeys(each.column for each in dimensions))
    with book.reading() as connection:
        register_tag_function(connection)
        check_kinds(connection)
        check_texts(connection, chosen)
        adjustments = adjustment_sums(connection, dimensions, group_by, chosen)
        since = complete_since(connection, [each.read for each in queries(group_by, chosen) if each.read is not None])
        if top is not None and list(by) == ["user"] and filters_time_only(chosen):
            found = _of_top_users(connection, chosen, top, adjustments, counted=counted)
        else:
            sums = column_sums(connection, group_by, queries(group_by, chosen), chosen)
            found = FoundGroups.all(group_totals(_by_values(connection, dimensions, group_by, sums), adjustments))
    return report(by, found, top, since)


def reported(by: Sequence[str], calls: Mapping[Group, Sums], top: int | None = None) -> Report:
    """Return the report on the sums of all chosen calls by the dimensions `by`."""
    return report(by, FoundGroups.all(group_totals(calls, {})), top)


def _of_top_users(
    connection: Connection, chosen: Filter, top: int, adjustments: Mapping[Group, AdjustmentSum], *, counted: bool
) -> FoundGroups:
    """Return at least the `top` users, and the totals of all users."""
    numbers = {
        None: NO_USER,
        **dict(paged.rows(connection, _NUMBERS, [user for (user,) in adjustments if user is not None])),
    }
    noted = {numbers[user]: each.picos for (user,), each in adjustments.items() if user in numbers}
    sums = top_users(connection, chosen, top, noted)
    groups = group_totals(_by_values(connection, [dimension("user")], ["user"], sums), adjustments)
    total = column_sums(connection, [], queries([], chosen), chosen).get((), Sums())
    found = FoundGroups(groups, GroupTotals(total, total_of(adjustments.values())), None)
    if not counted:
        return found
    without_calls = sum(not groups[group].calls["calls"] for group in adjustments)
    return found._replace(group_count=count_users(connection, chosen) + without_calls)


def _by_values(
    connection: Connection, dimensions: Sequence[Dimension], group_by: Sequence[str], sums: ColumnSums
) -> dict[Group, Sums]:
    """Return the sums by the values of the dimensions."""
    legend = Legend(connection, {column: [key[at] for key in sums] for at, column in enumerate(group_by)})
    found: dict[Group, Sums] = {}
    for group, each in zip(_groups(dimensions, group_by, list(sums), legend), sums.values(), strict=True):
        add_sums(found, group, each)
    return found


def _groups(
    dimensions: Sequence[Dimension], group_by: Sequence[str], keys: Sequence[tuple[int | None, ...]], legend: Legend
) -> Iterator[Group]:
    """Yield the values of the dimensions for each key."""
    columns = []
    for each in dimensions:
        at = group_by.index(each.column)
        values = {number: each.value_of(legend[each.column][number]) for number in {key[at] for key in keys}}
        columns.append([values[key[at]] for key in keys])
    return zip(*columns, strict=True) if columns else iter([()] * len(keys))


_NUMBERS = "SELECT text, id FROM texts WHERE text IN ({})"
