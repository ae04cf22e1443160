"""Which share of the calls a destination is sent: whole sessions, else whole traces, the same in every process."""

from hashlib import blake2b

from spancast.broadcast import hierarchy
from spancast.records.record import SpanRecord


def is_sampled(call: SpanRecord, rate: float) -> bool:
    """Whether a call is in the share `rate`; what a smaller rate keeps, a larger rate keeps too."""
    return rate >= 1.0 or share(call.session or hierarchy.trace_id(call)) < rate


def share(key: str) -> float:
    """Return a number from 0.0 to below 1.0 for `key`: the same in every process and on every machine."""
    return int.from_bytes(blake2b(key.encode("utf-8", "replace"), digest_size=7).digest()) / (1 << 56)
