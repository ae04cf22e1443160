"""`spancast.toml`, or `[tool.spancast]` in `pyproject.toml`, of the working directory."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from spancast.base import files, guard
from spancast.base.suggest import did_you_mean
from spancast.errors import ConfigurationError
from spancast.settings.table import SETTINGS


def read_settings(folder: Path) -> tuple[str, Mapping[str, object]]:
    """Return the name of the settings file in a folder, and its settings; raise `ConfigurationError`."""
    for name, table in (("spancast.toml", ()), ("pyproject.toml", ("tool", "spancast"))):
        written = _read(folder / name)
        if written is None:
            continue
        try:
            found = _parse(written)
        except ValueError as error:
            if table and _TABLE.search(written) is None:  # the file is none of our business
                continue
            cure = "Correct it: its [tool.spancast] is in force." if table else "Correct it or move it away."
            raise ConfigurationError(f"{folder / name} is not valid TOML: {error}. {cure}") from error
        for key in table:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None and not isinstance(found, dict):
            kind = "an array" if isinstance(found, list) else type(found).__name__  # not shown, since it may hold a key
            raise ConfigurationError(f"tool.spancast in {name} cannot be {kind}. Write a table: [tool.spancast].")
        if found is not None:
            _check_names(name, found)
            return name, found
    return "", {}


_TABLE = re.compile(rb"""^[ \t]*\[*[ \t]*["']?tool["']?[ \t]*\.[ \t]*["']?spancast(?![\w-])""", re.MULTILINE)
"""The header of our table, or of one inside it, in a file that cannot be parsed."""


def _parse(written: bytes) -> object:
    """Return the parsed TOML; raise `ValueError` if it is not valid, or nested too deeply for an error message."""
    try:
        found = tomllib.loads(written.decode("utf-8-sig"))
        repr(found)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _read(file: Path) -> bytes | None:
    """Return the content of a file; `None` if it cannot be read, with a warning if it is `spancast.toml`."""
    try:
        return files.read(file)
    except OSError as error:
        if file.name == "spancast.toml" and not isinstance(error, FileNotFoundError | NotADirectoryError):
            guard.warn(f"settings in {file}", "%s cannot be read, and is ignored: %s.", file, error.strerror)
        return None


def _check_names(file: str, written: Mapping[str, object]) -> None:
    names = [setting.name for setting in SETTINGS]
    unknown = sorted(set(written) - set(names))
    if unknown:
        cure = f"{did_you_mean(unknown[0], names)} The settings are {', '.join(names)}.".lstrip()
        raise ConfigurationError(f"{file} has a setting {unknown[0]!r}, which does not exist. {cure}")
