"""`spancast destinations`: the state of each destination."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import closing

from spancast.base.units import NS_PER_SECOND
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.cli.output.table import Column, lines, terminal_width
from spancast.cli.support.ledger_access import folder, ledger
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.outbox import Outbox

NONE_YET = "No destination yet. Name one:  SPANCAST_DESTINATIONS=otlp spancast run -- python app.py"

_COUNTS = ("captured", "delivered", "waiting", "dead", "expired", "shed", "skipped")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--json", action="store_true", help="one array, with every count and reason")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the destinations."""
    standings = _standings(args)
    if args.json:
        print(json.dumps([_json(standing) for standing in standings]))
    elif not standings:
        print(NONE_YET)
    else:
        for line in table(standings):
            print(line)
    return 0


def table(standings: Sequence[Standing]) -> Iterator[str]:
    """Yield the table of the destinations, and under it the problems of each, in full."""
    columns = [
        Column("destination"),
        Column("exporter", rank=2),
        Column("state"),
        *(Column(name, number=True, rank=0 if name in ("delivered", "waiting", "dead") else 1) for name in _COUNTS),
        Column("lag", number=True, rank=1),
    ]
    yield from lines(columns, map(_cells, standings), terminal_width())
    for standing in standings:
        problems = "; ".join(_problems(standing))
        if problems:
            yield f"{standing.name}: {problems}"


def _standings(args: argparse.Namespace) -> tuple[Standing, ...]:
    with ledger(args):  # what programs have written since is in the outbox, too
        home = folder(args)
        if not (home / "outbox.db").exists():
            return ()
        with closing(Outbox(home)) as outbox:
            return outbox.standings()


def _json(standing: Standing) -> dict[str, object]:
    return {
        "name": standing.name,
        "exporter": standing.exporter,
        "state": standing.state,
        **{name: getattr(standing, name) for name in _COUNTS},
        "lag_s": round(standing.lag_s, 3),
        "reasons": dict(standing.reasons),
        "reason": standing.reason,
    }


def _cells(standing: Standing) -> tuple[str, ...]:
    counts = (human.count(getattr(standing, name)) for name in _COUNTS)
    lag = human.span(round(standing.lag_s * NS_PER_SECOND)) if standing.waiting else ""
    return (standing.name, human.text(standing.exporter or None), standing.state, *counts, lag)


def _problems(standing: Standing) -> Iterator[str]:
    if standing.state in ("parked", "unconfigured") and standing.reason:
        yield f"{standing.state}: {standing.reason}"
    for reason, count in standing.reasons.items():
        if reason != standing.state:
            yield f"{count:,} {reason}"
    if standing.shed:
        yield f"{human.dollars(standing.shed_usd)} of calls shed, which are in the ledger"
