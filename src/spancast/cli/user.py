"""`spancast user U`: one user on a page: spend, sessions, models, errors, latest calls."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from spancast.bookkeeping.answers.report import CostRow
from spancast.call_filter import stored_user
from spancast.cli.arguments.filters import USER, add_home, number_of, value
from spancast.cli.output import call_json, costs_json
from spancast.cli.output.colour import paint_for
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.table import terminal_width, wrapped
from spancast.cli.output.user_text import text
from spancast.cli.reports import user as user_report
from spancast.cli.reports.user import DAYS, UserReport
from spancast.cli.support.ledger_access import ledger

_CALLS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("user", type=value, metavar="USER", help=USER)
    parser.add_argument(
        "-n", type=number_of("calls", 0), default=_CALLS, metavar="N", help=f"the newest N calls (default: {_CALLS})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, all values exact")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the page."""
    now, user = datetime.now(UTC), stored_user(args.user)
    with ledger(args) as book:
        found = UserReport(user=user) if book is None else user_report.read(book, user, args.n, now)
    if args.json:
        print(json.dumps(_json(found)))
    elif found.total.calls or found.total.adjustments:
        for line in text(found, now, terminal_width(), paint_for(sys.stdout)):
            print(line)
    else:
        none = NOTHING_YET if book is None else f"No call was for {args.user}."
        print(*wrapped(none, terminal_width()), sep="\n")
    return 0


def _json(found: UserReport) -> dict[str, object]:
    return {
        "user": found.user,
        "total": costs_json.sums(found.total),
        "this_month": costs_json.sums(found.month),
        f"last_{DAYS}_days": costs_json.sums(found.recent),
        "days": _rows(found.days),
        "sessions": _rows(found.sessions),
        "models": _rows(found.models),
        "errors": _rows(found.errors),
        "calls": [call_json.members(row) for row in found.latest],
        "complete_since": costs_json.day(found.complete_since),
    }


def _rows(rows: Sequence[CostRow]) -> list[dict[str, object]]:
    return [costs_json.sums(row) for row in rows]
