"""Which part of the calls a destination is sent: whole sessions, else whole traces, the same in every process."""

from hashlib import blake2b

from spancast.broadcast import hierarchy
from spancast.records.record import Sent


def kept(call: Sent, rate: float) -> bool:
    """Whether a call is among the share `rate`; a smaller rate keeps a part of what a larger one keeps."""
    return rate >= 1.0 or share(call.session or hierarchy.trace_id(call)) < rate


def share(key: str) -> float:
    """Return where `key` lies between 0.0 and 1.0: the same place in every process, on every machine."""
    return int.from_bytes(blake2b(key.encode("utf-8", "replace"), digest_size=7).digest()) / (1 << 56)
