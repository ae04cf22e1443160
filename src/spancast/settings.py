"""Every setting once: its name, its variable, how its text is read, and what it is without one.

Arguments win over `SPANCAST_*` variables, which win over `spancast.toml` or `[tool.spancast]` in `pyproject.toml` of
the working directory, which win over the defaults.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

import platformdirs

from spancast import guard
from spancast.base import homes
from spancast.base.http_fields import TOKEN
from spancast.base.importing import function
from spancast.broadcast import keys
from spancast.configured import destinations, flag, pairs
from spancast.destination import Destination
from spancast.errors import ConfigurationError

Durability = Literal["process", "power", "memory"]
"""What a finished call survives: the death of the process, the loss of power, or neither (nothing is written)."""

ContentMode = Literal["no_content", "span_only", "event_only", "span_and_event"]
"""Where prompts and completions go (GenAI semantic conventions, content capture)."""

MetricNames = Literal["latest", "1.44", "off"]
"""Which names the metrics have; see `spancast.trace.metrics`."""

Delivery = Literal["process", "external"]
"""Who sends: this process, or only `spancast deliver`."""

Backfill = Literal["off", "caller-key"]
"""Whether the key of a call, held in memory alone, is used to ask what the call cost where its answer did not say."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that are in force."""

    destinations: tuple[Destination, ...]
    keys: Mapping[str, str]
    """Hashes of API keys, by the names that they are given."""
    home: Path
    hosts: tuple[str, ...]
    capture_content: ContentMode
    redact: Callable[[str], str | None] | None
    emit_event: bool
    metrics: MetricNames
    user_metrics: bool
    link_broadcast: bool
    default_user: str | None
    default_session: str | None
    default_tags: Mapping[str, str]
    baggage_keys: tuple[str, ...]
    forward_user: bool
    user_hash: bytes | None = field(repr=False)
    """The key of an HMAC."""
    backfill: Backfill
    backfill_key: str | None = field(repr=False)
    estimate: bool
    durability: Durability
    delivery: Delivery
    outbox_size: int
    """Bytes."""
    outbox_age: float
    """Seconds."""
    retention: float
    """Seconds."""
    ledger_retention: float | None
    """Seconds; `None` for no end."""
    enabled: bool
    instead_of: str | None = None
    """Which `home` was wanted, and why another is used."""
    stated: frozenset[str] = frozenset()
    """The names of those that an argument, a variable or a file states."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: `read` turns what was written into the value, or raises `ConfigurationError`."""

    name: str
    variable: str
    read: Callable[[str, object], object]
    default: Callable[[], object]
    meaning: str


def resolve(arguments: Mapping[str, object]) -> Settings:
    """Return the settings in force, given the `arguments` that are not `None`; raise `ConfigurationError`."""
    file, written = _toml(_working_directory())
    values: dict[str, object] = {}
    for setting in SETTINGS:
        if arguments.get(setting.name) is not None:
            values[setting.name] = setting.read(f"{setting.name}=", arguments[setting.name])
        elif os.environ.get(setting.variable, "").strip(_NOTHING):
            values[setting.name] = setting.read(setting.variable, os.environ[setting.variable])
        elif setting.name in written:
            values[setting.name] = setting.read(f"{setting.name} in {file}", written[setting.name])
    stated = frozenset(values)
    values |= {setting.name: setting.default() for setting in SETTINGS if setting.name not in stated}
    if values["emit_event"] is None:
        values["emit_event"] = values["capture_content"] in _ON_EVENT
    named = cast("Mapping[str, str]", values["keys"])
    values["destinations"] = tuple(
        each.knowing(named) for each in cast("tuple[Destination, ...]", values["destinations"])
    )
    place = homes.usable(cast("Path", values["home"]))
    if place.path is None:
        values["durability"] = "memory"
    values |= {"home": place.path or values["home"], "instead_of": place.instead_of, "stated": stated}
    return Settings(**values)  # type: ignore[arg-type]  # each was read by its own row


_NOTHING = " \t\r\n,"
"""What a variable may hold that says nothing, such as a list of others that are not set."""


def home() -> Path:
    """Return the directory of the ledger, as the settings have it."""
    return resolve({}).home


def _working_directory() -> Path:
    """Return it, or what has no files in it when it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path("deleted")


def _toml(folder: Path) -> tuple[str, Mapping[str, object]]:
    for name, table in (("spancast.toml", ()), ("pyproject.toml", ("tool", "spancast"))):
        written = _written(folder / name)
        if written is None:
            continue
        try:
            found: object = tomllib.loads(written.decode("utf-8-sig"))
        except ValueError as error:
            if name == "spancast.toml":
                raise ConfigurationError(f"{folder / name} is no TOML: {error}. Mend it or move it away.") from error
            if b"tool.spancast" in written:  # else it is no matter of ours
                guard.once_a_minute(
                    f"settings in {folder / name}",
                    "%s is no TOML, and what it says of Spancast is not heeded: %s. Mend it.",
                    folder / name,
                    error,
                )
            continue
        for key in table:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            _known(name, found)
            return name, found
    return "", {}


def _written(file: Path) -> bytes | None:
    """Return what a file says; `None` where it cannot be read, which is told of one that is there for Spancast."""
    try:
        return file.read_bytes()
    except OSError as error:
        if file.name == "spancast.toml" and not isinstance(error, FileNotFoundError | NotADirectoryError):
            guard.once_a_minute(
                f"settings in {file}", "%s cannot be read, and is not heeded: %s.", file, error.strerror
            )
        return None


def _known(file: str, written: Mapping[str, object]) -> None:
    unknown = sorted(set(written) - {setting.name for setting in SETTINGS})
    if unknown:
        known = ", ".join(setting.name for setting in SETTINGS)
        raise ConfigurationError(
            f"{file} has a setting called {unknown[0]!r}, which is none. The settings are {known}."
        )


def _items(where: str, seen: object, cure: str) -> Sequence[object]:
    if isinstance(seen, str):
        return [item.strip() for item in seen.split(",") if item.strip()]
    if isinstance(seen, list | tuple):
        return seen
    raise ConfigurationError.of(where, seen, cure)


def _hosts(where: str, seen: object) -> tuple[str, ...]:
    return tuple(_host(where, each) for each in _items(where, seen, f"{_HOST} Several are a list."))


def _host(where: str, seen: object) -> str:
    if isinstance(seen, str) and "@" in seen:  # it is not shown, since it may hold a password
        raise ConfigurationError(
            f"{where} has a host with a user before it. {_HOST} Calls bring their own credentials."
        )
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
    return bool(name) and not any(sign in "*?,;|\\" for sign in name or "")


def _home(where: str, seen: object) -> Path:
    seen = seen.strip() if isinstance(seen, str) else seen  # a line of a file has its end there, or a CR
    if isinstance(seen, str | os.PathLike) and os.fspath(seen) and "\0" not in os.fspath(seen):
        with suppress(RuntimeError, OSError):  # there is no such user, or no working directory any more
            return Path(os.fspath(seen)).expanduser().absolute()
    raise ConfigurationError.of(where, seen, "Give the path of a directory; it is made when it does not exist.")


def _api_key(where: str, seen: object) -> str:
    if isinstance(seen, str) and seen.strip().isascii() and seen.strip().isprintable() and " " not in seen.strip():
        return seen.strip()
    raise ConfigurationError(f"{where} is no API key. Give a key of OpenRouter's as it is, such as sk-or-v1-...")


def _name(where: str, seen: object) -> str:
    if isinstance(seen, str) and seen.strip():
        return seen.strip()
    raise ConfigurationError.of(where, seen, 'Give a text, such as "nightly-batch".')


def _tags(where: str, seen: object) -> Mapping[str, str]:
    written = pairs(where, seen) if isinstance(seen, str) else seen
    if isinstance(written, Mapping) and all(
        str(key).strip() and isinstance(value, str | int | float) for key, value in written.items()
    ):
        return {str(key): str(value) for key, value in written.items()}
    raise ConfigurationError.of(where, seen, 'Give pairs: {team = "blue"} in TOML, or team=blue,region=eu.')


def _entries(where: str, seen: object) -> tuple[str, ...]:
    cure = 'Give names as baggage has them: letters, digits, and no spaces, such as ["tenant"].'
    names = _items(where, seen, cure)
    if all(isinstance(each, str) and TOKEN.fullmatch(each) for each in names):
        return tuple(str(each) for each in names)
    raise ConfigurationError.of(where, seen, cure)


def _user_hash(where: str, seen: object) -> bytes:
    """Return the key; what is seen is not shown, since it holds one."""
    method, colon, key = seen.strip().partition(":") if isinstance(seen, str) else ("", "", "")
    if method.lower() == "hmac" and colon and key:
        return key.encode("utf-8", "surrogateescape")
    raise ConfigurationError(f"{where} names no way to pseudonymise. {_HOW}")


_HOW = "Write hmac: and a key of your own, such as 32 random bytes in hexadecimal: openssl rand -hex 32."


def _size(where: str, seen: object) -> int:
    if isinstance(seen, int) and not isinstance(seen, bool) and seen >= _SMALLEST:
        return seen
    found = re.fullmatch(r"(\d{1,15})\s*([kmgt]?)(i?)b?", seen.strip().lower()) if isinstance(seen, str) else None
    size = 0 if found is None else int(found[1]) * (1024 if found[3] else 1000) ** " kmgt".index(found[2] or " ")
    if size >= _SMALLEST:
        return size
    raise ConfigurationError.of(where, seen, "Give bytes, 1 MB at least: a number, or a text such as 500MB or 2GB.")


_SMALLEST = 1_000_000


def _seconds(where: str, seen: object) -> float:
    if isinstance(seen, timedelta):
        seen = seen.total_seconds()
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw])", seen.strip().lower()) if isinstance(seen, str) else None
    if found is not None:
        seen = int(found[1]) * _UNITS[found[2]]
    if isinstance(seen, int | float) and not isinstance(seen, bool) and 0 <= seen <= _LONGEST:
        return float(seen)
    raise ConfigurationError.of(where, seen, "Give a time such as 12h, 7d or 4w, or a number of seconds.")


_LONGEST = 200 * 365 * 86_400
"""Seconds of two hundred years, whose nanoseconds 64 bits hold; what is longer, or is not a number, is a mistake."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def _wait(where: str, seen: object) -> float:
    seconds = _seconds(where, seen)
    if seconds > 0:
        return seconds
    raise ConfigurationError.of(
        where, seen, "Give how long calls may wait, such as 12h or 30d; without any, none is sent."
    )


def _days(where: str, seen: object) -> float:
    seconds = _seconds(where, seen)
    if seconds >= _UNITS["d"]:
        return seconds
    raise ConfigurationError.of(where, seen, "Give a day at least, such as 90d, or leave it out to keep them forever.")


def _one_of(choices: tuple[str, ...]) -> Callable[[str, object], str]:
    def read(where: str, seen: object) -> str:
        if isinstance(seen, str) and seen.strip().lower() in choices:
            return seen.strip().lower()
        raise ConfigurationError.of(where, seen, f"Give one of {', '.join(choices)}.")

    return read


def _default_home() -> Path:
    return platformdirs.user_state_path("spancast", appauthor=False)


def _content_mode(where: str, seen: object) -> ContentMode:
    if isinstance(seen, str) and (mode := _MODES.get(seen.strip().lower())) is not None:
        return mode
    try:
        return "span_only" if flag(where, seen) else "no_content"
    except ConfigurationError as error:
        raise ConfigurationError.of(where, seen, f"Give true, false, or one of {', '.join(_MODES)}.") from error


_MODES: dict[str, ContentMode] = {mode: mode for mode in get_args(ContentMode)}
_ON_EVENT = ("event_only", "span_and_event")
"""Where the words are for the event, there is one unless that is denied."""


def _content_by_opentelemetry() -> ContentMode:
    """Return what the conventions' own variable says; what they do not know is, as with them, no content."""
    mode = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return "span_only" if mode.strip().lower() == "true" else _MODES.get(mode.strip().lower(), "no_content")


def _event_by_opentelemetry() -> bool | None:
    """Return what the conventions' own variable says; `None` where it says nothing."""
    said = os.environ.get("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", "").strip().lower()
    return said == "true" if said else None


def _enabled_by_opentelemetry() -> bool:
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"


SETTINGS = (
    Setting("destinations", "SPANCAST_DESTINATIONS", destinations, tuple, "Where spans are sent, by name."),
    Setting(
        "keys",
        "SPANCAST_KEYS",
        keys.named,
        dict,
        "Names for API keys, by the SHA-256 of each: a table, or `web=01ab...,batch=23cd...`.",
    ),
    Setting("home", "SPANCAST_HOME", _home, _default_home, "The directory of the journal and the ledger."),
    Setting(
        "hosts",
        "SPANCAST_HOSTS",
        _hosts,
        tuple,
        "Further hosts that speak OpenRouter: `host`, `host:port`, URL prefix.",
    ),
    Setting(
        "capture_content",
        "SPANCAST_CAPTURE_CONTENT",
        _content_mode,
        _content_by_opentelemetry,
        "Whether prompts and completions are kept: `true` or `span_only`, `event_only`, `span_and_event`, `false`.",
    ),
    Setting(
        "redact",
        "SPANCAST_REDACT",
        function,
        lambda: None,
        "Called with each text of a prompt or completion before it is kept: a function, or `module:function`.",
    ),
    Setting(
        "emit_event",
        "SPANCAST_EMIT_EVENT",
        flag,
        _event_by_opentelemetry,
        "Whether each call is a log record too (`gen_ai.client.inference.operation.details`).",
    ),
    Setting(
        "metrics",
        "SPANCAST_METRICS",
        _one_of((*get_args(MetricNames),)),
        lambda: "latest",
        "Which names the metrics have: `latest`, `1.44` (which most backends know), or `off` for none.",
    ),
    Setting(
        "user_metrics",
        "SPANCAST_USER_METRICS",
        flag,
        lambda: False,
        "Whether the user is an attribute of the metrics: a time series for each.",
    ),
    Setting(
        "link_broadcast",
        "SPANCAST_LINK_BROADCAST",
        flag,
        lambda: False,
        "Whether requests name their span in `trace`, so that OpenRouter's Broadcast nests its spans under it.",
    ),
    Setting("default_user", "SPANCAST_DEFAULT_USER", _name, lambda: None, "The user of a call that states none."),
    Setting(
        "default_session",
        "SPANCAST_DEFAULT_SESSION",
        _name,
        lambda: None,
        "The session of a call that states none.",
    ),
    Setting(
        "default_tags",
        "SPANCAST_DEFAULT_TAGS",
        _tags,
        dict,
        "Tags of every call, unless it states others of the same names: a table, or `team=blue,region=eu`.",
    ),
    Setting(
        "baggage_keys",
        "SPANCAST_BAGGAGE_KEYS",
        _entries,
        tuple,
        "Entries of W3C baggage that are tags, beside `user.id` and `session.id`, which are the user and the session.",
    ),
    Setting(
        "forward_user",
        "SPANCAST_FORWARD_USER",
        flag,
        lambda: False,
        "Whether requests tell OpenRouter the user where the application does not.",
    ),
    Setting(
        "user_hash",
        "SPANCAST_USER_HASH",
        _user_hash,
        lambda: None,
        "Pseudonymises users before anything is written: `hmac:` and a key, for HMAC-SHA256.",
    ),
    Setting(
        "backfill",
        "SPANCAST_BACKFILL",
        _one_of(get_args(Backfill)),
        lambda: "off",
        "Whether costs that no answer stated are asked for with the calls' own keys: `off`, `caller-key`.",
    ),
    Setting(
        "backfill_key",
        "SPANCAST_BACKFILL_KEY",
        _api_key,
        lambda: None,
        "A key of OpenRouter's to ask with for all costs that no answer stated.",
    ),
    Setting(
        "estimate",
        "SPANCAST_ESTIMATE",
        flag,
        lambda: False,
        "Whether a cost that is not stated is estimated by OpenRouter's list of prices.",
    ),
    Setting(
        "durability",
        "SPANCAST_DURABILITY",
        _one_of(get_args(Durability)),
        lambda: "process",
        "What a finished call survives: `process` (its death), `power` (its loss), `memory` (neither).",
    ),
    Setting(
        "delivery",
        "SPANCAST_DELIVERY",
        _one_of(get_args(Delivery)),
        lambda: "process",
        "Who sends: `process`, or `external` for `spancast deliver` alone.",
    ),
    Setting(
        "outbox_size",
        "SPANCAST_OUTBOX_SIZE",
        _size,
        lambda: 1_000_000_000,
        "How much is kept on disk for destinations at most: bytes, or `500MB`, `2GB`.",
    ),
    Setting(
        "outbox_age",
        "SPANCAST_OUTBOX_AGE",
        _wait,
        lambda: 30 * _UNITS["d"],
        "How long a call waits for a destination at most: `12h`, `30d`.",
    ),
    Setting(
        "retention",
        "SPANCAST_RETENTION",
        _seconds,
        lambda: 7 * _UNITS["d"],
        "How long a call that no destination waits for any more is kept, for `spancast replay`: `12h`, `7d`.",
    ),
    Setting(
        "ledger_retention",
        "SPANCAST_LEDGER_RETENTION",
        _days,
        lambda: None,
        "How long the ledger keeps single calls, whose sums stay: `90d`, `52w`.",
    ),
    Setting("enabled", "SPANCAST_ENABLED", flag, _enabled_by_opentelemetry, "Whether anything is instrumented at all."),
)
"""The table of settings; `docs/settings.md` is compared with it."""
