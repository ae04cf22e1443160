"""The attribution settings of this process, and users as they may be stored."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from spancast.attribution.attribution import UNKNOWN, Attribution, Pseudonym
from spancast.capture.values import text

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Rules:
    """How the attribution of a call is found, and stored."""

    defaults: Attribution = UNKNOWN
    """The attribution where nothing else states one."""
    baggage_keys: tuple[str, ...] = ()
    """The baggage entries that are tags."""
    forward_user: bool = False
    """Whether requests that name no user get one for OpenRouter."""
    hash_key: bytes | None = field(default=None, repr=False)
    """The key by which users are pseudonymised, with HMAC-SHA256."""


_current = Rules()


def set_rules(rules: Rules) -> None:
    """Set the rules of this process. There is one set, since `attribute` has no reference to any other part of ours."""
    global _current  # noqa: PLW0603 - one application, one Spancast
    _current = rules


def current_rules() -> Rules:
    """Return the rules of this process."""
    return _current


def pseudonymized_user(user: str | None) -> str | None:
    """Return a user as it may be stored: its pseudonym, if the rules ask for it."""
    key = _current.hash_key
    name = text(user)
    if key is None or name is None or type(user) is Pseudonym:
        return user
    return pseudonym(name, key)


def pseudonym(user: str, key: bytes) -> Pseudonym:
    """Return the pseudonym of a user, whose name must be encodable in UTF-8."""
    return Pseudonym(hmac.digest(key, user.encode(), "sha256").hex())


def pseudonymized(raw: Attribution) -> Attribution:
    """Return an attribution as it may be stored: its session and tags do not hold the user's name either."""
    if _current.hash_key is None:
        return raw
    user = pseudonymized_user(raw.user)
    session = user if raw.session is not None and raw.session == raw.user else raw.session
    return Attribution(user, None if session is None else str(session), pseudonymized_values(raw.tags, raw.user))


def pseudonymized_values(pairs: Mapping[str, V], user: str | None = None) -> Mapping[str, V]:
    """Return values in which users are pseudonymised: `user`, the values of keys that name a user, and equal values."""
    if _current.hash_key is None:
        return pairs
    written = {key: str(pseudonymized_user(value)) for key, value in pairs.items() if isinstance(value, str)}
    users = {written[key] for key in written if key.lower() in _USER_KEYS}
    if user is not None:
        users.add(str(pseudonymized_user(user)))
    return {key: cast("V", written[key]) if written.get(key) in users else value for key, value in pairs.items()}


_USER_KEYS = frozenset({"user", "user_id", "userid", "user.id", "enduser.id", "end_user", "end_user_id", "device_id"})
"""Keys under which applications store a user, in lower case; Claude Code's device stands for one without a login."""
