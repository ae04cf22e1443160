"""Every setting once: its name, its variable, how its text is read, and what it is without one.

Arguments win over `SPANCAST_*` variables, which win over `spancast.toml` or `[tool.spancast]` in `pyproject.toml` of
the working directory, which win over the defaults.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

import platformdirs

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
    home: Path
    hosts: tuple[str, ...]
    capture_content: ContentMode
    redact: Callable[[str], str | None] | None
    emit_event: bool
    metrics: MetricNames
    user_metrics: bool
    link_broadcast: bool
    backfill: Backfill
    backfill_key: str | None = field(repr=False)
    estimate: bool
    durability: Durability
    delivery: Delivery
    enabled: bool


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
    file, written = _toml(Path.cwd())
    values: dict[str, object] = {}
    for setting in SETTINGS:
        if arguments.get(setting.name) is not None:
            values[setting.name] = setting.read(f"{setting.name}=", arguments[setting.name])
        elif os.environ.get(setting.variable, "").strip():
            values[setting.name] = setting.read(setting.variable, os.environ[setting.variable])
        elif setting.name in written:
            values[setting.name] = setting.read(f"{setting.name} in {file}", written[setting.name])
        else:
            values[setting.name] = setting.default()
    if values["emit_event"] is None:
        values["emit_event"] = values["capture_content"] in _ON_EVENT
    return Settings(**values)  # type: ignore[arg-type]


def home() -> Path:
    """Return the directory of the ledger, as the settings have it."""
    return resolve({}).home


def _toml(folder: Path) -> tuple[str, Mapping[str, object]]:
    for name, table in (("spancast.toml", ()), ("pyproject.toml", ("tool", "spancast"))):
        try:
            found: object = tomllib.loads((folder / name).read_text("utf-8"))
        except OSError:
            continue
        except ValueError as error:
            if name == "pyproject.toml":
                continue
            raise ConfigurationError(f"{folder / name} is no TOML: {error}. Mend it or move it away.") from error
        for key in table:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            _known(name, found)
            return name, found
    return "", {}


def _known(file: str, written: Mapping[str, object]) -> None:
    unknown = sorted(set(written) - {setting.name for setting in SETTINGS})
    if unknown:
        known = ", ".join(setting.name for setting in SETTINGS)
        raise ConfigurationError(
            f"{file} has a setting called {unknown[0]!r}, which is none. The settings are {known}."
        )


def _destinations(where: str, seen: object) -> tuple[Destination, ...]:
    found = tuple(_destination(where, each) for each in _items(where, seen))
    names = [destination.name for destination in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{where} has two destinations called {twice!r}. Give each its own name=.")
    return found


def _destination(where: str, seen: object) -> Destination:
    if isinstance(seen, Destination):
        return seen
    if isinstance(seen, dict) and isinstance(seen.get("exporter"), str):
        try:
            return Destination(**seen)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from error
    if isinstance(seen, dict | list | type(None)):
        raise ConfigurationError.of(
            where, seen, 'Give names, or tables such as {exporter = "otlp", endpoint = "http://..."}.'
        )
    return Destination(seen)  # type: ignore[arg-type]  # Destination judges it, and says what is wrong


def _items(where: str, seen: object) -> Sequence[object]:
    if isinstance(seen, str):
        return [item.strip() for item in seen.split(",") if item.strip()]
    if isinstance(seen, list | tuple):
        return seen
    raise ConfigurationError.of(where, seen, 'Give a list such as ["otlp"], or "otlp,otlp2" in a variable.')


def _hosts(where: str, seen: object) -> tuple[str, ...]:
    return tuple(_host(where, each) for each in _items(where, seen))


def _host(where: str, seen: object) -> str:
    if isinstance(seen, str) and seen.strip() and not any(character.isspace() for character in seen.strip()):
        with suppress(ValueError):  # a port beyond all ports, a bracket without its twin
            parts = urlsplit(seen.strip() if "://" in seen else f"//{seen.strip()}")
            if parts.hostname and (parts.port is None or parts.port):
                return seen.strip()
    raise ConfigurationError.of(where, seen, 'Give "host", "host:port" or a URL prefix such as "https://gateway/llm".')


def _home(where: str, seen: object) -> Path:
    if isinstance(seen, str | os.PathLike) and os.fspath(seen) and "\0" not in os.fspath(seen):
        return Path(os.fspath(seen)).expanduser().absolute()
    raise ConfigurationError.of(where, seen, "Give the path of a directory; it is made when it does not exist.")


def _flag(where: str, seen: object) -> bool:
    if isinstance(seen, bool):
        return seen
    if isinstance(seen, str) and seen.strip().lower() in _FLAGS:
        return _FLAGS[seen.strip().lower()]
    raise ConfigurationError.of(where, seen, "Give true or false.")


_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _callable(where: str, seen: object) -> Callable[..., object]:
    if callable(seen):
        return seen
    if isinstance(seen, str) and ":" in seen:
        module, _, name = seen.strip().partition(":")
        try:
            found = getattr(import_module(module), name)
        except Exception as error:
            raise ConfigurationError(f"{where} names {seen!r}, which cannot be imported: {error}.") from error
        if callable(found):
            return cast("Callable[..., object]", found)
    raise ConfigurationError.of(where, seen, 'Give a function, or "module:function" of one that Python finds.')


def _api_key(where: str, seen: object) -> str:
    if isinstance(seen, str) and seen.strip().isascii() and seen.strip().isprintable() and " " not in seen.strip():
        return seen.strip()
    raise ConfigurationError(f"{where} is no API key. Give a key of OpenRouter's as it is, such as sk-or-v1-...")


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
        return "span_only" if _flag(where, seen) else "no_content"
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
    Setting("destinations", "SPANCAST_DESTINATIONS", _destinations, tuple, "Where spans are sent, by name."),
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
        _callable,
        lambda: None,
        "Called with each text of a prompt or completion before it is kept: a function, or `module:function`.",
    ),
    Setting(
        "emit_event",
        "SPANCAST_EMIT_EVENT",
        _flag,
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
        _flag,
        lambda: False,
        "Whether the user is an attribute of the metrics: a time series for each.",
    ),
    Setting(
        "link_broadcast",
        "SPANCAST_LINK_BROADCAST",
        _flag,
        lambda: False,
        "Whether requests name their span in `trace`, for OpenRouter's Broadcast to hang its own on (httpx, httpx2).",
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
        _flag,
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
        "enabled", "SPANCAST_ENABLED", _flag, _enabled_by_opentelemetry, "Whether anything is instrumented at all."
    ),
)
"""The table of settings; `docs/settings.md` is compared with it."""
