"""The user in the body that OpenRouter gets, where the application did not write one."""

import msgspec

from spancast.attribution.rules import in_force
from spancast.base import guard
from spancast.base.scrub import REMOVED

LONGEST = 128
"""Characters that OpenRouter takes of a user (its docs, Broadcast); a request with more may be refused."""

_NONE = (b"", b"null")
_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode


def forwarded(body: bytes | None, user: str | None) -> bytes | None:
    """Return a JSON body that names the user; `None` where that is not wanted, where it does, or is no JSON object.

    Every other member stays as it is written. The session is never written: OpenRouter routes by it.
    """
    if not in_force().forward_user or not body or user is None or REMOVED in user:
        return None
    if len(user) > LONGEST:
        guard.once_a_minute("forward_user", "A user of more than %s characters is not forwarded.", LONGEST)
        return None
    try:
        members = _members(body)
        if _is_named(members.get("user")) or _is_named(_user_of(members.get("metadata"))):
            return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return msgspec.json.encode({**members, "user": user})


def _is_named(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw) not in _NONE


def _user_of(metadata: msgspec.Raw | None) -> msgspec.Raw | None:
    if metadata is None or not bytes(metadata).startswith(b"{"):
        return None
    return _members(metadata).get("user_id")
