"""What a destination wants of what was captured. The same call always has the same answer."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from spancast.broadcast import sampling
from spancast.destinations.destination import Destination
from spancast.destinations.filters import Filters
from spancast.records.call import Call
from spancast.records.record import Sent

NOT_SAMPLED = "trace not sampled"
OTHER_KEY = "made with another key"
FILTERED_OUT = "filtered out"
SAMPLED_OUT = "sampled out"


class Policy:
    """Of one destination."""

    def __init__(self, destination: Destination) -> None:
        self._rules = [*_rules(destination)]
        self.waits_for_cost = destination.filters is not None and destination.filters.need_cost
        """Whether nothing can be said of a call before it is known what it cost."""

    def unwanted(self, call: Sent) -> str | None:
        """Return why a call is skipped, in a few words: the first reason that applies; `None` when it is to be sent."""
        for reason, skips in self._rules:
            if skips(call):
                return reason
        return None


def _rules(destination: Destination) -> Iterator[tuple[str, Callable[[Sent], bool]]]:
    """Yield why a destination may skip a call, and how that is told: none that its settings rule out."""
    yield NOT_SAMPLED, _not_sampled
    if destination.key_hashes is not None:
        yield OTHER_KEY, partial(_other_key, destination.key_hashes)
    if destination.sample_rate < 1.0:
        yield SAMPLED_OUT, partial(_sampled_out, destination.sample_rate)
    if destination.filters is not None:
        yield FILTERED_OUT, partial(_filtered_out, destination.filters, destination.key_names)


def _not_sampled(call: Sent) -> bool:
    return not call.sampled


def _other_key(hashes: Collection[str], call: Sent) -> bool:
    """Skip, beside the calls of other keys, all other spans: whose they are is not known."""
    return not isinstance(call, Call) or call.key_hash not in hashes


def _sampled_out(rate: float, call: Sent) -> bool:
    """Keep sessions whole, else traces."""
    return not sampling.kept(call, rate)


def _filtered_out(filters: Filters, key_names: Mapping[str, str], call: Sent) -> bool:
    """Filters speak of calls; the spans around them pass."""
    return isinstance(call, Call) and not filters.pass_on(call, key_names)
