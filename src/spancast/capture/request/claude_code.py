"""The user that Claude Code states: its `metadata.user_id` is a JSON object, written as text.

It has `device_id`, `session_id`, and `account_uuid`, which is empty where nobody is logged in at Anthropic. Broadcast
splits it in the same way: the user, the session, and the device as metadata (observed in its spans, September 2026).
"""

import msgspec

from spancast.capture.json_decoder import Decoder
from spancast.capture.values import Facts, Text


class _Identity(msgspec.Struct):
    """The members that are read."""

    account_uuid: Text | None = None
    device_id: Text | None = None
    session_id: Text | None = None


_decode = Decoder(_Identity)


def split_user(facts: Facts) -> Facts:
    """Return the facts of a request; where its user is such an object, with its user, session and device."""
    stated = facts["user"]
    identity = _decode(stated.encode()) if stated is not None and stated.startswith("{") else None
    user = None if identity is None else identity.account_uuid or identity.device_id
    if identity is None or user is None:
        return facts
    metadata = {name: value for name, value in facts.get("metadata", {}).items() if value != stated}
    if identity.device_id is not None:
        metadata["device_id"] = identity.device_id
    return {**facts, "user": user, "session": facts["session"] or identity.session_id, "metadata": metadata}
