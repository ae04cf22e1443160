from dataclasses import replace
from decimal import Decimal

import pytest

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.output.charts import sparkline
from spancast.cli.reports.timeline import MAX_COLUMNS, over


def row(period: str, name: str, cost: int | None = 1) -> CostRow:
    return replace(CostRow.nothing(), group={period: name}, calls=1, cost=None if cost is None else Decimal(cost))


@pytest.mark.parametrize(
    ("period", "names", "drawn"),
    [
        ("hour", ["2026-11-25T22:00Z", "2026-11-26T01:00Z"], "█▁▁█"),
        ("day", ["2026-02-27", "2026-03-01"], "█▁█"),
        ("week", ["2026-11-23", "2026-12-07"], "█▁█"),
        ("month", ["2026-11", "2027-01"], "█▁█"),
        ("day", ["2026-11-26"], "█"),
    ],
)
def test_a_period_without_calls_is_low(period, names, drawn):
    rows = [row(period, name) for name in names]
    whole = over(period, rows)
    assert whole is not None
    assert sparkline(whole.costs(rows)) == drawn


def test_rows_of_one_period_are_added_and_unknown_is_told_from_nothing():
    rows = [
        row("day", "2026-11-01", 1),
        row("day", "2026-11-01", 3),
        row("day", "2026-11-02", None),
        row("day", "2026-11-03", None),
        row("day", "2026-11-03", 4),
    ]
    whole = over("day", rows)
    assert whole is not None
    assert sparkline(whole.costs(rows)) == "█·█"


def test_a_long_time_has_several_periods_to_a_column():
    rows = [row("hour", "1700-01-01T00:00Z"), row("hour", "2262-01-01T00:00Z", 2)]
    whole = over("hour", rows)
    assert whole is not None
    assert (sparkline(whole.costs(rows)), len(sparkline(whole.costs(rows)))) == (
        f"▅{'▁' * (MAX_COLUMNS - 2)}█",
        MAX_COLUMNS,
    )


def test_without_rows_there_is_none():
    assert over("day", []) is None
