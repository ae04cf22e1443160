"""Which captured calls and spans a destination is sent. The decision for a call is always the same."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from spancast.broadcast import sampling
from spancast.destinations.destination import Destination
from spancast.destinations.filters import Filters
from spancast.records.call import Call
from spancast.records.record import SpanRecord

NOT_SAMPLED = "trace not sampled"
OTHER_KEY = "made with another key"
FILTERED_OUT = "filtered out"
SAMPLED_OUT = "sampled out"


class Policy:
    """The policy of one destination."""

    def __init__(self, destination: Destination) -> None:
        self._rules = [*_rules(destination)]
        self.waits_for_cost = destination.filters is not None and destination.filters.need_cost
        """Whether the decision needs the cost of a call."""

    def skip_reason(self, call: SpanRecord) -> str | None:
        """Return why a call is skipped, the first reason that applies; `None` when it is to be sent."""
        for reason, skips in self._rules:
            if skips(call):
                return reason
        return None


def _rules(destination: Destination) -> Iterator[tuple[str, Callable[[SpanRecord], bool]]]:
    """Yield the reasons for which a destination may skip a call, and their tests: those that its settings allow."""
    yield NOT_SAMPLED, _not_sampled
    if destination.key_hashes is not None:
        yield OTHER_KEY, partial(_other_key, destination.key_hashes)
    if destination.sample_rate < 1.0:
        yield SAMPLED_OUT, partial(_sampled_out, destination.sample_rate)
    if destination.filters is not None:
        yield FILTERED_OUT, partial(_filtered_out, destination.filters, destination.key_names)


def _not_sampled(call: SpanRecord) -> bool:
    return not call.sampled


def _other_key(hashes: Collection[str], call: SpanRecord) -> bool:
    """Skip calls made with other keys, and all other spans, since their key is not known."""
    return not isinstance(call, Call) or call.key_hash not in hashes


def _sampled_out(rate: float, call: SpanRecord) -> bool:
    """Skip whole sessions, else whole traces."""
    return not sampling.is_sampled(call, rate)


def _filtered_out(filters: Filters, key_names: Mapping[str, str], call: SpanRecord) -> bool:
    """Filters apply to calls; the spans around them pass."""
    return isinstance(call, Call) and not filters.accept(call, key_names)
