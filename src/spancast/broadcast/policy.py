"""What a destination wants of what was captured. Pure: the same call always has the same answer."""

from collections.abc import Callable
from hashlib import blake2b

from spancast.call import Call
from spancast.destination import Destination

NOT_SAMPLED = "trace not sampled"
SAMPLED_OUT = "sampled out"


def wants(destination: Destination, call: Call) -> str | None:
    """Return `None` when the call is to be sent, else why it is skipped, in a few words."""
    return next((reason for reason, skips in _RULES.items() if skips(destination, call)), None)


def share(key: str) -> float:
    """Return where `key` lies between 0.0 and 1.0: the same place in every process, on every machine."""
    return int.from_bytes(blake2b(key.encode("utf-8", "replace"), digest_size=7).digest()) / (1 << 56)


def _not_sampled(_: Destination, call: Call) -> bool:
    return not call.sampled


def _sampled_out(destination: Destination, call: Call) -> bool:
    """Keep sessions whole, else traces; a smaller rate keeps a part of what a larger one keeps."""
    return share(call.session or call.trace_id or call.call_id) >= destination.sample_rate


_RULES: dict[str, Callable[[Destination, Call], bool]] = {NOT_SAMPLED: _not_sampled, SAMPLED_OUT: _sampled_out}
"""Why a call may be skipped, and how that is told; the first that applies is the reason."""
