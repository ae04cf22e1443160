"""Spancast at work in a process: where the stations are put together, and taken down again."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spancast import owed
from spancast.base import guard, locks
from spancast.base.deadline import Deadline
from spancast.base.threads import Daemon
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.pruner import Pruner
from spancast.delivery.gauges import Deliveries
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.delivery.journal.pump import Pump
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import WorkerThread
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import SpancastError
from spancast.records.call import Call
from spancast.records.record import Record
from spancast.settings.settings import Settings
from spancast.trace.companions import Companions
from spancast.trace.span_cache import to_span
from spancast.trace.tracing import Tracing
from spancast.watch import Watch

if TYPE_CHECKING:
    from spancast.delivery.courier.courier import Courier

EXIT_BUDGET = 0.6
"""Seconds that Spancast takes when the process ends, at most; what waits then is sent by the next process.

A second is what it may cost with the interpreter's own end: to take down what was imported takes it 0.2 s of a core
more than without us, and longer where the core is shared."""
WRITING = 0.4
"""The part of it in which words are still written; a call whose words are not by then has none."""
FLUSHING = 0.8
"""The part of it in which requests are still begun."""
SILENT = 1.0
"""Seconds for which a platform has not answered when its answer is not waited for any more, where no more are given."""
POLL = 0.01
"""Seconds between two looks at whether all is delivered."""
GRACE = 0.05
"""Seconds beyond a deadline for which a lock is waited for that another process has: to look once must be possible."""
BEGINNING = 0.2
"""Seconds that `start` waits for its destinations to be entered in the outbox; that goes on behind its back."""


class Running:
    """Spancast at work in this process: everything that `start` makes and `stop` takes down."""

    def __init__(
        self,
        settings: Settings,
        said: Mapping[str, Any],
        explicit: frozenset[str],
        on_provider: Callable[[], None],
    ) -> None:
        """Make all parts; `on_provider` is called when the application turns out to have another tracer provider.

        `said` is what the program itself has said, by the names of `spancast.start`. Destinations that are `explicit`
        raise `ConfigurationError` where they lack a credential.
        """
        self.settings = settings
        self.said = said
        self._book, self._outbox = Book(settings.home), Outbox(settings.home, Limits.of(settings))
        self._journal = Journal(settings.home, settings.durability)
        self._lacking: list[tuple[str, str, str]] = []
        """The destinations that cannot be served: the name of each, its exporter's, and why."""
        """What destinations lack that cannot be served."""
        self._couriers = [] if settings.delivery == "external" else self._hire(settings.destinations, explicit)
        own_calls = owed.OwnCalls(self._book, self._keep) if owed.asks_with_own_keys(settings) else None
        self._askers = self._employ(own_calls)
        self._pump = Pump(
            self._journal,
            Drainer(settings.home, (self._book, self._outbox)),
            [worker.wake for worker in (*(thread for _, thread in self._couriers), *self._askers)],
        )
        words = settings.capture_content != "no_content"
        self._deliveries = Deliveries(self._outbox.standings)
        self._watch = Watch(
            settings,
            Tracing(said.get("tracer_provider"), Companions(settings.destinations, self._keep, words=words)),
            on_provider,
            meter_provider=said.get("meter_provider"),
            keep=self._keep,
            deliveries=self._deliveries,
            owing=None if own_calls is None else own_calls.watch,
        )

    def begin(self) -> None:
        """Watch the client libraries, and send what waits."""
        self._watch.begin()
        if self._couriers or self._lacking:
            _for_a_moment(self._register_each, BEGINNING)
        if self._couriers and journal_folder(self.settings.home).is_dir():
            self._pump.inherit()  # what an earlier process has left may wait for this one

    def flush(self, timeout: float) -> bool:
        """Move and send what was recorded; return whether all of it is where it should be.

        It returns sooner where nothing can be sent in time: a destination that failed is left alone for a while.
        """
        return self._flush(Deadline(timeout), math.inf)

    def _flush(self, deadline: Deadline, silent: float) -> bool:
        """Do so until `deadline`; wait for no platform that has been `silent` for so long.

        Nor is any process or thread waited for that stands still with a lock, or with a disk that does.
        """
        with locks.within(deadline.left + GRACE), suppress(TimeoutError):
            return self._all_sent(deadline, silent)
        return False

    def _all_sent(self, deadline: Deadline, silent: float) -> bool:
        written = self._watch.complete(deadline.left)
        if not self._pump.move(deadline.left) or not written:
            return False
        while (serving := self._may_yet_send(deadline, silent)) and not deadline.over:
            if not self._undecided(serving):
                break
            time.sleep(POLL)
        everyone = [destination.name for destination in self.settings.destinations]
        return not self._undecided(everyone) and not self._outbox.dead(self._journal.writer, everyone)

    def _may_yet_send(self, deadline: Deadline, silent: float) -> list[str]:
        """Return the destinations to which something may be sent before `deadline`."""
        couriers = (courier for courier, _ in self._couriers)
        return [each.name for each in couriers if not each.rests(deadline) and not each.is_silent(silent)]

    def end(self, timeout: float, *, unhook: bool = True) -> bool:
        """Unhook, send what can be sent in time, and give back what the process holds.

        While the interpreter ends, the hooks stay: the application's own exit handlers may make calls yet. Those go to
        the journal, and `end_again` books them.
        """
        deadline, flushing, silent = Deadline(timeout), Deadline(timeout * FLUSHING), max(SILENT, timeout)
        if unhook:
            self._watch.unhook()
        done = False
        with guard.quietly("stopping"):
            self._watch.close(timeout * WRITING)
            done = self._flush(flushing, silent)
        self._pump.stop(deadline.left)
        for courier, thread in self._couriers:
            thread.stop(0.0 if courier.is_silent(silent) else deadline.left)
        for asker in self._askers:
            asker.stop(deadline.left)
        self._deliveries.end()
        self._watch.end()
        if not _for_a_moment(self._journal.close, max(GRACE, deadline.left)):
            self._journal.close(sync=False)
        if unhook:
            _for_a_moment(self._close, max(GRACE, deadline.left))
        return done

    def _close(self) -> None:
        """Close the databases; what uses them yet opens them again."""
        self._book.close()
        self._outbox.close()

    def is_done(self) -> bool:
        """Return whether all is where it should be, once it has ended: others may have moved and sent it since."""
        with guard.quietly("stopping"):
            done = self._flush(Deadline(0.0), 0.0)
            _for_a_moment(self._close, GRACE)
            return done
        return False

    def end_again(self) -> None:
        """Book the calls that were made since the end, without sending them; where that cannot be now, later."""
        with guard.quietly("stopping"):
            self._watch.close(POLL)
            if self._journal.news and not self._pump.is_at_it():
                with locks.within(EXIT_BUDGET):
                    self._pump.turn()
        self._journal.close(sync=False)

    def _undecided(self, names: Sequence[str]) -> int:
        return self._outbox.undecided(self._journal.writer, names) if names else 0

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped."""
        return self._watch.hooked()

    def _keep(self, record: Record) -> None:
        self._journal.append(record)
        if not self._pump.running and not (isinstance(record, Call) and record.outcome == "abandoned"):
            self._pump.start()

    def _employ(self, own_calls: owed.OwnCalls | None) -> list[WorkerThread]:
        """Return who asks for costs here; where only `spancast deliver` sends, it asks for those in the ledger.

        Whoever prunes the ledger is among them, in any process that books.
        """
        workers = [] if own_calls is None else [own_calls.worker]
        if self.settings.ledger_retention is not None:
            workers.append(Pruner(self._book, self.settings.ledger_retention))
        if self.settings.delivery != "external":
            workers += owed.of_the_ledger(self.settings, self._book, self._keep)
        return [WorkerThread(worker) for worker in workers]

    def _hire(
        self, destinations: Sequence[Destination], explicit: frozenset[str]
    ) -> list[tuple["Courier", WorkerThread]]:
        couriers = []
        for destination in destinations:
            try:
                exporter = discover.exporter(destination)
            except discover.Unconfigured as error:
                if destination.name in explicit:
                    raise
                self._lacking.append((destination.name, discover.exporter_name(destination), str(error)))
                guard.once_a_minute(f"destination {destination.name}", _LACKING, destination.name, error)
            else:
                from spancast.delivery.courier.courier import Courier  # noqa: PLC0415 - it brings HTTP and TLS along

                expects = owed.expects(self.settings)
                courier = Courier(destination, exporter, self._outbox, to_span, self.settings.home, expects=expects)
                couriers.append((courier, WorkerThread(courier)))
        return couriers

    def _register_each(self) -> None:
        """Have the destinations seen before the first call."""
        with suppress(OSError, sqlite3.Error, SpancastError):  # their first pass tries again, and tells why it cannot
            for courier, _ in self._couriers:
                courier.register()
            for lacking in self._lacking:
                self._outbox.lacks(*lacking)


def _for_a_moment(work: Callable[[], None], seconds: float) -> bool:
    """Do some work that the disk may hold up, and wait so long for it; then it goes on behind the caller's back.

    Return whether it was begun: no thread can be where the limit is reached, or the interpreter ends.
    """

    def quietly() -> None:
        with guard.quietly("work on the disk"):
            work()

    thread = Daemon(quietly, "spancast-disk")
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join(seconds)
    return True


_LACKING = "%s is not configured: %s"
