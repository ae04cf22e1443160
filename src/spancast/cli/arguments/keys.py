"""API keys as they are named on the command line: by the hash, or by its beginning, as a narrow table shows it."""

import re
from collections.abc import Callable, Sequence

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import Report
from spancast.errors import ConfigurationError

_WHOLE = re.compile(r"[0-9a-f]{64}")
_CUT = "…"
"""What a table has in place of the rest."""


Source = Callable[[Sequence[str], Filter], Report]
"""Finds the sums of the chosen calls by some dimensions, wherever they lie."""


def nothing(_by: Sequence[str], _chosen: Filter) -> Report:
    """Return the sums where there is no ledger."""
    return Report.nothing()


def whole(written: str, costs: Source) -> str:
    """Return the hash that is meant, of those in the ledger that `costs` reads; what was written where none is.

    Raises `ConfigurationError` where several are.
    """
    if _WHOLE.fullmatch(written):
        return written
    beginning = written.removesuffix(_CUT)
    known = sorted(key for row in costs(["key"], Filter()) if (key := row.group["key"]) is not None)
    meant = [key for key in known if key.startswith(beginning)]
    if beginning in meant or not meant:
        return beginning
    if len(meant) > 1:
        raise ConfigurationError(f"--key {written} may be any of {', '.join(meant)}. Write more of it.")
    return meant[0]
