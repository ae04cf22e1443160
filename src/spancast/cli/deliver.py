"""`spancast deliver`: send what waits, once or for ever."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from spancast import settings
from spancast.cli.destinations import table
from spancast.cli.filters import add_home
from spancast.delivery import discover
from spancast.delivery.courier import Courier, CourierThread
from spancast.delivery.drainer import Drainer
from spancast.delivery.outbox import Ack, Outbox
from spancast.destination import Destination
from spancast.errors import ConfigurationError
from spancast.ledger.book import Book

TIMEOUT = 30.0
"""Seconds that a one-shot may take."""
LOOK = 0.25
"""Seconds between two looks at the journal, for ever."""
LAST_REQUESTS = 10.0
"""Seconds for the requests under way when told to stop."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--forever", action="store_true", help="go on until told to stop (SIGTERM, Ctrl-C)")
    how.add_argument("--timeout", type=float, default=TIMEOUT, metavar="S", help="seconds it may take (default: 30)")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Send; return 0 when nothing is left waiting for a destination that is configured here, else 1."""
    inforce = settings.resolve({"home": args.home})
    if not args.forever and not inforce.home.is_dir():
        print(f"Nothing waits: there is no {inforce.home}.")
        return 0
    with closing(Book(inforce.home)) as book, closing(Outbox(inforce.home)) as outbox:
        drainer = Drainer(inforce.home, [book, outbox])
        with _couriers(inforce.destinations, outbox, inforce.home) as couriers:
            if args.forever:
                _forever(drainer, couriers)
            else:
                _once(drainer, couriers, time.monotonic() + args.timeout)
        return _report(outbox, [destination.name for destination in inforce.destinations])


@contextmanager
def _couriers(destinations: Sequence[Destination], outbox: Outbox, home: Path) -> Iterator[list[Courier]]:
    """Give a courier for each destination that can be served; of the others say what they lack."""
    from spancast.api import to_span  # noqa: PLC0415 - the hooks come with it; --help needs none

    couriers: list[Courier] = []
    for destination in destinations:
        try:
            exporter = discover.exporter(destination)
        except ConfigurationError as error:
            print(f"spancast: {error}", file=sys.stderr)
            outbox.ack(destination.name, Ack(state="unconfigured", reason=str(error)))
        else:
            couriers.append(Courier(destination, exporter, outbox, to_span, home))
    try:
        yield couriers
    finally:
        for courier in couriers:
            courier.close()


def _once(drainer: Drainer, couriers: Sequence[Courier], deadline: float) -> None:
    if not drainer.drain(deadline - time.monotonic()):
        print("Another process is still reading the journal; the newest calls may be left out.", file=sys.stderr)
    if couriers:
        with ThreadPoolExecutor(len(couriers)) as threads:
            for done in [threads.submit(_serve, courier, deadline) for courier in couriers]:
                done.result()


def _serve(courier: Courier, deadline: float) -> None:
    """Do passes until nothing waits, nothing helps, or the next try would come too late."""
    while (left := deadline - time.monotonic()) > 0:
        done = courier.deliver_once(deadline)
        if not done.more:
            if done.wait is None or done.wait > left:
                return
            time.sleep(done.wait)


def _forever(drainer: Drainer, couriers: Sequence[Courier]) -> None:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    threads = [CourierThread(courier) for courier in couriers]
    while not told.is_set():
        drainer.drain()
        for thread in threads:
            thread.wake()
        told.wait(LOOK)
    drainer.drain()
    until = time.monotonic() + LAST_REQUESTS
    for thread in threads:
        thread.stop(max(0.0, until - time.monotonic()))


def _report(outbox: Outbox, configured: Sequence[str]) -> int:
    standings = outbox.standings()
    for line in table([standing for standing in standings if standing.name in configured]):
        print(line)
    for standing in standings:
        if standing.waiting and standing.name not in configured:
            print(
                f"{standing.waiting:,} wait for {standing.name}, which is not configured here. "
                f"Name it in SPANCAST_DESTINATIONS, or in spancast.toml.",
                file=sys.stderr,
            )
    return int(any(standing.waiting for standing in standings if standing.name in configured))
