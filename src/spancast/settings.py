"""Every setting once: its name, its variable, how its text is read, and what it is without one.

Arguments win over `SPANCAST_*` variables, which win over `spancast.toml` or `[tool.spancast]` in `pyproject.toml` of
the working directory, which win over the defaults.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, cast, get_args

import platformdirs

from spancast.destination import Destination
from spancast.errors import ConfigurationError

Durability = Literal["process", "power", "memory"]
"""What a finished call survives: the death of the process, the loss of power, or neither (nothing is written)."""

Delivery = Literal["process", "external"]
"""Who sends: this process, or only `spancast deliver`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that are in force."""

    destinations: tuple[Destination, ...]
    home: Path
    hosts: tuple[str, ...]
    capture_content: bool
    redact: Callable[[str], str | None] | None
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
        return Destination(**seen)
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
        return seen.strip()
    raise ConfigurationError.of(where, seen, 'Give "host", "host:port" or a URL prefix such as "https://gateway/llm".')


def _home(where: str, seen: object) -> Path:
    if isinstance(seen, str | os.PathLike) and os.fspath(seen):
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


def _one_of(choices: tuple[str, ...]) -> Callable[[str, object], str]:
    def read(where: str, seen: object) -> str:
        if isinstance(seen, str) and seen.strip().lower() in choices:
            return seen.strip().lower()
        raise ConfigurationError.of(where, seen, f"Give one of {', '.join(choices)}.")

    return read


def _default_home() -> Path:
    return platformdirs.user_state_path("spancast", appauthor=False)


def _content_by_opentelemetry() -> bool:
    mode = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return mode.strip().upper() in {"SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT", "TRUE"}


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
        _flag,
        _content_by_opentelemetry,
        "Whether prompts and completions are wanted.",
    ),
    Setting(
        "redact",
        "SPANCAST_REDACT",
        _callable,
        lambda: None,
        "Called with each text of a prompt or completion before it is kept: a function, or `module:function`.",
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
