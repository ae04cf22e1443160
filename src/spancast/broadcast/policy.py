"""What a destination wants of what was captured. Pure: the same call always has the same answer."""

from collections.abc import Callable

from spancast.broadcast import sampling
from spancast.call import Call
from spancast.destination import Destination
from spancast.record import Sent

NOT_SAMPLED = "trace not sampled"
OTHER_KEY = "made with another key"
FILTERED_OUT = "filtered out"
SAMPLED_OUT = "sampled out"


def wants(destination: Destination, call: Sent) -> str | None:
    """Return `None` when the call is to be sent, else why it is skipped, in a few words."""
    for reason, skips in _RULES:
        if skips(destination, call):
            return reason
    return None


def waits_for_cost(destination: Destination) -> bool:
    """Whether nothing can be said of a call before it is known what it cost."""
    return destination.filters is not None and destination.filters.need_cost


def _not_sampled(_: Destination, call: Sent) -> bool:
    return not call.sampled


def _other_key(destination: Destination, call: Sent) -> bool:
    """Skip, beside the calls of other keys, all other spans: whose they are is not known."""
    if destination.key_hashes is None:
        return False
    return not isinstance(call, Call) or call.key_hash not in destination.key_hashes


def _filtered_out(destination: Destination, call: Sent) -> bool:
    """Filters speak of calls; the spans around them pass."""
    filters = destination.filters
    return filters is not None and isinstance(call, Call) and not filters.pass_on(call, destination.key_names)


def _sampled_out(destination: Destination, call: Sent) -> bool:
    """Keep sessions whole, else traces."""
    return not sampling.kept(call, destination.sample_rate)


_RULES: tuple[tuple[str, Callable[[Destination, Sent], bool]], ...] = (
    (NOT_SAMPLED, _not_sampled),
    (OTHER_KEY, _other_key),
    (SAMPLED_OUT, _sampled_out),
    (FILTERED_OUT, _filtered_out),
)
"""Why a call may be skipped, and how that is told; the first that applies is the reason."""
