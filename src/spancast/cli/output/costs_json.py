"""Sums as scripts read them: money as decimal strings, what is unknown as null. Keys are only ever added, behind."""

from datetime import date
from decimal import Decimal

from spancast.base.money import plain
from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.reports import figures
from spancast.cli.reports.costs import CostsReport
from spancast.cli.reports.savings import Saved

_PLACES = 6
"""Decimals of a share, of which 1 is all."""


def report_json(report: CostsReport) -> dict[str, object]:
    """Return the whole report."""
    return {
        "rows": [row(report, each) for each in report.rows],
        "total": total(report),
        "complete_since": day(report.complete_since),
        "others": others(report) if report.more else None,
    }


def row(report: CostsReport, each: CostRow) -> dict[str, object]:
    """Return a row, and what follows from it."""
    return sums(each) | _beside(each, report.total, report.saved(each))


def total(report: CostsReport) -> dict[str, object]:
    """Return the sums of all rows, shown or not."""
    return sums(report.total) | _beside(report.total, report.total, report.saved(*report.rows, *report.rest))


def others(report: CostsReport) -> dict[str, object]:
    """Return the sums of the rows that are not shown, and how many there are."""
    beside = _beside(report.others, report.total, report.saved(*report.rest))
    return {"rows": report.more} | sums(report.others) | beside


def sums(each: CostRow) -> dict[str, object]:
    """Return a row as it was summed."""
    return {
        **each.group,
        "calls": each.calls,
        "input_tokens": each.input_tokens,
        "output_tokens": each.output_tokens,
        "cached_tokens": each.cached_tokens,
        "reasoning_tokens": each.reasoning_tokens,
        "cost_usd": _money(each.cost),
        "errors": each.errors,
        "unknown_cost_calls": each.unknown_cost_calls,
        "refused_calls": each.refused_calls,
        "estimated_calls": each.estimated_calls,
    }


def _beside(each: CostRow, of: CostRow, saved: Saved) -> dict[str, object]:
    return {
        "share": _share(figures.share(each, of)),
        "cost_per_call_usd": _money(figures.per_call(each)),
        "cost_per_million_tokens_usd": _money(figures.per_million_tokens(each)),
        "cached_share": _share(figures.cached_share(each)),
        "cached_savings_usd": _money(saved.amount),
        "unpriced_cached_tokens": saved.unpriced,
        "adjustments": each.adjustments,
        "adjusted_usd": _money(each.adjusted),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def day(on: date | None) -> str | None:
    """Return a day as it is written."""
    return None if on is None else on.isoformat()


def _share(part: Decimal | None) -> float | None:
    return None if part is None else round(float(part), _PLACES)
