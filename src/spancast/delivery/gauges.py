"""The state of the destinations in the application's metrics, read from the outbox at collection.

The gauges describe the home directory, not the process: all processes with that home report the same values.
"""

from collections.abc import Callable, Iterable, Iterator
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from spancast.base import guard
from spancast.delivery.outbox.accounts import Standing

RECORDS = "spancast.delivery.records"
"""Records of each destination, by state."""
REASONS = "spancast.delivery.reasons"
"""Records that wait or were not delivered, by reason."""
LAG = "spancast.delivery.lag"
"""Age of the oldest waiting call, in seconds."""

DESTINATION, STATE, REASON = "spancast.destination", "spancast.delivery.state", "spancast.delivery.reason"

_STATES = ("delivered", "waiting", "dead", "expired", "shed", "skipped")


class Deliveries:
    """Reports all destinations to the gauges of any number of meters, until it ends."""

    def __init__(self, standings: Callable[[], Iterable[Standing]]) -> None:
        self._standings = standings
        self._ended = False

    def join(self, meter: Meter) -> None:
        """Become what the gauges of a meter report. They are created once, since a meter cannot remove instruments."""
        if (gauges := _by_meter.get(meter)) is None:
            gauges = _by_meter[meter] = _Gauges(self)
            gauges.create(meter)
        gauges.source = self

    def end(self) -> None:
        """Report nothing any more."""
        self._ended = True

    def standings(self) -> Iterable[Standing]:
        """Return the standings of the destinations; nothing if they cannot be read."""
        if self._ended:
            return ()
        with guard.quietly("metrics of the destinations"):
            return self._standings()
        return ()


class _Gauges:
    """The gauges of one meter, and what they report."""

    def __init__(self, source: Deliveries) -> None:
        self.source = source

    def create(self, meter: Meter) -> None:
        meter.create_observable_gauge(RECORDS, [self._callback(_records)], "{record}")
        meter.create_observable_gauge(REASONS, [self._callback(_reasons)], "{record}")
        meter.create_observable_gauge(LAG, [self._callback(_lag)], "s")

    def _callback(
        self, observations: Callable[[Standing], Iterator[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [observation for standing in self.source.standings() for observation in observations(standing)]

        return observe


_by_meter: WeakKeyDictionary[Meter, _Gauges] = WeakKeyDictionary()


def _records(standing: Standing) -> Iterator[Observation]:
    for state in _STATES:
        yield Observation(getattr(standing, state), {DESTINATION: standing.name, STATE: state})


def _reasons(standing: Standing) -> Iterator[Observation]:
    for reason, count in standing.reasons.items():
        yield Observation(count, {DESTINATION: standing.name, REASON: reason})


def _lag(standing: Standing) -> Iterator[Observation]:
    yield Observation(standing.lag_s, {DESTINATION: standing.name})
