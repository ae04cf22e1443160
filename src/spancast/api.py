"""Start, stop, flush: what a program says to Spancast. One application has one."""

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
from spancast.running import EXIT_BUDGET, Running
from spancast.settings.resolve import resolve
from spancast.trace import providers
from spancast.watch import Watch

_running: Running | None = None
_wanted: Running | None = None
"""What runs, where the program itself has called `start` for it."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Beside:
    """Who makes spans without a `Running`: the OpenTelemetry instrumentor."""

    watch: Watch
    providers: Mapping[str, Any]
    """Those that it was given, by the names of `start`: they are for what is started beside it, too."""


beside: list[Beside] = []
"""One, where the instrumentor is at work by itself."""


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
    global _wanted  # noqa: PLW0603 - one application, one Spancast
    _wanted = begin(arguments, tracer_provider, meter_provider)


def begin(
    arguments: Mapping[str, Any],
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> Running | None:
    """Start with these arguments; return what runs now, or `None` when the settings say that nothing shall."""
    global _running  # noqa: PLW0603 - one application, one Spancast
    providers.checked(tracer_provider=tracer_provider, meter_provider=meter_provider)
    settings = resolve(arguments)
    if settings.instead_of is not None and settings.enabled:
        kept = "lie in memory" if settings.durability == "memory" else f"are kept in {settings.home}"
        guard.once_a_minute("home", "%s. Records %s instead.", settings.instead_of, kept)
    said = {**arguments, "tracer_provider": tracer_provider, "meter_provider": meter_provider}
    said = {name: value for name, value in said.items() if value is not None}
    inherited = beside[0].providers if beside else {}
    with _lock:
        if _running is not None and not _gives_way(_running, said, inherited):
            return _running
        explicit = settings.destinations if arguments.get("destinations") is not None else ()
        named = frozenset(each.name for each in explicit)
        fresh = Running(settings, {**inherited, **said}, named, _end_before_others) if settings.enabled else None
        if _running is not None:
            _running.end(EXIT_BUDGET)
            _running = None
            _leave_to_others()
        if fresh is not None:
            fresh.begin()
            _running = fresh
        return _running


def _leave_to_others() -> None:
    """Have the instrumentor, where it goes on alone, say again whom calls are for."""
    for each in beside:
        each.watch.follow()


def let_go(begun: Running) -> None:
    """Stop what the instrumentor has begun, unless the program itself has called `start` since, or `stop`."""
    if begun is _running and begun is not _wanted:
        stop()


def _gives_way(running: Running, said: Mapping[str, Any], inherited: Mapping[str, Any]) -> bool:
    """Whether what runs is to be started anew: `spancast run` started it, and the program says how it wants it."""
    if said and {**inherited, **said} != running.said and running.said:
        guard.once_a_minute("start", "Spancast runs already; what start() is given now is not used.")
    return bool(said) and not running.said


def flush(timeout: float = 5.0) -> bool:
    """Send what was recorded, for at most `timeout` seconds; return whether all of it has been delivered.

    It speaks of this process's own records. Without destinations it says whether they are all in the ledger; with the
    OpenTelemetry instrumentor alone, which keeps no ledger, whether all spans have ended and all metrics are recorded.
    A `timeout` that is no finite number raises `spancast.errors.ConfigurationError`; one below zero is zero.
    """
    deadline = Deadline(_patience(timeout))
    with guard.quietly("flushing"):
        done = all(each.watch.complete(deadline.left) for each in tuple(beside))
        running = _running
        return (running is None or running.flush(deadline.left)) and done
    return False


def stop(timeout: float = EXIT_BUDGET) -> bool:
    """Unhook everything, and send what can be sent within `timeout` seconds; return whether all of it was.

    What was not is kept: the next process that is started with the same destinations, or `spancast deliver`, sends it.
    Once it is stopped, a further call sends nothing, and returns whether all of it has been delivered since by others.
    The `timeout` is as `flush` has it.
    """
    global _running, _wanted, _stopped
    patience = _patience(timeout)
    with _lock:
        running, _running, _wanted = _running, None, None
        stopped, _stopped = _stopped, running or _stopped
    if running is None:
        return stopped is None or stopped.is_done()
    done = running.end(patience)
    with _lock:
        if _running is None:  # else somebody has started it again meanwhile
            _leave_to_others()
    return done


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

    What is registered last is run first, and providers are mostly made before the first call. What was registered with
    this module stays, for the calls of other exit handlers. Where the process is ending already, which its first thread
    has then, nothing is unregistered: what is registered is not run any more.
    """
    if threading.main_thread().is_alive():
        atexit.unregister(_at_exit_first)
    atexit.register(_at_exit_first)


def _at_exit_first() -> None:
    _at_exit()


atexit.register(_at_exit)
