"""What a courier reports to the outbox after a batch."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from spancast.delivery.outbox.accounts import State
from spancast.destinations.destination import LateCost
from spancast.records.call import Call

ON_ITS_WAY = "on its way"
AMBIGUOUS = "ambiguous"
"""The reason of a record that waits, or is dead, while the platform may have it."""
BY_THE_ANSWER = "ambiguous by the answer"
"""The note on a record that a reply left in doubt; the platform's message follows."""
NOT_SENT_AGAIN = "not sent again with its cost"
"""The note on a record that the platform has without its cost; the reason follows."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Hold:
    """A time before which nothing is sent to a destination."""

    until: float
    """Unix time in seconds."""
    is_requested: bool = False
    """Whether the platform asked for it (`Retry-After`); then no process may try sooner."""
    length: float = 0.0
    """Its duration in seconds."""
    failures: int = 0
    """The destination's failures in a row so far, in all processes."""

    @property
    def started_at(self) -> float:
        """When it began, with the failed attempt; Unix time in seconds."""
        return self.until - self.length


@dataclass(frozen=True, slots=True)
class Open:
    """A record that was delivered while its cost may still arrive."""

    wanted: LateCost
    """What to do with the cost at this destination."""
    call: Call
    """The call as it was sent: with an estimate, or without a cost."""


@dataclass(frozen=True, slots=True)
class RecordWait:
    """What a record waits for, and until when; Unix time in seconds."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What became of a batch. Reasons are by `seq`; records that are not mentioned keep waiting."""

    cursor: int = 0
    """All records up to here are settled, or exceptions; the cursor never moves back."""
    delivered: Sequence[int] = ()
    opened: Mapping[int, Open] = field(default_factory=dict)
    """The delivered records whose cost may still arrive."""
    skipped: Mapping[int, str] = field(default_factory=dict)
    expired: Mapping[int, str] = field(default_factory=dict)
    dead: Mapping[int, str] = field(default_factory=dict)
    waiting: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[int, RecordWait] = field(default_factory=dict)
    """Records that wait for a cost, for content, or for the platform's reply to a question."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """Counts of notes on delivered records."""
    state: State | None = None
    """The destination's new state; `None` leaves its state, reason and hold unchanged."""
    reason: str | None = None
    """Why the destination is in that state."""
    hold: Hold | None = None

    def without(self, removed: Container[int]) -> "Ack":
        """Return a copy without these records."""
        return replace(
            self,
            delivered=[seq for seq in self.delivered if seq not in removed],
            opened=_without(self.opened, removed),
            skipped=_without(self.skipped, removed),
            expired=_without(self.expired, removed),
            dead=_without(self.dead, removed),
            waiting=_without(self.waiting, removed),
            held=_without(self.held, removed),
        )


def _without(entries: Mapping[int, _Value], removed: Container[int]) -> Mapping[int, _Value]:
    return {seq: value for seq, value in entries.items() if seq not in removed}
