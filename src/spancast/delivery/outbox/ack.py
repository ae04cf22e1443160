"""What a courier tells the outbox of a batch."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from spancast.delivery.outbox.accounts import State
from spancast.destinations.destination import LateCost
from spancast.records.call import Call

ON_ITS_WAY = "on its way"
AMBIGUOUS = "ambiguous"
"""Why a record waits, or is dead: the platform may have it, or not."""
BY_THE_ANSWER = "ambiguous by the answer"
"""What befell a record that an answer left in doubt; the platform's words follow it."""
NOT_SENT_AGAIN = "not sent again with its cost"
"""What befell a record that the platform has without its cost; why follows it."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Hold:
    """A time before which a destination is left alone."""

    until: float
    """Unix time in seconds."""
    asked: bool = False
    """Whether the platform asked for it (`Retry-After`); no process may try sooner then."""
    length: float = 0.0
    """Seconds that it lasts from when it was begun."""
    failures: int = 0
    """How often the destination had failed in a row then, in whichever processes."""

    @property
    def begun(self) -> float:
        """Unix time in seconds of the try that failed."""
        return self.until - self.length


@dataclass(frozen=True, slots=True)
class Open:
    """A record that was delivered while its cost might still come."""

    wanted: LateCost
    """What the destination does then."""
    call: Call
    """What it was sent as: with an estimate, or without a cost."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a record waits for, and until when at most: Unix time in seconds."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What became of a batch. Reasons are by `seq`; records that are in none of these keep waiting as they did."""

    cursor: int = 0
    """Every record up to here is decided, or waits as an exception; the cursor never moves back."""
    delivered: Sequence[int] = ()
    opened: Mapping[int, Open] = field(default_factory=dict)
    """Of the delivered, those whose cost may still come."""
    skipped: Mapping[int, str] = field(default_factory=dict)
    expired: Mapping[int, str] = field(default_factory=dict)
    dead: Mapping[int, str] = field(default_factory=dict)
    waiting: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[int, Held] = field(default_factory=dict)
    """Records that wait for something of their own."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """What else befell so many of the delivered."""
    state: State | None = None
    """The state that the destination is in now; `None` when that is not touched, nor its reason and hold."""
    reason: str | None = None
    """Why the destination is in that state."""
    hold: Hold | None = None

    def without(self, gone: Container[int]) -> "Ack":
        """Return what is left of it without these records."""
        return replace(
            self,
            delivered=[seq for seq in self.delivered if seq not in gone],
            opened=_others(self.opened, gone),
            skipped=_others(self.skipped, gone),
            expired=_others(self.expired, gone),
            dead=_others(self.dead, gone),
            waiting=_others(self.waiting, gone),
            held=_others(self.held, gone),
        )


def _others(entries: Mapping[int, _Value], gone: Container[int]) -> Mapping[int, _Value]:
    return {seq: value for seq, value in entries.items() if seq not in gone}
