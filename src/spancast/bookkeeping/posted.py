"""The parts of an entry that sums and histograms are made of."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from spancast.bookkeeping.entry import Entry, Kind


class Posted(NamedTuple):
    """The fields of an entry and its kind that go into sums and histograms."""

    kind: int
    user: int | None
    started_at: int
    duration: int | None
    time_to_first_token: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None
    outsize: int | None
    operation: str
    outcome: str
    http_status: int | None
    error_type: str | None
    streamed: bool
    request_model: str | None
    response_model: str | None
    provider: str | None
    cost_source: str | None


def posted(entry: Entry, kind: Kind) -> Posted:
    """Return the fields of an entry that is being written."""
    return Posted._make(_of_entry(entry) + _of_kind(kind))


def read(row: Sequence[object]) -> Posted:
    """Return the fields in a row of `POSTED`."""
    return Posted(*row)  # type: ignore[arg-type]  # the columns are those of the table


_of_entry = itemgetter(*(Entry._fields.index(name) for name in Posted._fields if name in Entry._fields))
_of_kind = itemgetter(*(Kind._fields.index(name) for name in Posted._fields if name in Kind._fields))

POSTED = f"SELECT {', '.join(Posted._fields)} FROM entries JOIN kinds ON kinds.id = entries.kind"  # noqa: S608 - names
"""The query for `read`, to which a condition can be appended."""
