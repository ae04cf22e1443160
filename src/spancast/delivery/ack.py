"""What a courier tells the outbox of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from spancast.delivery.accounts import State
from spancast.destination import LateCost


@dataclass(frozen=True, slots=True)
class Hold:
    """A time before which a destination is left alone."""

    until: float
    """Unix time in seconds."""
    asked: bool = False
    """Whether the platform asked for it (`Retry-After`); no process may try sooner then."""


@dataclass(frozen=True, slots=True)
class Open:
    """A record that was delivered while its cost might still come."""

    wanted: LateCost
    """What the destination does then."""
    cost: Decimal | None
    """US dollars that it was sent with: an estimate, or nothing."""


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
    wordless: int = 0
    """How many of the delivered were to have words that never came."""
    state: State | None = None
    """The state that the destination is in now; `None` when that is not touched, nor its reason and hold."""
    reason: str | None = None
    """Why the destination is in that state."""
    hold: Hold | None = None
