"""Lines of CSV (RFC 4180) as they are printed: every value exactly what it is, for the program that reads them.

On a terminal, where nobody but a person reads, nothing of a value moves the cursor.
"""

import csv
import io
import sys
from collections.abc import Iterable

from spancast.cli.output.table import printable


def exactly() -> None:
    """Have a pipe or a file take every character as it is, in UTF-8, whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="")


def record(values: Iterable[object]) -> str:
    """Return a line, without its end. A value that has a comma, a quote or the end of a line in it is quoted."""
    if sys.stdout.isatty():
        values = [printable(value) if isinstance(value, str) else value for value in values]
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator=_END).writerow(values)
    return line.getvalue().removesuffix(_END)


_END = "\r\n"
"""What holds either of the two is quoted then."""
