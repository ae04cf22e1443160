"""How long calls took, as scripts read it: seconds, what is unknown as null. Keys are only ever added, behind."""

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.latency import LatencyRow
from spancast.cli.output.costs_json import day
from spancast.cli.reports.latency import LatencyReport

_PLACES = 6


def report_json(report: LatencyReport) -> dict[str, object]:
    """Return the whole answer."""
    return {
        "rows": [row(each) for each in report.rows],
        "total": row(report.total),
        "complete_since": day(report.complete_since),
    }


def row(each: LatencyRow) -> dict[str, object]:
    """Return a row."""
    return {
        **each.group,
        "calls": each.calls,
        "p50_s": _seconds(each.p50),
        "p95_s": _seconds(each.p95),
        "first_token_p50_s": _seconds(each.first_token_p50),
        "first_token_p95_s": _seconds(each.first_token_p95),
        "tokens_per_second_p50": None
        if each.tokens_per_second_p50 is None
        else round(each.tokens_per_second_p50, _PLACES),
    }


def _seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / NS_PER_SECOND, _PLACES)
