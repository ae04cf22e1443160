"""Whom Claude Code says that it works for: its `metadata.user_id` is a JSON object, written as text.

It has `device_id`, `session_id`, and `account_uuid`, which is empty where nobody is logged in at Anthropic. Broadcast
takes it apart, too, into the user, the session, and the device as metadata (seen in its spans of September 2026).
"""

import msgspec

from spancast.capture.decode import Decoder
from spancast.capture.values import Facts, Text


class _Identity(msgspec.Struct):
    """The members that are read."""

    account_uuid: Text | None = None
    device_id: Text | None = None
    session_id: Text | None = None


_identity = Decoder(_Identity)


def taken_apart(facts: Facts) -> Facts:
    """Return what a request says, with the user, the session and the device where its user is such an object."""
    stated = facts["user"]
    seen = _identity(stated.encode()) if stated is not None and stated.startswith("{") else None
    user = None if seen is None else seen.account_uuid or seen.device_id
    if seen is None or user is None:
        return facts
    metadata = {name: value for name, value in facts.get("metadata", {}).items() if value != stated}
    if seen.device_id is not None:
        metadata["device_id"] = seen.device_id
    return {**facts, "user": user, "session": facts["session"] or seen.session_id, "metadata": metadata}
