"""Lines of CSV, as they are printed."""

import csv
import io
from collections.abc import Iterable, Mapping

from spancast.cli.table import printable


def record(values: Iterable[object]) -> str:
    """Return a line, without its end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def named(group: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the values of a group without what would move the cursor or begin a line."""
    return {name: value if value is None else printable(value) for name, value in group.items()}
