"""How each setting is read: what was written becomes the value, or a `ConfigurationError` that says where it stands."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from spancast.base.http_fields import TOKEN
from spancast.base.texts import as_text
from spancast.destinations.configured import flag, pairs
from spancast.errors import ConfigurationError
from spancast.settings.settings import ContentMode


def _items(where: str, seen: object, cure: str) -> Sequence[object]:
    if isinstance(seen, str):
        return [item.strip() for item in seen.split(",") if item.strip()]
    if isinstance(seen, list | tuple):
        return seen
    raise ConfigurationError.of(where, seen, cure)


def hosts(where: str, seen: object) -> tuple[str, ...]:
    """Return further hosts: a list, or a text with commas."""
    return tuple(_host(where, each) for each in _items(where, seen, f"{_HOST} Several are a list."))


def _host(where: str, seen: object) -> str:
    if isinstance(seen, str) and "@" in seen:  # it is not shown, since it may hold a password
        raise ConfigurationError(
            f"{where} has a host with a user before it. {_HOST} Calls bring their own credentials."
        )
    if isinstance(seen, str) and any(sign in seen for sign in "?#"):  # nor is this, which may hold a key
        raise ConfigurationError(f"{where} has a host with a query or a fragment, by which no call is told. {_HOST}")
    if isinstance(seen, str) and seen.strip() and not any(character.isspace() for character in seen.strip()):
        with suppress(ValueError):  # a port beyond all ports, a bracket without its twin
            parts = urlsplit(seen.strip() if "://" in seen else f"//{seen.strip()}")
            if (
                _is_host(parts.hostname)
                and parts.scheme in ("", "http", "https")
                and (parts.port is None or parts.port)
            ):
                return seen.strip()
    raise ConfigurationError.of(where, seen, _HOST)


_HOST = 'Give "host", "host:port" or a URL prefix such as "https://gateway/llm".'


def _is_host(name: str | None) -> bool:
    """Whether it may be the name of one host: there are no patterns."""
    return bool(name) and not any(sign in "*,;|\\" for sign in name or "")


def home(where: str, seen: object) -> Path:
    """Return the path of a directory, absolute."""
    seen = seen.strip() if isinstance(seen, str) else seen  # a line of a file has its end there, or a CR
    if isinstance(seen, str | os.PathLike) and os.fspath(seen) and "\0" not in os.fspath(seen):
        with suppress(RuntimeError, OSError):  # there is no such user, or no working directory any more
            return Path(os.fspath(seen)).expanduser().absolute()
    raise ConfigurationError.of(where, seen, "Give the path of a directory; it is made when it does not exist.")


def api_key(where: str, seen: object) -> str:
    """Return a key, which no error shows."""
    if isinstance(seen, str) and seen.strip().isascii() and seen.strip().isprintable() and " " not in seen.strip():
        return seen.strip()
    raise ConfigurationError(f"{where} is no API key. Give a key of OpenRouter's as it is, such as sk-or-v1-...")


def name(where: str, seen: object) -> str:
    """Return a text that is not blank."""
    if isinstance(seen, str) and seen.strip():
        return seen.strip()
    raise ConfigurationError.of(where, seen, 'Give a text, such as "nightly-batch".')


def tags(where: str, seen: object) -> Mapping[str, str]:
    """Return pairs of text: a table, or `team=blue,region=eu`."""
    written = pairs(where, seen) if isinstance(seen, str) else seen
    if isinstance(written, Mapping) and all(
        as_text(key).strip() and isinstance(value, str | int | float) for key, value in written.items()
    ):
        return {as_text(key): as_text(value) for key, value in written.items()}
    raise ConfigurationError.of(where, seen, 'Give pairs: {team = "blue"} in TOML, or team=blue,region=eu.')


def entries(where: str, seen: object) -> tuple[str, ...]:
    """Return names of entries of W3C baggage."""
    cure = 'Give names as baggage has them: letters, digits, and no spaces, such as ["tenant"].'
    names = _items(where, seen, cure)
    if all(isinstance(each, str) and TOKEN.fullmatch(each) for each in names):
        return tuple(as_text(each) for each in names)
    raise ConfigurationError.of(where, seen, cure)


def user_hash(where: str, seen: object) -> bytes:
    """Return the key; what is seen is not shown, since it holds one."""
    method, colon, key = seen.strip().partition(":") if isinstance(seen, str) else ("", "", "")
    if method.lower() == "hmac" and colon and key:
        return key.encode("utf-8", "surrogateescape")
    raise ConfigurationError(f"{where} names no way to pseudonymise. {_HOW}")


_HOW = "Write hmac: and a key of your own, such as 32 random bytes in hexadecimal: openssl rand -hex 32."


def size(where: str, seen: object) -> int:
    """Return bytes."""
    if isinstance(seen, int) and not isinstance(seen, bool) and seen >= _SMALLEST:
        return seen
    found = re.fullmatch(r"(\d{1,15})\s*([kmgt]?)(i?)b?", seen.strip().lower()) if isinstance(seen, str) else None
    size = 0 if found is None else int(found[1]) * (1024 if found[3] else 1000) ** " kmgt".index(found[2] or " ")
    if size >= _SMALLEST:
        return size
    raise ConfigurationError.of(where, seen, "Give bytes, 1 MB at least: a number, or a text such as 500MB or 2GB.")


_SMALLEST = 1_000_000


def seconds(where: str, seen: object) -> float:
    """Return seconds, of which none are some, too."""
    if isinstance(seen, timedelta):
        seen = seen.total_seconds()
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw])", seen.strip().lower()) if isinstance(seen, str) else None
    if found is not None:
        seen = int(found[1]) * UNITS[found[2]]
    if isinstance(seen, int | float) and not isinstance(seen, bool) and 0 <= seen <= _LONGEST:
        return float(seen)
    raise ConfigurationError.of(where, seen, "Give a time such as 12h, 7d or 4w, or a number of seconds.")


_LONGEST = 200 * 365 * 86_400
"""Seconds of two hundred years, whose nanoseconds 64 bits hold; what is longer, or is not a number, is a mistake."""
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def wait(where: str, seen: object) -> float:
    """Return seconds, of which there are some."""
    wanted = seconds(where, seen)
    if wanted > 0:
        return wanted
    raise ConfigurationError.of(
        where, seen, "Give how long calls may wait, such as 12h or 30d; without any, none is sent."
    )


def days(where: str, seen: object) -> float:
    """Return seconds, a day at least."""
    wanted = seconds(where, seen)
    if wanted >= UNITS["d"]:
        return wanted
    raise ConfigurationError.of(where, seen, "Give a day at least, such as 90d, or leave it out to keep them forever.")


def one_of(choices: tuple[str, ...]) -> Callable[[str, object], str]:
    """Return what reads one of these words."""

    def read(where: str, seen: object) -> str:
        if isinstance(seen, str) and seen.strip().lower() in choices:
            return seen.strip().lower()
        raise ConfigurationError.of(where, seen, f"Give one of {', '.join(choices)}.")

    return read


def content_mode(where: str, seen: object) -> ContentMode:
    """Return where the words go; true means the span."""
    if isinstance(seen, str) and (mode := MODES.get(seen.strip().lower())) is not None:
        return mode
    try:
        return "span_only" if flag(where, seen) else "no_content"
    except ConfigurationError as error:
        raise ConfigurationError.of(where, seen, f"Give true, false, or one of {', '.join(MODES)}.") from error


MODES: dict[str, ContentMode] = {mode: mode for mode in get_args(ContentMode)}
