"""Adding the user to the body that OpenRouter gets, if the application has not.

The session is never added, since OpenRouter routes by it.
"""

from spancast.attribution.rules import current_rules
from spancast.base import guard
from spancast.base.scrub import REMOVED
from spancast.capture.json_body import Members, decode_members, is_null

MAX_USER_LENGTH = 128
"""Characters of a user that OpenRouter accepts (its docs, Broadcast); it may reject a request with more."""


def forwardable(user: str | None) -> str | None:
    """Return the user if it is to be sent to OpenRouter; `None` if that is not configured, or not possible."""
    if not current_rules().forward_user or user is None or REMOVED in user:
        return None
    if len(user) > MAX_USER_LENGTH:
        guard.warn("forward_user", "A user of more than %s characters is not forwarded.", MAX_USER_LENGTH)
        return None
    return user


def names_user(members: Members) -> bool:
    """Return whether a request names a user, in its `user` or in Anthropic's `metadata.user_id`."""
    if not is_null(members.get("user")):
        return True
    metadata = members.get("metadata")
    if metadata is None or not bytes(metadata).startswith(b"{"):
        return False
    fields = decode_members(metadata)
    return fields is None or not is_null(fields.get("user_id"))
