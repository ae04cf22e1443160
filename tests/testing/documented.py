"""The table of faults in the simulator's docstring."""

import re

from spancast.testing import simulator


def faults() -> dict[str, str]:
    """Return the table: what is billed, by the fault's name."""
    row = re.compile(r"^    (\S+) +\| .+ \| (.+?) *$", re.MULTILINE)
    return {name: billed for name, billed in row.findall(simulator.__doc__ or "") if name not in {"name", "-" * 16}}
