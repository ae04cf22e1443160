"""`spancast deliver`: send what waits, once or for ever."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

from spancast.base import locks
from spancast.base.deadline import Deadline
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.pruner import Pruner
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.seconds import seconds
from spancast.cli.destinations import table
from spancast.cli.serving import could_be_sent, couriers, despite_damage, open_outbox, serve
from spancast.delivery.courier.courier import Courier
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import Worker, WorkerThread
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

TIMEOUT = 30.0
"""Seconds that a one-shot may take."""
LOOK = 0.25
"""Seconds between two looks at the journal, for ever."""
LAST_REQUESTS = 10.0
"""Seconds for what is under way when told to stop."""
LAST_SENDING = 2.0
"""Seconds at the end of a one-shot in which no cost is asked for any more, but what has come is sent."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--forever", action="store_true", help="go on until told to stop (SIGTERM, Ctrl-C)")
    how.add_argument(
        "--timeout",
        type=seconds(0),
        default=TIMEOUT,
        metavar="S",
        help="seconds in which requests are begun (default: 30)",
    )
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Send; return 0 when nothing is left waiting for a destination that is configured here, else 1."""
    inforce = resolve({"home": args.home})
    if not args.forever and not inforce.home.is_dir():
        print(f"Nothing waits: there is no {inforce.home}.")
        return 0
    despite_damage(inforce.home, partial(_send, args, inforce))
    return despite_damage(inforce.home, partial(_report, inforce))


def _send(args: argparse.Namespace, inforce: Settings) -> None:
    with closing(Book(inforce.home)) as book, closing(open_outbox(inforce)) as outbox:
        drainer = Drainer(inforce.home, [book, outbox])
        with couriers(inforce, inforce.destinations, outbox) as hired, _askers(inforce, book) as askers:
            if args.forever:
                _forever(drainer, [*hired, *askers])
            else:
                _once(drainer, hired, askers, args.timeout)


@contextmanager
def _askers(inforce: Settings, book: Book) -> Iterator[list[Worker]]:
    """Give who asks for the costs that came late, and who prunes; what is found goes through the journal."""
    from spancast.owed import of_the_ledger  # noqa: PLC0415 - the hooks come with it; --help needs none

    with closing(Journal(inforce.home)) as journal:
        askers = of_the_ledger(inforce, book, journal.append)
        if inforce.ledger_retention is not None:
            askers.append(Pruner(book, inforce.ledger_retention))
        try:
            yield askers
        finally:
            for asker in askers:
                asker.close()


def _once(drainer: Drainer, hired: Sequence[Courier], askers: Sequence[Worker], timeout: float) -> None:
    """Send what waits and ask for late costs at the same time; then send what has been waiting for those."""
    deadline, asked = Deadline(timeout), Deadline(timeout - LAST_SENDING)
    if not drainer.drain(timeout):
        print("Another process is still reading the journal; the newest calls may be left out.", file=sys.stderr)
    asking = [partial(_ask, asker, asked) for asker in askers]
    sending = [partial(serve, courier, deadline) for courier in hired]
    _together([*asking, *sending])
    if askers:
        drainer.drain(deadline.left)
        _together(sending)


def _together(tasks: Sequence[Callable[[], None]]) -> None:
    if tasks:
        with ThreadPoolExecutor(len(tasks)) as threads:
            for done in [threads.submit(task) for task in tasks]:
                done.result()


def _ask(asker: Worker, deadline: Deadline) -> None:
    """Do rounds until nothing is wanted, or the next would come too late."""
    ending = threading.Timer(deadline.left, asker.stop)
    ending.start()
    try:
        while (wait := asker.round()) is not None and wait < deadline.left:
            time.sleep(wait)
    finally:
        ending.cancel()


def _forever(drainer: Drainer, workers: Sequence[Worker]) -> None:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    threads = [WorkerThread(worker) for worker in workers]
    while not told.is_set():
        with drainer.faults_told():
            drainer.drain()
        for thread in threads:
            thread.wake()
        told.wait(LOOK)
    deadline = Deadline(LAST_REQUESTS)
    with drainer.faults_told(), locks.within(deadline.left):
        drainer.drain()
    for thread in threads:
        thread.stop(deadline.left)


def _report(inforce: Settings) -> int:
    configured = [destination.name for destination in inforce.destinations]
    with closing(Outbox(inforce.home)) as outbox:
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
    return int(any(could_be_sent(standing) for standing in standings if standing.name in configured))
