"""What a list of calls lacks, in sentences."""

from collections.abc import Iterator

from spancast.cli.output import human
from spancast.cli.reports.missing import Missing


def sentences(missing: Missing) -> Iterator[str]:
    """Yield a sentence for each kind."""
    if missing.adjustments:
        yield human.adjusted(missing.adjustments, missing.adjusted, "in `spancast costs` but in no call")
    if missing.complete_since is not None:
        yield human.pruned(missing.complete_since)
