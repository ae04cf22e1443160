"""`spancast deliver`: send what waits, once or forever."""

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
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.seconds import seconds
from spancast.cli.destinations import table
from spancast.cli.support.couriers import could_be_sent, couriers, despite_damage, open_outbox, send
from spancast.cli.support.ledger_access import report_replacement
from spancast.delivery.courier.courier import Courier
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import Worker, WorkerThread
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

TIMEOUT_SECONDS = 30.0
"""For a single delivery."""
POLL_SECONDS = 0.25
"""Between two looks at the journal, with `--forever`."""
STOP_SECONDS = 10.0
"""For requests in progress after a signal to stop."""
LAST_SEND_SECONDS = 2.0
"""At the end of a single delivery: no more costs are looked up, and what was found is sent."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--forever", action="store_true", help="go on until told to stop (SIGTERM, Ctrl-C)")
    how.add_argument(
        "--timeout",
        type=seconds(0),
        default=TIMEOUT_SECONDS,
        metavar="S",
        help="seconds in which requests are started (default: 30)",
    )
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Send; return 0 if nothing that can be sent still waits for a destination that is configured here, else 1."""
    settings = resolve({"home": args.home})
    report_replacement(settings, may_be_empty=args.forever)
    if not args.forever and not settings.home.is_dir():
        print(f"Nothing waits: there is no {settings.home}.")
        return 0
    despite_damage(settings.home, partial(_send, args, settings))
    return despite_damage(settings.home, partial(_report, settings))


def _send(args: argparse.Namespace, settings: Settings) -> None:
    with closing(Book(settings.home)) as book, closing(open_outbox(settings)) as outbox:
        drainer = Drainer(settings.home, [book, outbox])
        with couriers(settings, settings.destinations, outbox) as senders, _ledger_workers(settings, book) as workers:
            if args.forever:
                _forever(drainer, [*senders, *workers])
            else:
                _once(drainer, senders, workers, args.timeout)


@contextmanager
def _ledger_workers(settings: Settings, book: Book) -> Iterator[list[Worker]]:
    """Provide the workers that look up late costs, which they append to the journal, and that prune."""
    from spancast.workers import ledger_workers  # noqa: PLC0415 - OpenTelemetry's SDK comes with it; --help needs none

    with closing(Journal(settings.home)) as journal:
        workers = ledger_workers(settings, book, journal.append)
        try:
            yield workers
        finally:
            for worker in workers:
                worker.close()


def _once(drainer: Drainer, senders: Sequence[Courier], workers: Sequence[Worker], timeout: float) -> None:
    """Send what waits and look up late costs at the same time; then send the calls that waited for those."""
    deadline, lookup_deadline = Deadline(timeout), Deadline(timeout - LAST_SEND_SECONDS)
    if not drainer.drain(timeout):
        print("Another process is still reading the journal; the newest calls may be left out.", file=sys.stderr)
    sending = [partial(send, courier, deadline) for courier in senders]
    _in_parallel([*(partial(_work, worker, lookup_deadline) for worker in workers), *sending])
    if workers:
        drainer.drain(deadline.remaining)
        _in_parallel(sending)


def _in_parallel(tasks: Sequence[Callable[[], None]]) -> None:
    if tasks:
        with ThreadPoolExecutor(len(tasks)) as threads:
            for future in [threads.submit(task) for task in tasks]:
                future.result()


def _work(worker: Worker, deadline: Deadline) -> None:
    """Run a worker's rounds until none is left to do, or the next would come after the deadline."""
    timer = threading.Timer(deadline.remaining, worker.stop)
    timer.start()
    try:
        while (wait := worker.round()) is not None and wait < deadline.remaining:
            time.sleep(wait)
    finally:
        timer.cancel()


def _forever(drainer: Drainer, workers: Sequence[Worker]) -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    threads = [WorkerThread(worker) for worker in workers]
    while not stopping.is_set():
        with drainer.logging_failures():
            drainer.drain()
        for thread in threads:
            thread.wake()
        stopping.wait(POLL_SECONDS)
    deadline = Deadline(STOP_SECONDS)
    with drainer.logging_failures(), locks.within(deadline.remaining):
        drainer.drain()
    for thread in threads:
        thread.stop(deadline.remaining)


def _report(settings: Settings) -> int:
    configured = [destination.name for destination in settings.destinations]
    with closing(Outbox(settings.home)) as outbox:
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
