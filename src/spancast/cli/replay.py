"""`spancast replay NAME --since 7d`: send a destination the stored calls that it does not have."""

import argparse
import json
import sys
from contextlib import closing
from datetime import datetime
from functools import partial

from spancast.base.deadline import Deadline
from spancast.base.units import INT64_MAX, NS_PER_SECOND
from spancast.bookkeeping.book import Book
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.seconds import seconds
from spancast.cli.arguments.when import moment
from spancast.cli.output import human
from spancast.cli.support.couriers import (
    could_be_sent,
    couriers,
    despite_damage,
    destination_called,
    open_outbox,
    send,
)
from spancast.cli.support.ledger_access import report_replacement
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

TIMEOUT_SECONDS = 60.0
"""For sending; what still waits is sent by the programs on this machine, or by `spancast deliver`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("name", metavar="NAME", help="the destination's name in the settings")
    parser.add_argument(
        "--since", type=moment, required=True, metavar="WHEN", help="calls made since: 24h, 7d, 2026-11-01, ..."
    )
    parser.add_argument(
        "--ambiguous",
        action="store_true",
        help="also calls whose response was lost; the platform may then have them twice",
    )
    parser.add_argument(
        "--timeout", type=seconds(0), default=TIMEOUT_SECONDS, metavar="S", help="seconds it may take (default: 60)"
    )
    parser.add_argument("--json", action="store_true", help="one object: name, replayed, delivered, waiting, reasons")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Make the calls wait for the destination, and send them; return 0 if none that can be sent is left, else 1."""
    deadline = Deadline(args.timeout)
    settings = resolve({"home": args.home})
    destination = destination_called(args.name, settings)
    report_replacement(settings)
    if not settings.home.is_dir():
        return _print(args, 0, 0, None)
    return despite_damage(settings.home, partial(_replay, args, settings, destination, deadline))


def _replay(args: argparse.Namespace, settings: Settings, destination: Destination, deadline: Deadline) -> int:
    with closing(Book(settings.home)) as book, closing(open_outbox(settings)) as outbox:
        if not Drainer(settings.home, [book, outbox]).drain(args.timeout):
            print("Another process is still reading the journal; the newest calls may be left out.", file=sys.stderr)
        with couriers(settings, [destination], outbox) as senders:
            before = _delivered(outbox, args.name)
            replayed = outbox.replay(args.name, _unix(args.since), ambiguous=args.ambiguous)
            for courier in senders:
                send(courier, deadline)
        standing = _standing(outbox, args.name)
        return _print(args, replayed, _delivered(outbox, args.name) - before, standing)


def _unix(at: datetime) -> int:
    """Return a Unix time in nanoseconds; a time beyond 64 bits is after every call."""
    return min(int(at.timestamp()) * NS_PER_SECOND, INT64_MAX)


def _standing(outbox: Outbox, name: str) -> Standing | None:
    return next((standing for standing in outbox.standings() if standing.name == name), None)


def _delivered(outbox: Outbox, name: str) -> int:
    standing = _standing(outbox, name)
    return 0 if standing is None else standing.delivered


def _print(args: argparse.Namespace, replayed: int, delivered: int, standing: Standing | None) -> int:
    waiting = 0 if standing is None else standing.waiting
    reasons = {} if standing is None else dict(standing.reasons)
    if args.json:
        totals = {"name": args.name, "replayed": replayed, "delivered": delivered, "waiting": waiting}
        print(json.dumps({**totals, "reasons": reasons}))
    else:
        print(f"{human.calls(replayed)} to be replayed to {args.name}: {delivered:,} delivered, {waiting:,} waiting.")
        for reason, count in reasons.items():
            print(f"{args.name}: {count:,} {reason}")
        if standing is not None and standing.state != "ready":
            print(f"{args.name} is {standing.state}: {standing.reason}")
    return int(standing is not None and could_be_sent(standing) > 0)
