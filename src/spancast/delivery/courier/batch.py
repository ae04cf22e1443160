"""The records of one pass of a courier, and what has become of them so far."""

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import Span
from spancast.delivery.outbox import contents
from spancast.delivery.outbox.accounts import State
from spancast.delivery.outbox.ack import BY_THE_ANSWER, Ack, Held, Open
from spancast.delivery.outbox.outbox import Waiting


@dataclass(frozen=True, slots=True)
class Item:
    """A span under way, and the record it was made of."""

    seq: int
    span: Span


@dataclass(slots=True)
class Batch:
    """What a pass has in hand. Reasons are by `seq`."""

    waiting: Sequence[Waiting]
    delivered: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    expired: dict[int, str] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    """Records that wait for something of their own."""
    wordless: set[int] = field(default_factory=set)
    """Records whose words are not there, and not waited for any more."""
    stripped: dict[int, str] = field(default_factory=dict)
    """Records that go without their words, and why."""
    mended: dict[int, Collection[str]] = field(default_factory=dict)
    """What was done to the spans of records so that they can be sent."""
    marked: bool = False
    """Whether the spans were noted as on their way."""
    doubted: bool = False
    """Whether the platform may have some of it, or not."""
    in_doubt: dict[int, str] = field(default_factory=dict)
    """Records that an answer left in doubt, and what it said."""
    entered: int = 0
    """Records decided and entered before the first request."""
    answered: bool = False
    """Whether the platform said something of use."""
    state: State = "ready"
    reason: str | None = None
    """Why the pass ended before all was decided."""
    asked: float | None = None
    """Seconds that the platform asked to wait."""

    @property
    def halted(self) -> bool:
        """Whether no further request is to be made."""
        return self.reason is not None

    def halt(self, state: State, reason: str, asked: float | None = None) -> None:
        """End the pass: what is not decided waits; for the next pass alone where the state is `ready`."""
        self.state, self.reason, self.asked = state, reason, asked

    def resume(self) -> None:
        """Go on after all."""
        self.state, self.reason, self.asked = "ready", None, None

    def decided(self) -> int:
        """Return how many records wait no more."""
        return len(self.delivered) + len(self.skipped) + len(self.expired) + len(self.dead)

    def undecided(self) -> list[int]:
        """Return the records of which nothing is known yet."""
        done = {*self.delivered, *self.skipped, *self.expired, *self.dead, *self.held}
        return [each.seq for each in self.waiting if each.seq not in done]

    def entry(self, waiting: Mapping[int, str], opened: Mapping[int, Open]) -> Ack:
        """Return what is to be entered of the batch, with the cursor behind what came from behind it."""
        return Ack(
            cursor=max((each.seq for each in self.waiting if not each.excepted), default=0),
            delivered=tuple(self.delivered),
            opened=opened,
            skipped=self.skipped,
            expired=self.expired,
            dead=self.dead,
            waiting=waiting,
            held=self.held,
            notes=self._notes(),
        )

    def _notes(self) -> Mapping[str, int]:
        without = Counter(contents.SENT_WITHOUT for seq in self.delivered if seq in self.wordless)
        mended = Counter(what for seq in self.delivered for what in self.mended.get(seq, ()))
        in_doubt = Counter(f"{BY_THE_ANSWER}: {said}" for said in self.in_doubt.values())
        stripped = Counter(self.stripped[seq] for seq in self.delivered if seq in self.stripped)
        return without + mended + stripped + in_doubt

    def begin_anew(self, seqs: Container[int]) -> None:
        """Go on with the records of `seqs` alone, after the others were entered."""
        self.entered += self.decided()
        self.waiting = [each for each in self.waiting if each.seq in seqs]
        self.delivered, self.skipped, self.expired, self.dead, self.held = [], {}, {}, {}, {}
        self.marked = True
