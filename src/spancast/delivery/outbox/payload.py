"""A record as bytes in the outbox's file."""

import msgspec

from spancast.records.call import Call
from spancast.records.record import SpanRecord

encoded = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[SpanRecord] = msgspec.msgpack.Decoder(SpanRecord)


def decoded(payload: bytes) -> SpanRecord | None:
    """Return the record, or `None` if it cannot be decoded."""
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None


def call_of(payload: bytes) -> Call | None:
    """Return the call, or `None` if the record is another span, or cannot be decoded."""
    sent = decoded(payload)
    return sent if isinstance(sent, Call) else None
