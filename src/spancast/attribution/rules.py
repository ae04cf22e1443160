"""What the settings say of attribution, for this process; the user as it may be written."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from spancast.attribution.attribution import NOBODY, Attribution, Pseudonym
from spancast.capture.values import text

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Rules:
    """How it is found out, and written down, whom a call is for."""

    defaults: Attribution = NOBODY
    """What holds where nothing else is said."""
    baggage_keys: tuple[str, ...] = ()
    """The entries of baggage that are tags."""
    forward_user: bool = False
    """Whether OpenRouter is told the user when the application does not tell it."""
    hash_key: bytes | None = field(default=None, repr=False)
    """What users are pseudonymised with, by HMAC-SHA256."""


_in_force = Rules()


def follow(rules: Rules) -> None:
    """Have these rules hold in this process: `attribute` knows of no other part of ours, and so there is one set."""
    global _in_force  # noqa: PLW0603 - one application, one Spancast
    _in_force = rules


def in_force() -> Rules:
    """Return the rules that hold."""
    return _in_force


def pseudonymous(user: str | None) -> str | None:
    """Return a user as it may be written: its pseudonym, where the rules have one."""
    key = _in_force.hash_key
    seen = text(user)
    if key is None or seen is None or type(user) is Pseudonym:
        return user
    return pseudonym(seen, key)


def pseudonym(user: str, key: bytes) -> Pseudonym:
    """Return what is written in the place of a user whose name is text that UTF-8 can hold."""
    return Pseudonym(hmac.digest(key, user.encode(), "sha256").hex())


def named(who: Attribution) -> Attribution:
    """Return an attribution as it may be written: no user who is to be pseudonymised is its session or a tag either."""
    if _in_force.hash_key is None:
        return who
    user = pseudonymous(who.user)
    session = user if who.session is not None and who.session == who.user else who.session
    return Attribution(user, None if session is None else str(session), without_user(who.tags, who.user))


def without_user(pairs: Mapping[str, V], user: str | None = None) -> Mapping[str, V]:
    """Return the application's own words with no user in them that is to be pseudonymised: by its name, or `user`."""
    if _in_force.hash_key is None:
        return pairs
    return {
        key: cast("V", str(pseudonymous(value)))
        if isinstance(value, str) and (value == user or key.lower() in _USERS)
        else value
        for key, value in pairs.items()
    }


_USERS = frozenset({"user", "user_id", "userid", "user.id", "enduser.id", "end_user", "end_user_id", "device_id"})
"""Names under which applications write a user, in small letters; Claude Code's device is one, if none is logged in."""
