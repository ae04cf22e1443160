"""A call as a store keeps it."""

import msgspec

from spancast.call import Call

encoded = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Call)


def decoded(payload: bytes) -> Call | None:
    """Return the call, or `None` where it cannot be read."""
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None
