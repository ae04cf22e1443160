"""Which settings hold: arguments win over variables, which win over a file, which wins over the defaults."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from spancast.base import homes
from spancast.settings import file
from spancast.settings.settings import Settings
from spancast.settings.table import SETTINGS

if TYPE_CHECKING:
    from spancast.destinations.destination import Destination


def resolve(arguments: Mapping[str, object]) -> Settings:
    """Return the settings in force, given the `arguments` that are not `None`; raise `ConfigurationError`."""
    name, written = file.stated(_working_directory())
    values: dict[str, object] = {}
    for setting in SETTINGS:
        if arguments.get(setting.name) is not None:
            values[setting.name] = setting.read(f"{setting.name}=", arguments[setting.name])
        elif os.environ.get(setting.variable, "").strip(_NOTHING):
            values[setting.name] = setting.read(setting.variable, os.environ[setting.variable])
        elif setting.name in written:
            values[setting.name] = setting.read(f"{setting.name} in {name}", written[setting.name])
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


def home_in_force() -> Path:
    """Return the directory of the ledger, as the settings have it."""
    return resolve({}).home


_ON_EVENT = ("event_only", "span_and_event")
"""Where the words are for the event, there is one unless that is denied."""


def _working_directory() -> Path:
    """Return it, or what has no files in it when it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path("deleted")
