"""Variables whose names are probably misspelt: nothing would read them, and what they were meant to set is not set."""

import os
from collections.abc import Iterator

from spancast.base.suggest import did_you_mean
from spancast.settings.table import SETTINGS

_PREFIX = "SPANCAST_"
_SIMILARITY = 0.8
"""Of the names without their prefix; the application may have variables of its own that begin with it."""


def misspelt() -> Iterator[str]:
    """Yield a sentence for each variable of the environment that nearly has the name of a setting's."""
    known = [setting.variable.removeprefix(_PREFIX) for setting in SETTINGS]
    for variable in sorted(os.environ):
        name = variable.removeprefix(_PREFIX)
        if not variable.startswith(_PREFIX) or name in known or name.startswith("DESTINATION_"):
            continue
        meant = next((each for each in known if did_you_mean(name, [each], _SIMILARITY)), None)
        if meant is not None:
            yield f"{variable} is no setting, and is ignored. Did you mean {_PREFIX}{meant}?"
