"""The functions with which a program starts, flushes and stops Spancast, of which a process has one."""

import atexit
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from inspect import signature
from os import PathLike
from typing import Any, ParamSpec

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from spancast.base import forks, guard
from spancast.base.deadline import Deadline
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.instrumentation import Instrumentation
from spancast.runtime import EXIT_SECONDS, Runtime
from spancast.settings import variables
from spancast.settings.resolve import resolve
from spancast.trace import providers

_running: Runtime | None = None
_started_by_program: Runtime | None = None
"""What runs, if the program itself has called `start` for it."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class SpansOnly:
    """The OpenTelemetry instrumentor's instrumentation, which makes spans and writes nothing to the disk."""

    instrumentation: Instrumentation
    providers: Mapping[str, Any]
    """The providers that it was given, by the names of `start`; a later `start` inherits them."""


_spans_only: SpansOnly | None = None
"""Set while the instrumentor runs without `start()`."""


def attach(spans_only: SpansOnly) -> None:
    """Have `flush` and `start` take the instrumentor into account."""
    global _spans_only  # noqa: PLW0603 - one application, one instrumentor
    _spans_only = spans_only


def detach() -> None:
    """Undo `attach`."""
    global _spans_only  # noqa: PLW0603 - one application, one instrumentor
    _spans_only = None


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a thread of the parent may have been starting or stopping
    _lock = threading.Lock()


forks.in_child(_after_fork)

_Arguments = ParamSpec("_Arguments")


def _naming_settings(start: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """Have the `TypeError` for an unknown setting list those that exist."""

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
    """Record every call that this process makes to OpenRouter from now on.

    What is not given is read from `SPANCAST_*` variables, `spancast.toml` or `[tool.spancast]`; see `docs/settings.md`.
    A second call changes nothing until `stop`; only what `spancast run` started is replaced by what the program gives.
    A full disk or a dead network raises nothing: it is logged once, and Spancast carries on.

    Args:
        destinations: where spans are sent: names of exporters, or `spancast.Destination`. Without any, calls still go
            to the ledger and to the application's own traces.
        keys: names for API keys, by the SHA-256 of each, for the `keys` and the filters of destinations.
        home: the directory of the journal and the ledger; by default the platform's state directory.
        capture_content: whether prompts and completions are captured, on the span and for the destinations.
        hosts: further hosts that speak OpenRouter's API: `host`, `host:port` or a URL prefix.
        tracer_provider: makes the spans; by default the application's own provider, as soon as it has one.
        meter_provider: records the metrics; by default the application's own provider, as soon as it has one.
        link_broadcast: whether each request names its span, so that the spans of OpenRouter's Broadcast become its
            children; only this and `forward_user` change a request.
        default_user: the user of a call that has no other; see `docs/attribution.md`.
        default_session: the session of a call that has no other.
        default_tags: tags of every call, unless it has others with these names.
        baggage_keys: entries of W3C baggage that become tags; `user.id` and `session.id` are always read.
        forward_user: whether to send the user to OpenRouter in the request's body, if the application does not.
        user_hash: `hmac:` and a key; users are pseudonymised with it before anything is written.
        backfill: `caller-key` looks up costs that a response did not state, in the background, with the key that made
            the call, which stays in memory; `off` by default.
        backfill_key: a key with which one process looks up missing costs for all calls in the ledger.
        estimate: whether a cost that is not stated is estimated from OpenRouter's price list.
        durability: what a finished call survives: `process` (its death, the default), `power` or `memory`.
        delivery: who sends: `process` (the default), or `external` for `spancast deliver` alone.
        outbox_size: the maximum size on disk of what waits for destinations: bytes, or `500MB`; the default is 1 GB.
            Beyond it prompts and completions are dropped first, the small records of costs last, each counted.
        outbox_age: how long a call waits for a destination at most: `12h`, seconds, a `timedelta`; the default is 30d.
        retention: how long a call that no destination waits for is kept for `spancast replay`; 7d by default.
        ledger_retention: how long the ledger keeps single calls, for ever by default; their sums stay.
        redact: called with each text of a prompt or completion before it is stored, in a background thread; returns
            the text to store, or `None` to drop it.
        emit_event: whether each call is also a log record, in the application's own logger provider.
        metrics: `latest` for the current names of the conventions, `1.44` for those that most backends know, `off`.
        user_metrics: whether the user is an attribute of the metrics, so that each user has time series of their own.
        enabled: whether to do anything at all.

    Raises:
        ConfigurationError: A value cannot work.
    """
    arguments = dict(locals())  # every parameter, by its name
    del arguments["tracer_provider"], arguments["meter_provider"]
    global _started_by_program  # noqa: PLW0603 - one application, one Spancast
    _started_by_program = start_runtime(arguments, tracer_provider, meter_provider)


def start_runtime(
    arguments: Mapping[str, Any],
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> Runtime | None:
    """Start with these arguments; return what runs now, or `None` if the settings disable it."""
    global _running  # noqa: PLW0603 - one application, one Spancast
    providers.checked(tracer_provider=tracer_provider, meter_provider=meter_provider)
    settings = resolve(arguments)
    if settings.instead_of is not None and settings.enabled:
        where = "stay in memory" if settings.durability == "memory" else f"are written to {settings.home}"
        guard.warn("home", "%s. Records %s instead.", settings.instead_of, where)
    if settings.enabled:
        for sentence in variables.misspelt():
            guard.warn(sentence, "%s", sentence)
    given = {**arguments, "tracer_provider": tracer_provider, "meter_provider": meter_provider}
    given = {name: value for name, value in given.items() if value is not None}
    inherited = _spans_only.providers if _spans_only is not None else {}
    with _lock:
        if _running is not None and not _is_replaced_by(_running, given, inherited):
            return _running
        explicit = settings.destinations if arguments.get("destinations") is not None else ()
        names = frozenset(destination.name for destination in explicit)
        runtime = Runtime(settings, {**inherited, **given}, names, _end_before_others) if settings.enabled else None
        if _running is not None:
            _running.stop(EXIT_SECONDS)
            _running = None
            _restore_attribution()
        if runtime is not None:
            runtime.start()
            _running = runtime
        return _running


def _restore_attribution() -> None:
    """Put the instrumentor's attribution rules back into force, if it still runs."""
    if _spans_only is not None:
        _spans_only.instrumentation.apply_attribution()


def stop_if_unclaimed(runtime: Runtime) -> None:
    """Stop what the instrumentor has started, unless the program has called `start` or `stop` since."""
    if runtime is _running and runtime is not _started_by_program:
        stop()


def _is_replaced_by(runtime: Runtime, given: Mapping[str, Any], inherited: Mapping[str, Any]) -> bool:
    """Return whether `start` replaces what runs: `spancast run` started it, and the program gives arguments."""
    replaced = bool(given) and not runtime.arguments and runtime is not _started_by_program
    if given and not replaced and {**inherited, **given} != runtime.arguments:
        guard.warn("start", "Spancast is already running; the arguments of this start() are ignored.")
    return replaced


def flush(timeout: float = 5.0) -> bool:
    """Send what this process has recorded, for at most `timeout` seconds; return whether all of it was delivered.

    Without destinations, return whether all calls are in the ledger; with the OpenTelemetry instrumentor alone, which
    has no ledger, whether all spans have ended and all metrics are recorded.

    Raises:
        ConfigurationError: `timeout` is not a finite number. A negative one counts as zero.
    """
    deadline = Deadline(_bounded(timeout))
    with guard.quietly("flushing"):
        spans_only = _spans_only
        done = spans_only is None or spans_only.instrumentation.complete(deadline.remaining)
        running = _running
        return (running is None or running.flush(deadline.remaining)) and done
    return False


def stop(timeout: float = EXIT_SECONDS) -> bool:
    """Remove all hooks, and send what can be sent within `timeout` seconds; return whether all of it was delivered.

    The rest stays on the disk: the next process with the same destinations sends it, or `spancast deliver`. A second
    call sends nothing; it returns whether others have delivered the rest since.

    Raises:
        ConfigurationError: `timeout` is not a finite number. A negative one counts as zero.
    """
    global _running, _started_by_program, _stopped
    seconds = _bounded(timeout)
    with _lock:
        running, _running, _started_by_program = _running, None, None
        stopped, _stopped = _stopped, running or _stopped
    if running is None:
        return stopped is None or stopped.is_done()
    done = running.stop(seconds)
    with _lock:
        if _running is None:  # otherwise another thread has started it again
            _restore_attribution()
    return done


_stopped: Runtime | None = None
"""What ran before the last `stop`."""


def _bounded(timeout: object) -> float:
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and -math.inf < timeout < math.inf:
        return max(0.0, min(timeout, _MAX_TIMEOUT_SECONDS))
    raise ConfigurationError.of("timeout", timeout, "Give seconds, such as 5.0; 0 waits for nothing.")


_MAX_TIMEOUT_SECONDS = 86_400.0


def running() -> Runtime | None:
    """Return what runs in this process, or `None`."""
    return _running


_stopped_at_exit: list[Runtime] = []
"""What has been stopped since the interpreter began to exit."""


def _at_exit() -> None:
    running = _running
    if running is None:
        return
    if running in _stopped_at_exit:
        running.book_late_calls()
    else:
        _stopped_at_exit.append(running)
        running.stop(EXIT_SECONDS, unhook=False)


def _end_before_others() -> None:
    """Stop before the application's tracer provider does: spans that end at the exit still need it.

    `atexit` runs the handler first that was registered last, and most providers are made before the first call. The
    handler registered with this module stays, for calls that other exit handlers make. If the main thread has ended,
    the exit handlers are already running and one registered now never runs; so none is unregistered.
    """
    if threading.main_thread().is_alive():
        atexit.unregister(_at_exit_first)
    atexit.register(_at_exit_first)


def _at_exit_first() -> None:
    _at_exit()


atexit.register(_at_exit)
