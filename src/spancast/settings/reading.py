"""Parsing the value of each setting. `where` names the setting in the `ConfigurationError` of an invalid value."""

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


def _items(where: str, value: object, cure: str) -> Sequence[object]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, list | tuple):
        return value
    raise ConfigurationError.of(where, value, cure)


def hosts(where: str, value: object) -> tuple[str, ...]:
    """Return further hosts, from a list or a text with commas."""
    return tuple(_host(where, each) for each in _items(where, value, f"{_HOST} Several are a list."))


def _host(where: str, value: object) -> str:
    if isinstance(value, str) and "@" in value:  # not shown, since it may hold a password
        raise ConfigurationError(
            f"{where} has a host with a user or password. {_HOST} Calls carry their own credentials."
        )
    if isinstance(value, str) and any(sign in value for sign in "?#"):  # not shown, since it may hold a key
        raise ConfigurationError(f"{where} has a host with a query or a fragment, which no call would match. {_HOST}")
    if isinstance(value, str) and value.strip() and not any(character.isspace() for character in value.strip()):
        with suppress(ValueError):  # an invalid port, an unbalanced bracket
            parts = urlsplit(value.strip() if "://" in value else f"//{value.strip()}")
            if (
                _is_host(parts.hostname)
                and parts.scheme in ("", "http", "https")
                and (parts.port is None or parts.port)
            ):
                return value.strip()
    raise ConfigurationError.of(where, value, _HOST)


_HOST = 'Give "host", "host:port" or a URL prefix such as "https://gateway/llm".'


def _is_host(name: str | None) -> bool:
    """Whether it may be the name of one host; patterns are not supported."""
    return bool(name) and not any(sign in "*,;|\\" for sign in name or "")


def home(where: str, value: object) -> Path:
    """Return the absolute path of a directory."""
    value = value.strip() if isinstance(value, str) else value  # a variable read from a file may end with a newline
    if isinstance(value, str | os.PathLike) and os.fspath(value) and "\0" not in os.fspath(value):
        with suppress(RuntimeError, OSError):  # no such user, or the working directory was deleted
            return Path(os.fspath(value)).expanduser().absolute()
    raise ConfigurationError.of(where, value, "Give the path of a directory; it is created if it does not exist.")


def api_key(where: str, value: object) -> str:
    """Return an API key; no error shows it."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isprintable() and " " not in value.strip():
        return value.strip()
    raise ConfigurationError(f"{where} is not an API key. Give an OpenRouter key as it is, such as sk-or-v1-...")


def name(where: str, value: object) -> str:
    """Return a text that is not blank."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ConfigurationError.of(where, value, 'Give a text, such as "nightly-batch".')


def tags(where: str, value: object) -> Mapping[str, str]:
    """Return pairs of text, from a table or from `team=blue,region=eu`."""
    written = pairs(where, value) if isinstance(value, str) else value
    if isinstance(written, Mapping) and all(
        as_text(key).strip() and isinstance(each, str | int | float) for key, each in written.items()
    ):
        return {as_text(key): as_text(each) for key, each in written.items()}
    raise ConfigurationError.of(where, value, 'Give pairs: {team = "blue"} in TOML, or team=blue,region=eu.')


def entries(where: str, value: object) -> tuple[str, ...]:
    """Return names of W3C baggage entries."""
    cure = 'Give names of baggage entries, of letters and digits without spaces, such as ["tenant"].'
    names = _items(where, value, cure)
    if all(isinstance(each, str) and TOKEN.fullmatch(each) for each in names):
        return tuple(as_text(each) for each in names)
    raise ConfigurationError.of(where, value, cure)


def user_hash(where: str, value: object) -> bytes:
    """Return the key of the HMAC; no error shows the value, since it holds a key."""
    method, colon, key = value.strip().partition(":") if isinstance(value, str) else ("", "", "")
    if method.lower() == "hmac" and colon and key:
        return key.encode("utf-8", "surrogateescape")
    raise ConfigurationError(f"{where} is not a method of pseudonymisation. {_HMAC}")


_HMAC = "Write hmac: and a key of your own, such as 32 random bytes in hexadecimal: openssl rand -hex 32."


def size(where: str, value: object) -> int:
    """Return a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= _MIN_BYTES:
        return value
    found = re.fullmatch(r"(\d{1,15})\s*([kmgt]?)(i?)b?", value.strip().lower()) if isinstance(value, str) else None
    size = 0 if found is None else int(found[1]) * (1024 if found[3] else 1000) ** " kmgt".index(found[2] or " ")
    if size >= _MIN_BYTES:
        return size
    raise ConfigurationError.of(where, value, "Give at least 1 MB: a number of bytes, or a text such as 500MB or 2GB.")


_MIN_BYTES = 1_000_000


def seconds(where: str, value: object) -> float:
    """Return seconds; 0 is allowed."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw])", value.strip().lower()) if isinstance(value, str) else None
    if found is not None:
        value = int(found[1]) * UNITS[found[2]]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_SECONDS:
        return float(value)
    raise ConfigurationError.of(where, value, "Give a time such as 12h, 7d or 4w, or a number of seconds.")


_MAX_SECONDS = 200 * 365 * 86_400
"""Two hundred years, whose nanoseconds fit into 64 bits."""
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def wait(where: str, value: object) -> float:
    """Return seconds; 0 is refused."""
    found = seconds(where, value)
    if found > 0:
        return found
    raise ConfigurationError.of(where, value, "Give how long calls may wait, such as 12h or 30d; with 0, none is sent.")


def days(where: str, value: object) -> float:
    """Return seconds; less than a day is refused."""
    found = seconds(where, value)
    if found >= UNITS["d"]:
        return found
    raise ConfigurationError.of(where, value, "Give at least one day, such as 90d, or leave it out to keep all calls.")


def one_of(choices: tuple[str, ...]) -> Callable[[str, object], str]:
    """Return a function that reads one of these choices."""

    def read(where: str, value: object) -> str:
        if isinstance(value, str) and value.strip().lower() in choices:
            return value.strip().lower()
        raise ConfigurationError.of(where, value, f"Give one of {', '.join(choices)}.")

    return read


def content_mode(where: str, value: object) -> ContentMode:
    """Return where content is recorded; true means on the span."""
    if isinstance(value, str) and (mode := MODES.get(value.strip().lower())) is not None:
        return mode
    try:
        return "span_only" if flag(where, value) else "no_content"
    except ConfigurationError as error:
        raise ConfigurationError.of(where, value, f"Give true, false, or one of {', '.join(MODES)}.") from error


MODES: dict[str, ContentMode] = {mode: mode for mode in get_args(ContentMode)}
