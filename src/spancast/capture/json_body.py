"""Changing members of a JSON object, with every other member as the application has written it."""

from collections.abc import Mapping
from typing import Any

import msgspec

Members = dict[str, msgspec.Raw]
"""The members of a JSON object, each still encoded."""

_decode = msgspec.json.Decoder(Members).decode
_NULL = (b"", b"null")


def decode_members(body: bytes | msgspec.Raw) -> Members | None:
    """Return the members of a JSON object; `None` if it is not one."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_null(member: msgspec.Raw | None) -> bool:
    """Return whether a member is missing, or null."""
    return member is None or bytes(member) in _NULL


def with_members(members: Members, changes: Mapping[str, Any]) -> bytes:
    """Return a JSON object with some of its members replaced or added."""
    return msgspec.json.encode({**members, **changes})
