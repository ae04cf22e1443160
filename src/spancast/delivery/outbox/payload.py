"""What travels, as a store keeps it."""

import msgspec

from spancast.records.call import Call
from spancast.records.record import Sent

encoded = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Sent] = msgspec.msgpack.Decoder(Sent)


def decoded(payload: bytes) -> Sent | None:
    """Return what travels, or `None` where it cannot be read."""
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None


def call_of(payload: bytes) -> Call | None:
    """Return the call; `None` where it cannot be read, or is another span."""
    sent = decoded(payload)
    return sent if isinstance(sent, Call) else None
