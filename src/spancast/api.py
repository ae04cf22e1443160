"""Start, stop, flush: where the stations are put together."""

import atexit
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from spancast import guard
from spancast.call import Call
from spancast.capture.route import Routes
from spancast.contract import Exporter, Sink, Span
from spancast.delivery import discover
from spancast.delivery.courier import Courier, CourierThread
from spancast.delivery.drainer import Drainer
from spancast.delivery.journal import Journal
from spancast.delivery.otlp import OtlpEncoder
from spancast.delivery.outbox import Outbox
from spancast.delivery.pump import Pump
from spancast.destination import Destination
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.ledger.book import Book
from spancast.listener import Listener
from spancast.record import Record
from spancast.recorder import Recorder
from spancast.scribe import Scribe
from spancast.settings import Settings, resolve
from spancast.trace.span import record
from spancast.trace.tracing import VERSION, Tracing

EXIT_BUDGET = 1.0
"""Seconds that Spancast may take when the process ends; what waits then is sent by the next process."""
FLUSHING = 0.8
"""The part of it in which requests are still begun."""
POLL = 0.01
"""Seconds between two looks at whether all is delivered."""


class Running:
    """Spancast at work in this process: everything that `start` makes and `stop` takes down."""

    def __init__(self, settings: Settings, tracer_provider: TracerProvider | None, explicit: frozenset[str]) -> None:
        self.settings = settings
        self._book, self._outbox = Book(settings.home), Outbox(settings.home)
        self._journal = Journal(settings.home, settings.durability)
        self._couriers = [] if settings.delivery == "external" else self._hire(settings.destinations, explicit)
        self._pump = Pump(
            self._journal,
            Drainer(settings.home, (self._book, self._outbox)),
            [courier.wake for _, courier in self._couriers],
        )
        self._tracing = Tracing(tracer_provider)
        names = tuple(destination.name for destination in settings.destinations)
        self._scribe = Scribe("spancast-content")
        listener = Listener(self._scribe, self._keep, settings.redact) if settings.capture_content else None
        self._recorder = Recorder(Routes(settings.hosts), self._tracing, self._keep, names, listener)
        self._patches = Patches(self._recorder)

    def begin(self) -> None:
        """Put the hooks on the client libraries, and join the application's tracer provider if it has one already."""
        self._tracing.tracer()
        self._patches.install(HOOKS)

    def flush(self, timeout: float) -> bool:
        """Move and send what was recorded; return whether all of it is where it should be."""
        deadline = time.monotonic() + timeout
        self._recorder.settle()
        if not self._scribe.drain(timeout) or not self._pump.turn(max(0.0, deadline - time.monotonic())):
            return False
        served = [name for name, _ in self._couriers]
        while self._undecided(served) and time.monotonic() < deadline:
            time.sleep(POLL)
        return not self._undecided([destination.name for destination in self.settings.destinations])

    def end(self, timeout: float) -> bool:
        """Unhook, send what can be sent in time, and give back what the process holds."""
        deadline = time.monotonic() + timeout
        self._patches.remove()
        done = False
        with guard.quietly("stopping"):
            done = self.flush(timeout * FLUSHING)
        self._pump.stop()
        for _, courier in self._couriers:
            courier.stop(max(0.0, deadline - time.monotonic()))
        self._tracing.stop()
        self._journal.close()
        return done

    def _undecided(self, names: Sequence[str]) -> int:
        return self._outbox.undecided(self._journal.writer, names) if names else 0

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped."""
        return self._patches.hooked()

    def _keep(self, record: Record) -> None:
        self._journal.append(record)
        if not self._pump.running and not (isinstance(record, Call) and record.outcome == "abandoned"):
            self._pump.start()

    def _hire(self, destinations: Sequence[Destination], explicit: frozenset[str]) -> list[tuple[str, CourierThread]]:
        couriers = []
        for destination in destinations:
            exporter = exporter_of(destination, explicit=destination.name in explicit)
            if exporter is not None:
                courier = Courier(destination, exporter, self._outbox, to_span, self.settings.home)
                couriers.append((destination.name, CourierThread(courier)))
        return couriers


def exporter_of(destination: Destination, *, explicit: bool) -> Exporter | Sink | None:
    """Return the exporter of a destination; one that was only named by the environment may lack its credential."""
    try:
        return discover.exporter(destination)
    except discover.Unconfigured as error:
        if explicit:
            raise
        guard.once_a_minute(f"destination {destination.name}", "%s is not configured: %s", destination.name, error)
        return None


def to_span(call: Call) -> Span:
    """Return the span of a call, as exporters are given it."""
    return record(call, OtlpEncoder(), VERSION)


_running: Running | None = None
_lock = threading.Lock()


def start(  # noqa: PLR0913 - each is a setting
    destinations: Sequence[str | Destination] | str | None = None,
    *,
    home: str | PathLike[str] | None = None,
    capture_content: bool | None = None,
    hosts: Sequence[str] | str | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    durability: str | None = None,
    delivery: str | None = None,
    redact: Callable[[str], str | None] | str | None = None,
    enabled: bool | None = None,
) -> None:
    """Watch every call that this process makes to OpenRouter from now on.

    Args:
        destinations: where spans are sent: names of exporters, or `spancast.Destination`. None is fine: the calls are
            in the ledger and in the application's own traces either way.
        home: the directory of the journal and the ledger; by default the platform's state directory.
        capture_content: whether prompts and completions are kept, on the span and for the destinations.
        redact: called with each text of them before it is kept, off the caller's thread; returns what may be kept.
        hosts: further hosts that speak OpenRouter: `host`, `host:port` or a URL prefix.
        tracer_provider: makes the spans; by default the application's own provider, as soon as it has one.
        meter_provider: reserved for the metrics of a later version.
        durability: what a finished call survives: `process` (its death, the default), `power` or `memory`.
        delivery: who sends: `process` (the default), or `external` for `spancast deliver` alone.
        enabled: whether to do anything at all.

    What is not given is read from `SPANCAST_*` variables, `spancast.toml` or `[tool.spancast]`; see
    `docs/settings.md`. Calling it again changes nothing until `stop`. Raises `spancast.errors.ConfigurationError` for
    a value that cannot work, and nothing else: a full disk or a dead network is logged once and outlived.
    """
    del meter_provider
    arguments = {
        "destinations": destinations,
        "home": home,
        "capture_content": capture_content,
        "hosts": hosts,
        "durability": durability,
        "delivery": delivery,
        "redact": redact,
        "enabled": enabled,
    }
    begin(arguments, tracer_provider)


def begin(arguments: Mapping[str, Any], tracer_provider: TracerProvider | None = None) -> Running | None:
    """Start with these arguments; return what runs now, or `None` when the settings say that nothing shall."""
    global _running  # noqa: PLW0603 - one application, one Spancast
    settings = resolve(arguments)
    with _lock:
        if _running is None and settings.enabled:
            explicit = settings.destinations if arguments.get("destinations") is not None else ()
            _running = Running(settings, tracer_provider, frozenset(each.name for each in explicit))
            _running.begin()
        return _running


def flush(timeout: float = 5.0) -> bool:
    """Send what was recorded, for at most `timeout` seconds; return whether all of it has been delivered.

    It speaks of this process's own records. Without destinations it says whether they are all in the ledger.
    """
    running = _running
    if running is None:
        return True
    with guard.quietly("flushing"):
        return running.flush(timeout)
    return False


def stop(timeout: float = EXIT_BUDGET) -> bool:
    """Unhook everything, and send what can be sent within `timeout` seconds; return whether all of it was.

    What was not is kept: the next process that is started with the same destinations, or `spancast deliver`, sends it.
    """
    global _running
    with _lock:
        running, _running = _running, None
    return True if running is None else running.end(timeout)


def running() -> Running | None:
    """Return what runs in this process, or `None`."""
    return _running


atexit.register(stop)
