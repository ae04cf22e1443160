"""The records of one pass of a courier, and what has become of them so far."""

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import Span
from spancast.delivery.outbox import contents
from spancast.delivery.outbox.accounts import State
from spancast.delivery.outbox.ack import BY_THE_ANSWER, Ack, Open, RecordWait
from spancast.delivery.outbox.outbox import Waiting


@dataclass(frozen=True, slots=True)
class Item:
    """A span to send, and the record that it was made from."""

    seq: int
    span: Span


@dataclass(slots=True)
class Batch:
    """The records of a pass. Reasons are by `seq`."""

    waiting: Sequence[Waiting]
    delivered: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    expired: dict[int, str] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)
    held: dict[int, RecordWait] = field(default_factory=dict)
    """Records that wait for a cost, for content, or for the platform's reply to a question."""
    without_content: set[int] = field(default_factory=set)
    """Records whose content has not arrived and is no longer waited for."""
    content_removed: dict[int, str] = field(default_factory=dict)
    """Records that are sent without their content, and why."""
    repaired: dict[int, Collection[str]] = field(default_factory=dict)
    """What was changed in the spans of records so that they can be sent."""
    marked: bool = False
    """Whether the outbox knows that the spans are being sent."""
    doubted: bool = False
    """Whether the platform may have some of the spans."""
    in_doubt: dict[int, str] = field(default_factory=dict)
    """Records that a reply left in doubt, and its message."""
    entered: int = 0
    """Records that were decided and entered before the first request."""
    answered: bool = False
    """Whether the platform has replied about some of the spans."""
    state: State = "ready"
    reason: str | None = None
    """Why the pass ended before all records were decided."""
    retry_after: float | None = None
    """Seconds that the platform asked us to wait."""

    @property
    def halted(self) -> bool:
        """Whether no further request may be sent."""
        return self.reason is not None

    def halt(self, state: State, reason: str, retry_after: float | None = None) -> None:
        """End the pass. Undecided records wait: with state `ready` for the next pass, else for the destination."""
        self.state, self.reason, self.retry_after = state, reason, retry_after

    def resume(self) -> None:
        """Undo `halt`."""
        self.state, self.reason, self.retry_after = "ready", None, None

    def decided(self) -> int:
        """Return how many records are settled."""
        return len(self.delivered) + len(self.skipped) + len(self.expired) + len(self.dead)

    def undecided(self) -> list[int]:
        """Return the records that are neither settled nor held."""
        done = {*self.delivered, *self.skipped, *self.expired, *self.dead, *self.held}
        return [each.seq for each in self.waiting if each.seq not in done]

    def ack(self, waiting: Mapping[int, str], opened: Mapping[int, Open]) -> Ack:
        """Return the ack of the batch; the cursor passes all records that it had not passed."""
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
        without = Counter(contents.SENT_WITHOUT for seq in self.delivered if seq in self.without_content)
        repaired = Counter(what for seq in self.delivered for what in self.repaired.get(seq, ()))
        in_doubt = Counter(f"{BY_THE_ANSWER}: {message}" for message in self.in_doubt.values())
        content_removed = Counter(self.content_removed[seq] for seq in self.delivered if seq in self.content_removed)
        return without + repaired + content_removed + in_doubt

    def restart(self, seqs: Container[int]) -> None:
        """Continue with the records `seqs` alone, after the others were entered."""
        self.entered += self.decided()
        self.waiting = [each for each in self.waiting if each.seq in seqs]
        self.delivered, self.skipped, self.expired, self.dead, self.held = [], {}, {}, {}, {}
        self.marked = True
