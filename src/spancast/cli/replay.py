"""`spancast replay NAME --since 7d`: send a destination what it does not have of the calls that are kept."""

import argparse
import json
import sys
from contextlib import closing
from datetime import datetime
from functools import partial

from spancast.base.deadline import Deadline
from spancast.bookkeeping.book import Book
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.seconds import seconds
from spancast.cli.arguments.when import moment
from spancast.cli.output import human
from spancast.cli.serving import could_be_sent, couriers, despite_damage, destination_called, open_outbox, serve
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

TIMEOUT = 60.0
"""Seconds that it may send; what waits then is sent by the programs on this machine, or by `spancast deliver`."""
_NANOSECONDS = 10**9
_LAST = 2**63 - 1
"""What 64 bits do not hold is after every call."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("name", metavar="NAME", help="the destination, as it is called in the settings")
    parser.add_argument(
        "--since", type=moment, required=True, metavar="WHEN", help="calls made from then on: 24h, 7d, 2026-11-01, ..."
    )
    parser.add_argument(
        "--ambiguous",
        action="store_true",
        help="also what the platform may have already, for no answer came; it may then be there twice",
    )
    parser.add_argument(
        "--timeout", type=seconds(0), default=TIMEOUT, metavar="S", help="seconds it may take (default: 60)"
    )
    parser.add_argument("--json", action="store_true", help="one object: name, replayed, delivered, waiting, reasons")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Have the calls wait for the destination, and send them; return 0 when none is left that could be sent, else 1."""
    deadline = Deadline(args.timeout)
    inforce = resolve({"home": args.home})
    destination = destination_called(args.name, inforce)
    if not inforce.home.is_dir():
        return _say(args, 0, 0, None)
    return despite_damage(inforce.home, partial(_replay, args, inforce, destination, deadline))


def _replay(args: argparse.Namespace, inforce: Settings, destination: Destination, deadline: Deadline) -> int:
    with closing(Book(inforce.home)) as book, closing(open_outbox(inforce)) as outbox:
        if not Drainer(inforce.home, [book, outbox]).drain(args.timeout):
            print("Another process is still reading the journal; the newest calls may be left out.", file=sys.stderr)
        with couriers(inforce, [destination], outbox) as hired:
            before = _delivered(outbox, args.name)
            replayed = outbox.replay(args.name, _unix(args.since), ambiguous=args.ambiguous)
            for courier in hired:
                serve(courier, deadline)
        standing = _standing(outbox, args.name)
        return _say(args, replayed, _delivered(outbox, args.name) - before, standing)


def _unix(at: datetime) -> int:
    return min(int(at.timestamp()) * _NANOSECONDS, _LAST)


def _standing(outbox: Outbox, name: str) -> Standing | None:
    return next((standing for standing in outbox.standings() if standing.name == name), None)


def _delivered(outbox: Outbox, name: str) -> int:
    standing = _standing(outbox, name)
    return 0 if standing is None else standing.delivered


def _say(args: argparse.Namespace, replayed: int, delivered: int, standing: Standing | None) -> int:
    waiting = 0 if standing is None else standing.waiting
    reasons = {} if standing is None else dict(standing.reasons)
    if args.json:
        said = {"name": args.name, "replayed": replayed, "delivered": delivered, "waiting": waiting}
        print(json.dumps({**said, "reasons": reasons}))
    else:
        print(f"{human.calls(replayed)} to be replayed to {args.name}: {delivered:,} delivered, {waiting:,} waiting.")
        for reason, count in reasons.items():
            print(f"{args.name}: {count:,} {reason}")
        if standing is not None and standing.state != "ready":
            print(f"{args.name} is {standing.state}: {standing.reason}")
    return int(standing is not None and could_be_sent(standing) > 0)
