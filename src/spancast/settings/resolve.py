"""Which settings are in force: arguments win over variables, which win over a file, which wins over the defaults."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from spancast.base import homes
from spancast.destinations.configured import Tables, destinations
from spancast.settings import file
from spancast.settings.settings import Settings
from spancast.settings.table import SETTINGS

if TYPE_CHECKING:
    from spancast.destinations.destination import Destination


def resolve(arguments: Mapping[str, object]) -> Settings:
    """Return the settings in force, given the `arguments` that are not `None`; raise `ConfigurationError`."""
    name, written = file.read_settings(_working_directory())
    tables = Tables.of(f"destinations in {name}", written.get("destinations"))
    values: dict[str, object] = {}
    for setting in SETTINGS:
        read = partial(destinations, tables=tables) if setting.name == "destinations" else setting.read
        if arguments.get(setting.name) is not None:
            values[setting.name] = read(f"{setting.name}=", arguments[setting.name])
        elif os.environ.get(setting.variable, "").strip(_BLANK):
            values[setting.name] = read(setting.variable, os.environ[setting.variable])
        elif setting.name in written:
            values[setting.name] = setting.read(f"{setting.name} in {name}", written[setting.name])
    stated = frozenset(values)
    values |= {setting.name: setting.default() for setting in SETTINGS if setting.name not in stated}
    if values["emit_event"] is None:
        values["emit_event"] = values["capture_content"] in _WITH_EVENT
    named = cast("Mapping[str, str]", values["keys"])
    values["destinations"] = tuple(
        each.with_key_names(named) for each in cast("tuple[Destination, ...]", values["destinations"])
    )
    place = homes.choose(cast("Path", values["home"]))
    if place.path is None:
        values["durability"] = "memory"
    values |= {"home": place.path or values["home"], "instead_of": place.instead_of, "stated": stated}
    return Settings(**values)  # type: ignore[arg-type]  # each was read by its own row


_BLANK = " \t\r\n,"
"""A variable of these alone counts as not set, such as a list of other variables that are not set."""


def home_in_force() -> Path:
    """Return the home directory that is in force."""
    return resolve({}).home


_WITH_EVENT = ("event_only", "span_and_event")
"""The modes in which the event is emitted unless `emit_event` is false."""


def _working_directory() -> Path:
    """Return the working directory, or a path without files if it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path("deleted")
