"""How the destinations stand, in the application's own metrics: read from the outbox when somebody collects them.

They say how the home directory stands, not this process: each process with that home says the same.
"""

from collections.abc import Callable, Iterable, Iterator
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from spancast.base import guard
from spancast.delivery.outbox.accounts import Standing

RECORDS = "spancast.delivery.records"
"""Records of each destination, by what has become of them."""
REASONS = "spancast.delivery.reasons"
"""How many of them wait or were not delivered, by reason."""
LAG = "spancast.delivery.lag"
"""Seconds since the oldest call was made that waits."""

DESTINATION, STATE, REASON = "spancast.destination", "spancast.delivery.state", "spancast.delivery.reason"

_STATES = ("delivered", "waiting", "dead", "expired", "shed", "skipped")


class Deliveries:
    """The gauges of all destinations. They fall silent when it has ended."""

    def __init__(self, standings: Callable[[], Iterable[Standing]]) -> None:
        self._standings = standings
        self._ended = False

    def join(self, meter: Meter) -> None:
        """Be what the gauges of a meter read. They are made once: a meter gives none back, and says so of a second."""
        if (gauges := _of_meters.get(meter)) is None:
            gauges = _of_meters[meter] = _Gauges(self)
            gauges.make(meter)
        gauges.read = self

    def end(self) -> None:
        """Say nothing any more."""
        self._ended = True

    def standings(self) -> Iterable[Standing]:
        """Return how the destinations stand; nothing where that cannot be read."""
        if self._ended:
            return ()
        with guard.quietly("metrics of the destinations"):
            return self._standings()
        return ()


class _Gauges:
    """What was made of one meter."""

    def __init__(self, read: Deliveries) -> None:
        self.read = read

    def make(self, meter: Meter) -> None:
        meter.create_observable_gauge(RECORDS, [self._observing(_records)], "{record}")
        meter.create_observable_gauge(REASONS, [self._observing(_reasons)], "{record}")
        meter.create_observable_gauge(LAG, [self._observing(_lag)], "s")

    def _observing(
        self, observed: Callable[[Standing], Iterator[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [observation for standing in self.read.standings() for observation in observed(standing)]

        return observe


_of_meters: WeakKeyDictionary[Meter, _Gauges] = WeakKeyDictionary()


def _records(standing: Standing) -> Iterator[Observation]:
    for state in _STATES:
        yield Observation(getattr(standing, state), {DESTINATION: standing.name, STATE: state})


def _reasons(standing: Standing) -> Iterator[Observation]:
    for reason, count in standing.reasons.items():
        yield Observation(count, {DESTINATION: standing.name, REASON: reason})


def _lag(standing: Standing) -> Iterator[Observation]:
    yield Observation(standing.lag_s, {DESTINATION: standing.name})
