"""Lines of CSV (RFC 4180) on the standard output, with exact values for programs.

On a terminal, which only people read, values are stripped of what would move the cursor.
"""

import csv
import io
import sys
from collections.abc import Iterable
from decimal import Decimal

from spancast.base import money
from spancast.cli.output.table import printable


def exactly() -> None:
    """Make a pipe or a file take every character unchanged, in UTF-8, whatever the locale is."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="")


def record(values: Iterable[object]) -> str:
    """Return a line without its terminator; values with a comma, a quote or a line break are quoted."""
    values = [_plain(value) if isinstance(value, float) else value for value in values]
    if sys.stdout.isatty():
        values = [printable(value) if isinstance(value, str) else value for value in values]
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator=_END).writerow(values)
    return line.getvalue().removesuffix(_END)


def _plain(value: float) -> str:
    """Return a number without an exponent, as money is written."""
    return money.plain(Decimal(repr(value)))


_END = "\r\n"
"""The writer quotes values that contain either character."""
