"""Everything that `start` puts to work in a process, and `stop` takes down."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spancast import workers
from spancast.base import guard, locks
from spancast.base.deadline import Deadline
from spancast.base.threads import Daemon
from spancast.bookkeeping.book import Book
from spancast.delivery.gauges import Deliveries
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.delivery.journal.pump import Pump
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import WorkerThread
from spancast.destinations.discover import Unconfigured
from spancast.errors import SpancastError
from spancast.instrumentation import Instrumentation
from spancast.records.call import Call
from spancast.records.record import Record
from spancast.settings.settings import Settings
from spancast.trace.app_spans import AppSpans
from spancast.trace.tracing import Tracing

if TYPE_CHECKING:
    from spancast.delivery.courier.courier import Courier

EXIT_SECONDS = 0.6
"""What Spancast takes at most when the process ends; what still waits is sent by the next process.

One second is the limit, including the interpreter's own end: unloading our imports takes 0.2 s of a core, and longer if
the core is shared."""
CONTENT_FRACTION = 0.4
"""The part of that time in which content is still written; a call whose content is not written by then has none."""
FLUSH_FRACTION = 0.8
"""The part of that time in which requests are still started."""
SILENT_SECONDS = 1.0
"""A request that has had no response for this long is not waited for at the end, unless `stop` was given longer."""
POLL_SECONDS = 0.01
"""Between two checks whether all is delivered."""
LOCK_GRACE_SECONDS = 0.05
"""Added to a deadline when waiting for another process's lock: one look must be possible even at a deadline of 0."""
REGISTRATION_SECONDS = 0.2
"""What `start` waits at most until its destinations are in the outbox; the work goes on in the background."""


class Runtime:
    """What runs in this process between `start` and `stop`."""

    def __init__(
        self,
        settings: Settings,
        arguments: Mapping[str, Any],
        explicit: frozenset[str],
        on_provider: Callable[[], None],
    ) -> None:
        """Build all parts.

        Args:
            settings: The resolved settings.
            arguments: What the program itself passed to `spancast.start`, by name.
            explicit: The names of the destinations among them: one that lacks a credential is an error.
            on_provider: Called when the application turns out to have another tracer provider than before.

        Raises:
            ConfigurationError: A destination cannot work, or an explicit one lacks a credential.
        """
        self.settings = settings
        self.arguments = arguments
        self._book, self._outbox = Book(settings.home), Outbox(settings.home, Limits.of(settings))
        self._journal = Journal(settings.home, settings.durability)
        sends = settings.delivery != "external"
        self._couriers, self._unserved = self._build_couriers(explicit) if sends else ([], [])
        lookups = workers.CallerKeyLookups(self._book, self._append) if workers.uses_caller_keys(settings) else None
        ledger_workers = workers.ledger_workers(settings, self._book, self._append, looks_up_costs=sends)
        own_workers = [] if lookups is None else [lookups.worker]
        self._workers = [WorkerThread(worker) for worker in (*own_workers, *ledger_workers)]
        self._pump = Pump(
            self._journal,
            Drainer(settings.home, (self._book, self._outbox)),
            [worker.wake for worker in (*(thread for _, thread in self._couriers), *self._workers)],
        )
        captures_content = settings.capture_content != "no_content"
        self._deliveries = Deliveries(self._outbox.standings)
        self._instrumentation = Instrumentation(
            settings,
            Tracing(
                arguments.get("tracer_provider"),
                AppSpans(settings.destinations, self._append, content=captures_content),
            ),
            on_provider,
            meter_provider=arguments.get("meter_provider"),
            append=self._append,
            deliveries=self._deliveries,
            listener_for=None if lookups is None else lookups.callback,
        )

    def start(self) -> None:
        """Instrument the client libraries, and send what waits."""
        self._instrumentation.install()
        if self._couriers or self._unserved:
            _run_in_background(self._register_destinations, REGISTRATION_SECONDS)
        if self._couriers and journal_folder(self.settings.home).is_dir():
            self._pump.move_leftovers_soon()  # calls that an earlier process has left may be for these destinations

    def flush(self, timeout: float) -> bool:
        """Move and send what was recorded; return whether all of it is where it should be.

        Returns before the timeout if nothing can be sent in time: a destination that failed is paused for a while.
        """
        return self._flush(Deadline(timeout), math.inf)

    def _flush(self, deadline: Deadline, silent_seconds: float) -> bool:
        """Flush until `deadline`, without waiting for a platform that has not responded for `silent_seconds`.

        A process or thread that hangs while it holds a lock, and a disk that hangs, are not waited for either.
        """
        with locks.within(deadline.remaining + LOCK_GRACE_SECONDS), suppress(TimeoutError):
            return self._send_all(deadline, silent_seconds)
        return False

    def _send_all(self, deadline: Deadline, silent_seconds: float) -> bool:
        written = self._instrumentation.complete(deadline.remaining)
        if not self._pump.flush(deadline.remaining) or not written:
            return False
        while (sending := self._still_sending(deadline, silent_seconds)) and not deadline.expired:
            if not self._undecided(sending):
                break
            time.sleep(POLL_SECONDS)
        names = [destination.name for destination in self.settings.destinations]
        return not self._undecided(names) and not self._outbox.dead(self._journal.writer, names)

    def _still_sending(self, deadline: Deadline, silent_seconds: float) -> list[str]:
        """Return the destinations that may get something before `deadline`."""
        couriers = (courier for courier, _ in self._couriers)
        return [each.name for each in couriers if not each.rests(deadline) and not each.is_silent(silent_seconds)]

    def stop(self, timeout: float, *, unhook: bool = True) -> bool:
        """Unhook, send what can be sent in time, and release what the process holds; return as `flush` does.

        At the interpreter's exit the hooks stay: the application's exit handlers may still make calls. Those go to the
        journal, and `book_late_calls` books them.
        """
        deadline, flushing = Deadline(timeout), Deadline(timeout * FLUSH_FRACTION)
        silent_seconds = max(SILENT_SECONDS, timeout)
        if unhook:
            self._instrumentation.unhook()
        done = False
        with guard.quietly("stopping"):
            self._instrumentation.close(timeout * CONTENT_FRACTION)
            done = self._flush(flushing, silent_seconds)
        self._pump.stop(deadline.remaining)
        for courier, thread in self._couriers:
            thread.stop(0.0 if courier.is_silent(silent_seconds) else deadline.remaining)
        for worker in self._workers:
            worker.stop(deadline.remaining)
        self._deliveries.end()
        self._instrumentation.leave_traces()
        if not _run_in_background(self._journal.close, max(LOCK_GRACE_SECONDS, deadline.remaining)):
            self._journal.close(sync=False)
        if unhook:
            _run_in_background(self._close, max(LOCK_GRACE_SECONDS, deadline.remaining))
        return done

    def _close(self) -> None:
        """Close the databases; a later use opens them again."""
        self._book.close()
        self._outbox.close()

    def is_done(self) -> bool:
        """Return whether all is where it should be, after `stop`: other processes may have moved and sent it since."""
        with guard.quietly("stopping"):
            done = self._flush(Deadline(0.0), 0.0)
            _run_in_background(self._close, LOCK_GRACE_SECONDS)
            return done
        return False

    def book_late_calls(self) -> None:
        """Book the calls that were made since `stop`, without sending them; another process does if this one cannot."""
        with guard.quietly("stopping"):
            self._instrumentation.close(POLL_SECONDS)
            if self._journal.has_new and not self._pump.is_busy():
                with locks.within(EXIT_SECONDS):
                    self._pump.run_once()
        self._journal.close(sync=False)

    def _undecided(self, names: Sequence[str]) -> int:
        return self._outbox.undecided(self._journal.writer, names) if names else 0

    def _append(self, record: Record) -> None:
        self._journal.append(record)
        if not self._pump.running and not (isinstance(record, Call) and record.outcome == "abandoned"):
            self._pump.start()

    def _build_couriers(
        self, explicit: frozenset[str]
    ) -> tuple[list[tuple["Courier", WorkerThread]], list[workers.Unserved]]:
        couriers, unserved = workers.couriers(self.settings, self.settings.destinations, self._outbox)
        for each in unserved:
            if each.name in explicit or not isinstance(each.error, Unconfigured):
                raise each.error
            guard.warn(f"destination {each.name}", _UNCONFIGURED, each.name, each.error)
        return [(courier, WorkerThread(courier)) for courier in couriers], unserved

    def _register_destinations(self) -> None:
        """Enter the destinations in the outbox, before the first call."""
        with suppress(OSError, sqlite3.Error, SpancastError):  # a courier's first pass tries again, and reports failure
            for courier, _ in self._couriers:
                courier.register()
            for each in self._unserved:
                self._outbox.mark_unconfigured(each.name, each.exporter, str(each.error))


def _run_in_background(work: Callable[[], None], wait: float) -> bool:
    """Do work that a slow disk may delay, and wait for it for at most `wait` seconds; it then goes on in its thread.

    Return whether it was started: at the limit of threads, or while the interpreter shuts down, it cannot be.
    """

    def quietly() -> None:
        with guard.quietly("work on the disk"):
            work()

    thread = Daemon(quietly, "spancast-disk")
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join(wait)
    return True


_UNCONFIGURED = "%s is not configured: %s"
