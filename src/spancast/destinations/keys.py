"""API keys, by what may be written down of them: the SHA-256 of a key, and a name that the settings give to one."""

import re
from collections.abc import Mapping

from spancast.errors import ConfigurationError

HOW = 'printf %s "$OPENROUTER_API_KEY" | sha256sum'
"""The command that prints the hash of a key."""

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][\w. -]{0,63}")
_SECRET = re.compile(r"(?i)(?:bearer |sk[-_]|[a-z]+[-_]v?\d+[-_])|\S{40}")
"""What a key looks like that somebody wrote down in the place of its hash."""
_WORDS = re.compile(
    r"(?=.{1,32}$)(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)(?:[ ._-](?:[a-z]+|[A-Z][a-z]*|[A-Z]+))*[ ._-]?[0-9]{0,2}"
)
"""A name of plain words, as keys are given by people and not by machines: nothing else is shown in an error."""


def hash_of(where: str, seen: object) -> str:
    """Return a hash; raise `ConfigurationError` for what is none, without showing anything of it: it may be the key."""
    if isinstance(seen, str) and _HASH.fullmatch(seen.strip()):
        return seen.strip().lower()
    raise _refused(where, seen, "no SHA-256 of an API key, which has 64 hex digits")


def named(where: str, seen: object) -> Mapping[str, str]:
    """Return hashes by the names that the settings give to them.

    Written as a mapping, or as text such as `web=01ab...,batch=23cd...`.
    """
    if isinstance(seen, str):
        pairs = (each.partition("=") for each in seen.split(",") if each.strip())
        seen = {name.strip(): value for name, _, value in pairs}
    if not isinstance(seen, Mapping):
        raise ConfigurationError(f'{where} gives no names to keys. Write web = "...", the key\'s SHA-256: {HOW}')
    return {
        _name(where, name): hash_of(_place(where, number, name), value)
        for number, (name, value) in enumerate(seen.items(), 1)
    }


def chosen(where: str, seen: object) -> tuple[str, ...]:
    """Return the keys that a destination names, by hash or by name: a list, or text such as `web,batch`."""
    if isinstance(seen, str):
        seen = [each.strip() for each in seen.split(",") if each.strip()]
    if not isinstance(seen, list | tuple | set | frozenset) or not seen:
        raise ConfigurationError(f"{where} names no key. Give a list with one at least, or leave it out for all keys.")
    return tuple(_hash_or_name(where, each) for each in seen)


def hashes(where: str, keys: tuple[str, ...], known: Mapping[str, str]) -> frozenset[str]:
    """Return the hashes of `keys`, some of which are names that are `known`."""
    missing = next((key for key in keys if not _HASH.fullmatch(key) and key not in known), None)
    if missing is not None:
        names = ", ".join(known) or "none"
        raise ConfigurationError(
            f"{where} names the key {_shown(missing)}, which has no hash. Known: {names}. Add it to [keys] in "
            f"spancast.toml, or to SPANCAST_KEYS."
        )
    return frozenset(known.get(key, key) for key in keys)


def are_hashes(keys: tuple[str, ...]) -> frozenset[str]:
    """Return those of `keys` that are no names."""
    return frozenset(key for key in keys if _HASH.fullmatch(key))


def _hash_or_name(where: str, seen: object) -> str:
    if isinstance(seen, str) and _HASH.fullmatch(seen.strip()):
        return seen.strip().lower()
    return _name(where, seen)


def _name(where: str, seen: object) -> str:
    written = seen.strip() if isinstance(seen, str) else ""
    if _NAME.fullmatch(written) and not _SECRET.match(written):
        return written
    raise _refused(where, seen, "neither the SHA-256 of an API key nor a name")


def _refused(where: str, seen: object, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{where} cannot be {_described(seen)}: it is {what}. A key itself is never written down; its hash is what "
        f"this prints: {HOW}"
    )


def _place(where: str, number: int, name: str) -> str:
    """Return where a name stands: somebody may have written the key in its place."""
    return f"{where} {name!r}" if _WORDS.fullmatch(name) else f"{where}, number {number},"


def _shown(name: str) -> str:
    """Return a name that nothing is known by, as an error may show it."""
    return repr(name) if _WORDS.fullmatch(name) else _described(name)


def _described(seen: object) -> str:
    return f"a text of {len(seen)} characters" if isinstance(seen, str) else f"a {type(seen).__name__}"
