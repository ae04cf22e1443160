"""One generation as OpenRouter bills it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from spancast.bookkeeping.reconciling.amount import Amount

BATCH = "gen-batch-"
"""The prefix of the ids of generations in a batch."""
_SECONDS = re.compile(r"gen-(?:[a-z]+-)?([0-9]{9,10})-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A generation; fields that were not requested, or are unknown, are `None`."""

    generation_id: str
    amount: Amount
    is_byok: bool
    model: str | None = None
    provider: str | None = None
    app: str | None = None
    key: str | None = None
    """The name of the API key."""
    user: str | None = None
    """The end user that the request named."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    day: str | None = None
    """The UTC day it was billed on; `None` if it was queried with other days, of which no totals are known."""

    @property
    def at(self) -> datetime | None:
        """When it began, to the second, as stated in its id (recorded: `gen-<Unix seconds>-…`)."""
        found = _SECONDS.match(self.generation_id)
        return None if found is None else datetime.fromtimestamp(int(found[1]), UTC)
