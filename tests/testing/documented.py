"""What the simulator's docstring promises."""

import re

from spancast.testing import simulator


def faults() -> dict[str, str]:
    """Return the docstring's table: name to what is billed."""
    row = re.compile(r"^    (\S+) +\| .+ \| (.+?) *$", re.MULTILINE)
    return {name: billed for name, billed in row.findall(simulator.__doc__ or "") if name not in {"name", "-" * 16}}
