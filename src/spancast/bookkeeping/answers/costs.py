"""Sums over the calls, by user, model, day or whatever else was asked for.

Sums of money are exact: of the stated amounts to 12 decimals, rounded half-even per call beyond. A call of unknown cost
is counted as such and adds nothing. What reconciling noted beside the calls is in the cost of its group.
"""

from collections.abc import Iterator, Mapping, Sequence
from sqlite3 import Connection

from spancast.bookkeeping import paged
from spancast.bookkeeping.answers.adjusted import Adjusted, added, adjusted
from spancast.bookkeeping.answers.dearest import dearest, is_by_users_alone, number_of_users
from spancast.bookkeeping.answers.dimensions import Dimension, Group, Legend, dimension
from spancast.bookkeeping.answers.filter import Filter, teach
from spancast.bookkeeping.answers.grounded import Grounded, grounded, take
from spancast.bookkeeping.answers.report import Found, Report, Tally, report, tallied
from spancast.bookkeeping.answers.sources import queries
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.dangling import see_kinds
from spancast.bookkeeping.kept import complete_since
from spancast.bookkeeping.rollups import NOBODY
from spancast.bookkeeping.sums import Sums


def costs(book: Book, by: Sequence[str], chosen: Filter, top: int | None = None, *, counted: bool = False) -> Report:
    """Return the sums of the `chosen` calls by the dimensions `by`; of the `top` dearest groups, where that is given.

    The dearest users are found without looking at all of them; how many more there are is told where it shall be
    `counted`.

    Raises `ConfigurationError` for an unknown dimension.
    """
    dimensions = [dimension(name) for name in by]
    asked = list(dict.fromkeys(each.ground for each in dimensions))
    with book.reading() as connection:
        teach(connection)
        see_kinds(connection)
        beside = adjusted(connection, dimensions, asked, chosen)
        since = complete_since(connection, [each.read for each in queries(asked, chosen) if each.read is not None])
        if top is not None and list(by) == ["user"] and is_by_users_alone(chosen):
            found = _of_the_dearest(connection, chosen, top, beside, counted=counted)
        else:
            sums = grounded(connection, asked, queries(asked, chosen), chosen)
            found = Found.all(tallied(_by_values(connection, dimensions, asked, sums), beside))
    return report(by, found, top, since)


def reported(by: Sequence[str], calls: Mapping[Group, Sums], top: int | None = None) -> Report:
    """Return the report on sums by the values of the dimensions `by`, which are of all the calls that are meant."""
    return report(by, Found.all(tallied(calls, {})), top)


def _of_the_dearest(
    connection: Connection, chosen: Filter, top: int, beside: Mapping[Group, Adjusted], *, counted: bool
) -> Found:
    """Return as many users as `top` needs, and what all of them come to."""
    numbers = {None: NOBODY, **dict(paged.rows(connection, _NUMBERS, [user for (user,) in beside if user is not None]))}
    noted = {numbers[user]: each.picos for (user,), each in beside.items() if user in numbers}
    sums = dearest(connection, chosen, top, noted)
    tallies = tallied(_by_values(connection, [dimension("user")], ["user"], sums), beside)
    total = grounded(connection, [], queries([], chosen), chosen).get((), Sums())
    told = Found(tallies, Tally(total, added(beside.values())), None)
    if not counted:
        return told
    without_calls = sum(not tallies[group].calls["calls"] for group in beside)
    return told._replace(groups=number_of_users(connection, chosen) + without_calls)


def _by_values(
    connection: Connection, dimensions: Sequence[Dimension], asked: Sequence[str], sums: Grounded
) -> dict[Group, Sums]:
    """Return the sums by the values of the dimensions."""
    legend = Legend(connection, {ground: [key[at] for key in sums] for at, ground in enumerate(asked)})
    found: dict[Group, Sums] = {}
    for group, each in zip(_groups(dimensions, asked, list(sums), legend), sums.values(), strict=True):
        take(found, group, each)
    return found


def _groups(
    dimensions: Sequence[Dimension], asked: Sequence[str], keys: Sequence[tuple[int | None, ...]], legend: Legend
) -> Iterator[Group]:
    """Yield the values of the dimensions that each key stands for."""
    columns = []
    for each in dimensions:
        at = asked.index(each.ground)
        values = {number: each.tell(legend[each.ground][number]) for number in {key[at] for key in keys}}
        columns.append([values[key[at]] for key in keys])
    return zip(*columns, strict=True) if columns else iter([()] * len(keys))


_NUMBERS = "SELECT text, id FROM texts WHERE text IN ({})"
