"""`spancast.toml`, or `[tool.spancast]` in `pyproject.toml`, of the working directory."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from spancast.base import files, guard
from spancast.errors import ConfigurationError
from spancast.settings.table import SETTINGS


def stated(folder: Path) -> tuple[str, Mapping[str, object]]:
    """Return the name of the file of a folder, and what it states; raise `ConfigurationError`."""
    for name, table in (("spancast.toml", ()), ("pyproject.toml", ("tool", "spancast"))):
        written = _written(folder / name)
        if written is None:
            continue
        try:
            found = _parsed(written)
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


def _parsed(written: bytes) -> object:
    """Return what TOML says; raise `ValueError` where it is none, or none that an error could show."""
    try:
        found = tomllib.loads(written.decode("utf-8-sig"))
        repr(found)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _written(file: Path) -> bytes | None:
    """Return what a file says; `None` where it cannot be read, which is told of one that is there for Spancast."""
    try:
        return files.read(file)
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
