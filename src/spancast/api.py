"""Start, stop, flush: where the stations are put together."""

import atexit
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, ParamSpec

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from spancast import forks, guard, locks, owed
from spancast.aftermath import Aftermath, Wishes
from spancast.attribution import rules as attribution
from spancast.attribution.attribution import NOBODY, Attribution
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.pruner import Pruner
from spancast.call import Call
from spancast.capture.route import Routes
from spancast.contract import Exporter, Sink
from spancast.delivery import discover
from spancast.delivery.drainer import Drainer
from spancast.delivery.journal import Journal, journal_folder
from spancast.delivery.keeping import Keeping
from spancast.delivery.otlp import OtlpEncoder
from spancast.delivery.outbox import Outbox
from spancast.delivery.pump import Pump
from spancast.delivery.worker import WorkerThread
from spancast.destination import Destination
from spancast.errors import ConfigurationError, SpancastError
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.record import Record
from spancast.recorder import Recorder
from spancast.settings import Settings, resolve
from spancast.trace.companions import Companions
from spancast.trace.deliveries import Deliveries
from spancast.trace.events import Events
from spancast.trace.made import Spans
from spancast.trace.metrics import Metrics
from spancast.trace.tracing import VERSION, Tracing

if TYPE_CHECKING:
    from spancast.delivery.courier import Courier

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
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        explicit: frozenset[str],
    ) -> None:
        self.settings = settings
        self.said: Mapping[str, Any] = {}
        """What the program itself said."""
        self._book, self._outbox = Book(settings.home), Outbox(settings.home, keeping(settings))
        self._journal = Journal(settings.home, settings.durability)
        self._couriers = [] if settings.delivery == "external" else self._hire(settings.destinations, explicit)
        own_calls = owed.OwnCalls(self._book, self._keep) if owed.asks_with_own_keys(settings) else None
        self._askers = self._employ(own_calls)
        self._pump = Pump(
            self._journal,
            Drainer(settings.home, (self._book, self._outbox)),
            [worker.wake for worker in (*(thread for _, thread in self._couriers), *self._askers)],
        )
        words = settings.capture_content != "no_content"
        self._tracing = Tracing(tracer_provider, Companions(settings.destinations, self._keep, words=words))
        names = tuple(destination.name for destination in settings.destinations)
        self._deliveries = Deliveries(self._outbox.standings)
        aftermath = Aftermath(wishes(settings, meter_provider, self._deliveries), self._keep)
        routes, link = Routes(settings.hosts), settings.link_broadcast
        self._recorder = Recorder(
            routes,
            self._tracing,
            self._keep,
            names,
            aftermath,
            link_broadcast=link,
            owing=None if own_calls is None else own_calls.watch,
            on_provider=_end_before_others,
        )
        self._patches = Patches(self._recorder)

    def begin(self) -> None:
        """Put the hooks on the client libraries, and join the application's tracer provider if it has one already."""
        attribution.follow(rules(self.settings))
        self._tracing.watch()
        self._patches.install(HOOKS)
        if self._couriers:
            _for_a_moment(self._register_each, BEGINNING)
        if self._couriers and journal_folder(self.settings.home).is_dir():
            self._journal.news = True  # what an earlier process has left may wait for this one
            self._pump.start()

    def flush(self, timeout: float) -> bool:
        """Move and send what was recorded; return whether all of it is where it should be.

        It returns sooner where nothing can be sent in time: a destination that failed is left alone for a while.
        """
        return self._flush(time.monotonic() + timeout, math.inf)

    def _flush(self, deadline: float, silent: float) -> bool:
        """Do so until `deadline`, of `time.monotonic`; wait for no platform that has been `silent` for so long.

        Nor is any process or thread waited for that stands still with a lock, or with a disk that does.
        """
        with locks.within(max(0.0, deadline - time.monotonic()) + GRACE), suppress(TimeoutError):
            return self._all_sent(deadline, silent)
        return False

    def _all_sent(self, deadline: float, silent: float) -> bool:
        written = self._recorder.complete(max(0.0, deadline - time.monotonic()))
        if not self._pump.move(max(0.0, deadline - time.monotonic())) or not written:
            return False
        while (serving := self._may_yet_send(deadline, silent)) and time.monotonic() < deadline:
            if not self._undecided(serving):
                break
            time.sleep(POLL)
        everyone = [destination.name for destination in self.settings.destinations]
        return not self._undecided(everyone) and not self._outbox.dead(self._journal.writer, everyone)

    def _may_yet_send(self, deadline: float, silent: float) -> list[str]:
        """Return the destinations to which something may be sent before `deadline`."""
        couriers = (courier for courier, _ in self._couriers)
        return [each.name for each in couriers if not each.rests(deadline) and not each.is_silent(silent)]

    def end(self, timeout: float, *, unhook: bool = True) -> bool:
        """Unhook, send what can be sent in time, and give back what the process holds.

        While the interpreter ends, the hooks stay: the application's own exit handlers may make calls yet. Those go to
        the journal, and `end_again` books them.
        """
        deadline, silent = time.monotonic() + timeout, max(SILENT, timeout)
        if unhook:
            self._patches.remove()
        done = False
        with guard.quietly("stopping"):
            self._recorder.close(timeout * WRITING)
            done = self._flush(deadline - timeout * (1 - FLUSHING), silent)
        self._pump.stop(max(0.0, deadline - time.monotonic()))
        for courier, thread in self._couriers:
            thread.stop(0.0 if courier.is_silent(silent) else max(0.0, deadline - time.monotonic()))
        for asker in self._askers:
            asker.stop(max(0.0, deadline - time.monotonic()))
        self._deliveries.end()
        self._tracing.stop()
        if not _for_a_moment(self._journal.close, max(GRACE, deadline - time.monotonic())):
            self._journal.close(sync=False)
        if unhook:
            _for_a_moment(self._close, max(GRACE, deadline - time.monotonic()))
        return done

    def _close(self) -> None:
        """Close the databases; what uses them yet opens them again."""
        with guard.quietly("stopping"):
            self._book.close()
            self._outbox.close()

    def is_done(self) -> bool:
        """Return whether all is where it should be, once it has ended: others may have moved and sent it since."""
        with guard.quietly("stopping"):
            done = self._flush(time.monotonic(), 0.0)
            _for_a_moment(self._close, GRACE)
            return done
        return False

    def end_again(self) -> None:
        """Book the calls that were made since the end, without sending them; where that cannot be now, later."""
        with guard.quietly("stopping"):
            self._recorder.close(POLL)
            if self._journal.news and not self._pump.is_at_it():
                with locks.within(EXIT_BUDGET):
                    self._pump.turn()
        self._journal.close(sync=False)

    def _undecided(self, names: Sequence[str]) -> int:
        return self._outbox.undecided(self._journal.writer, names) if names else 0

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped."""
        return self._patches.hooked()

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
            exporter = exporter_of(destination, explicit=destination.name in explicit)
            if exporter is not None:
                from spancast.delivery.courier import Courier  # noqa: PLC0415 - it brings HTTP and TLS along

                expects = owed.expects(self.settings)
                courier = Courier(destination, exporter, self._outbox, to_span, self.settings.home, expects=expects)
                couriers.append((courier, WorkerThread(courier)))
        return couriers

    def _register_each(self) -> None:
        """Have the destinations seen before the first call."""
        with suppress(OSError, sqlite3.Error, SpancastError):  # their first pass tries again, and tells why it cannot
            for courier, _ in self._couriers:
                courier.register()


def _for_a_moment(work: Callable[[], None], seconds: float) -> bool:
    """Do some work that the disk may hold up, and wait so long for it; then it goes on behind the caller's back.

    Return whether it was begun: no thread can be where the limit is reached, or the interpreter ends.
    """
    thread = threading.Thread(target=work, name="spancast-disk", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join(seconds)
    return True


def exporter_of(destination: Destination, *, explicit: bool) -> Exporter | Sink | None:
    """Return the exporter of a destination; one that was only named by the environment may lack its credential."""
    try:
        return discover.exporter(destination)
    except discover.Unconfigured as error:
        if explicit:
            raise
        guard.once_a_minute(f"destination {destination.name}", "%s is not configured: %s", destination.name, error)
        return None


def keeping(settings: Settings) -> Keeping:
    """Return how much the outbox keeps, and for how long."""
    return Keeping(settings.outbox_size, settings.outbox_age, settings.retention)


def rules(settings: Settings) -> attribution.Rules:
    """Return how it is found out whom a call is for."""
    defaults = Attribution(settings.default_user, settings.default_session, settings.default_tags)
    return attribution.Rules(
        NOBODY if defaults == NOBODY else defaults, settings.baggage_keys, settings.forward_user, settings.user_hash
    )


def wishes(
    settings: Settings, meter_provider: MeterProvider | None = None, deliveries: Deliveries | None = None
) -> Wishes:
    """Return what is wanted behind the caller's back."""
    join = None if deliveries is None or not settings.destinations else deliveries.join
    metrics = Metrics(meter_provider, settings.metrics, with_user=settings.user_metrics, join=join)
    return Wishes(
        words=settings.capture_content != "no_content",
        words_on_span=settings.capture_content in ("span_only", "span_and_event"),
        redact=settings.redact,
        metrics=None if settings.metrics == "off" else metrics,
        events=Events() if settings.emit_event else None,
    )


to_span = Spans(OtlpEncoder, VERSION).of
"""Makes the span of a finished call, with its words where they are given, for all destinations of the process."""


_running: Running | None = None
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a thread of the parent may have been starting or stopping
    _lock = threading.Lock()


forks.in_child(_after_fork)

_Arguments = ParamSpec("_Arguments")


def _naming_settings(start: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """Have a setting that does not exist answered with those that do; it stays the `TypeError` that Python raises."""

    @wraps(start)
    def started(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        known = signature(start).parameters
        unknown = [name for name in kwargs if name not in known]
        if unknown:
            raise TypeError(f"start() has no setting {unknown[0]!r}. The settings are {', '.join(known)}.")
        start(*args, **kwargs)

    return started


@_naming_settings
def start(  # noqa: PLR0913 - each is a setting
    destinations: Sequence[str | Destination] | str | None = None,
    *,
    keys: Mapping[str, str] | str | None = None,
    home: str | PathLike[str] | None = None,
    capture_content: bool | str | None = None,
    hosts: Sequence[str] | str | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    link_broadcast: bool | None = None,
    default_user: str | None = None,
    default_session: str | None = None,
    default_tags: Mapping[str, str] | str | None = None,
    baggage_keys: Sequence[str] | str | None = None,
    forward_user: bool | None = None,
    user_hash: str | None = None,
    backfill: str | None = None,
    backfill_key: str | None = None,
    estimate: bool | None = None,
    durability: str | None = None,
    delivery: str | None = None,
    outbox_size: int | str | None = None,
    outbox_age: timedelta | float | str | None = None,
    retention: timedelta | float | str | None = None,
    ledger_retention: timedelta | float | str | None = None,
    redact: Callable[[str], str | None] | str | None = None,
    emit_event: bool | None = None,
    metrics: str | None = None,
    user_metrics: bool | None = None,
    enabled: bool | None = None,
) -> None:
    """Watch every call that this process makes to OpenRouter from now on.

    Args:
        destinations: where spans are sent: names of exporters, or `spancast.Destination`. None is fine: the calls are
            in the ledger and in the application's own traces either way.
        keys: names for API keys, by the SHA-256 of each, for the `keys` and the filters of destinations.
        home: the directory of the journal and the ledger; by default the platform's state directory.
        capture_content: whether prompts and completions are kept, on the span and for the destinations.
        emit_event: whether each call is a log record too, in the application's own logger provider.
        metrics: `latest` for the conventions' names of today, `1.44` for those that most backends know, `off`.
        user_metrics: whether the user is an attribute of the metrics, which gives each user time series of their own.
        redact: called with each text of them before it is kept, off the caller's thread; returns a string to keep, or
            `None`, which takes the text away.
        hosts: further hosts that speak OpenRouter: `host`, `host:port` or a URL prefix.
        tracer_provider: makes the spans; by default the application's own provider, as soon as it has one.
        meter_provider: records the metrics; by default the application's own provider, as soon as it has one.
        link_broadcast: whether each request names its span, so that the spans of OpenRouter's Broadcast hang under it;
            it and `forward_user` are all that changes a request.
        default_user: whom a call is for when nothing says it; see `docs/attribution.md`.
        default_session: its session then.
        default_tags: tags of every call that does not say others by these names.
        baggage_keys: entries of W3C baggage that are tags; `user.id` and `session.id` are read always.
        forward_user: whether OpenRouter is told the user, in the request's body, where the application does not.
        user_hash: `hmac:` and a key; users are pseudonymised with it before anything is written.
        backfill: `caller-key` asks OpenRouter in the background what a call cost whose answer did not say, with the
            key that made it, which stays in memory; `off` by default.
        backfill_key: the same for all calls in the ledger, of this process or not, with a key given for it.
        estimate: whether a cost that is not stated is estimated by OpenRouter's list of prices.
        durability: what a finished call survives: `process` (its death, the default), `power` or `memory`.
        delivery: who sends: `process` (the default), or `external` for `spancast deliver` alone.
        outbox_size: how much is kept on disk for destinations at most: bytes, or `500MB`; the default is 1 GB. Beyond
            it prompts and completions go first, the small records of what calls cost last, each counted.
        outbox_age: how long a call waits for a destination at most: `12h`, seconds, a `timedelta`; the default is 30d.
        retention: how long a call is kept for `spancast replay` that no destination waits for any more; 7d by default.
        ledger_retention: how long the ledger keeps single calls, for ever by default; their sums stay.
        enabled: whether to do anything at all.

    What is not given is read from `SPANCAST_*` variables, `spancast.toml` or `[tool.spancast]`; see
    `docs/settings.md`. Calling it again changes nothing until `stop`, but that what `spancast run` started gives way to
    what the program says here. Raises `spancast.errors.ConfigurationError` for a value that cannot work, and nothing
    else: a full disk or a dead network is logged once and outlived.
    """
    arguments = {
        "destinations": destinations,
        "keys": keys,
        "home": home,
        "capture_content": capture_content,
        "hosts": hosts,
        "link_broadcast": link_broadcast,
        "default_user": default_user,
        "default_session": default_session,
        "default_tags": default_tags,
        "baggage_keys": baggage_keys,
        "forward_user": forward_user,
        "user_hash": user_hash,
        "backfill": backfill,
        "backfill_key": backfill_key,
        "estimate": estimate,
        "durability": durability,
        "delivery": delivery,
        "outbox_size": outbox_size,
        "outbox_age": outbox_age,
        "retention": retention,
        "ledger_retention": ledger_retention,
        "redact": redact,
        "emit_event": emit_event,
        "metrics": metrics,
        "user_metrics": user_metrics,
        "enabled": enabled,
    }
    begin(arguments, tracer_provider, meter_provider)


def begin(
    arguments: Mapping[str, Any],
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> Running | None:
    """Start with these arguments; return what runs now, or `None` when the settings say that nothing shall."""
    global _running  # noqa: PLW0603 - one application, one Spancast
    settings = resolve(arguments)
    if settings.instead_of is not None and settings.enabled:
        kept = "lie in memory" if settings.durability == "memory" else f"are kept in {settings.home}"
        guard.once_a_minute("home", "%s. Records %s instead.", settings.instead_of, kept)
    said = {**arguments, "tracer_provider": tracer_provider, "meter_provider": meter_provider}
    said = {name: value for name, value in said.items() if value is not None}
    with _lock:
        if _running is not None and not _gives_way(_running, said):
            return _running
        explicit = settings.destinations if arguments.get("destinations") is not None else ()
        named = frozenset(each.name for each in explicit)
        fresh = Running(settings, tracer_provider, meter_provider, named) if settings.enabled else None
        if _running is not None:
            _running.end(EXIT_BUDGET)
            _running = None
        if fresh is not None:
            fresh.said = said
            fresh.begin()
            _running = fresh
        return _running


def _gives_way(running: Running, said: Mapping[str, Any]) -> bool:
    """Whether what runs is to be started anew: `spancast run` started it, and the program says how it wants it."""
    if said and said != running.said and running.said:
        guard.once_a_minute("start", "Spancast runs already; what start() is given now is not used.")
    return bool(said) and not running.said


def flush(timeout: float = 5.0) -> bool:
    """Send what was recorded, for at most `timeout` seconds; return whether all of it has been delivered.

    It speaks of this process's own records. Without destinations it says whether they are all in the ledger; with the
    OpenTelemetry instrumentor alone, which keeps no ledger, whether all spans have ended and all metrics are recorded.
    A `timeout` that is no finite number raises `spancast.errors.ConfigurationError`; one below zero is zero.
    """
    deadline = time.monotonic() + _patience(timeout)
    with guard.quietly("flushing"):
        done = all(complete(max(0.0, deadline - time.monotonic())) for complete in tuple(completes))
        running = _running
        return (running is None or running.flush(max(0.0, deadline - time.monotonic()))) and done
    return False


completes: list[Callable[[float], bool]] = []
"""What does, in so many seconds, the background work of those who make spans without a `Running`."""


def stop(timeout: float = EXIT_BUDGET) -> bool:
    """Unhook everything, and send what can be sent within `timeout` seconds; return whether all of it was.

    What was not is kept: the next process that is started with the same destinations, or `spancast deliver`, sends it.
    Once it is stopped, a further call sends nothing, and returns whether all of it has been delivered since by others.
    The `timeout` is as `flush` has it.
    """
    global _running, _stopped
    patience = _patience(timeout)
    with _lock:
        running, _running = _running, None
        stopped, _stopped = _stopped, running or _stopped
    if running is not None:
        return running.end(patience)
    return stopped is None or stopped.is_done()


_stopped: Running | None = None
"""What ran before the last `stop`."""


def _patience(timeout: object) -> float:
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and -math.inf < timeout < math.inf:
        return max(0.0, min(timeout, _LONGEST))
    raise ConfigurationError.of("timeout", timeout, "Give seconds, such as 5.0; 0 waits for nothing.")


_LONGEST = 86_400.0
"""Seconds that anything is waited for."""


def running() -> Running | None:
    """Return what runs in this process, or `None`."""
    return _running


_ended: list[Running] = []
"""What has ended since the interpreter began to."""


def _at_exit() -> None:
    running = _running
    if running is None:
        return
    if running in _ended:
        running.end_again()
    else:
        _ended.append(running)
        running.end(EXIT_BUDGET, unhook=False)


def _end_before_others() -> None:
    """Be the first to end when the process does: spans that end then still need the application's own providers.

    What is registered last is run first, and providers are mostly made before the first call. Nothing is unregistered:
    where the process is ending already, what is registered is not run any more.
    """
    atexit.register(_at_exit)


atexit.register(_at_exit)
