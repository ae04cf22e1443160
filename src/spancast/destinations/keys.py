"""API keys by what may be stored: the SHA-256 of a key, and a name that the settings give it."""

import re
from collections.abc import Mapping

from spancast.errors import ConfigurationError

HASH_COMMAND = 'printf %s "$OPENROUTER_API_KEY" | sha256sum'
"""The command that prints the hash of a key."""

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][\w. -]{0,63}")
_SECRET = re.compile(r"(?i)(?:bearer |sk[-_]|[a-z]+[-_]v?\d+[-_])|\S{40}")
"""Looks like a key that somebody wrote in place of its hash."""
_PLAIN_NAME = re.compile(
    r"(?=.{1,32}$)(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)(?:[ ._-](?:[a-z]+|[A-Z][a-z]*|[A-Z]+))*[ ._-]?[0-9]{0,2}"
)
"""A name of plain words, which is safe to show in an error: people give such names to keys, machines do not."""


def parse_hash(where: str, value: object) -> str:
    """Return a hash; raise `ConfigurationError` for anything else, without showing it: it may be the key."""
    if isinstance(value, str) and _HASH.fullmatch(value.strip()):
        return value.strip().lower()
    raise _refused(where, value, "not the SHA-256 of an API key, which has 64 hex digits")


def parse_names(where: str, value: object) -> Mapping[str, str]:
    """Return hashes by name, from a mapping or from text such as `web=01ab...,batch=23cd...`."""
    if isinstance(value, str):
        pairs = (each.partition("=") for each in value.split(",") if each.strip())
        value = {name.strip(): key_hash for name, _, key_hash in pairs}
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f'{where} does not map names to keys. Write web = "...", with the key\'s SHA-256, which this prints: '
            f"{HASH_COMMAND}"
        )
    return {
        _name(where, name): parse_hash(_place(where, number, name), key_hash)
        for number, (name, key_hash) in enumerate(value.items(), 1)
    }


def parse_keys(where: str, value: object) -> tuple[str, ...]:
    """Return the keys that a destination names, by hash or by name: a list, or text such as `web,batch`."""
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(value, list | tuple | set | frozenset) or not value:
        raise ConfigurationError(f"{where} names no key. Give a list of at least one, or leave it out for all keys.")
    return tuple(_hash_or_name(where, each) for each in value)


def resolve_hashes(where: str, keys: tuple[str, ...], known: Mapping[str, str]) -> frozenset[str]:
    """Return the hashes of `keys`, which may be `known` names; raise `ConfigurationError` for an unknown one."""
    missing = next((key for key in keys if not _HASH.fullmatch(key) and key not in known), None)
    if missing is not None:
        names = ", ".join(known) or "none"
        raise ConfigurationError(
            f"{where} names the key {_shown(missing)}, whose hash is unknown. Known: {names}. Add it to [keys] in "
            f"spancast.toml, or to SPANCAST_KEYS."
        )
    return frozenset(known.get(key, key) for key in keys)


def only_hashes(keys: tuple[str, ...]) -> frozenset[str]:
    """Return those of `keys` that are hashes and not names."""
    return frozenset(key for key in keys if _HASH.fullmatch(key))


def _hash_or_name(where: str, value: object) -> str:
    if isinstance(value, str) and _HASH.fullmatch(value.strip()):
        return value.strip().lower()
    return _name(where, value)


def _name(where: str, value: object) -> str:
    written = value.strip() if isinstance(value, str) else ""
    if _NAME.fullmatch(written) and not _SECRET.match(written):
        return written
    raise _refused(where, value, "neither the SHA-256 of an API key nor a name")


def _refused(where: str, value: object, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{where} cannot be {_described(value)}: it is {what}. Never write down a key itself; this prints its hash: "
        f"{HASH_COMMAND}"
    )


def _place(where: str, number: int, name: str) -> str:
    """Return the position of a name, without the name if it may be a key."""
    return f"{where} {name!r}" if _PLAIN_NAME.fullmatch(name) else f"{where}, number {number},"


def _shown(name: str) -> str:
    """Return an unknown name as an error may show it."""
    return repr(name) if _PLAIN_NAME.fullmatch(name) else _described(name)


def _described(value: object) -> str:
    return f"a text of {len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"
