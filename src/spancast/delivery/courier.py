"""Brings what waits in the outbox to one destination.

Constraints: one courier a destination at a time, among all processes, by lock; a failing destination costs no other
anything, for each has its own thread; what was decided and how far it got are entered in one transaction. Recovery: a
courier that dies before it could enter what became of a request leaves its spans waiting. Where a platform would count
a span twice (`resend: "duplicates"`), the spans are noted as on their way before they go; found so, they are dead as
`ambiguous`, for `replay` to send when their owner knows better.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from spancast import guard
from spancast.broadcast import policy
from spancast.call import Call
from spancast.content import Content
from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Rejected,
    Retry,
    Sink,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
)
from spancast.delivery import backoff, belated, wire, worded
from spancast.delivery.accounts import State
from spancast.delivery.ack import Ack, Held, Hold, Open
from spancast.delivery.discover import exporter_name
from spancast.delivery.outbox import Outbox, Waiting
from spancast.destination import Destination, LateCost
from spancast.folders import private
from spancast.late import comes_soon, may_come
from spancast.locks import FileLock

PASS = 30.0
"""Seconds that one pass may take."""
BUSY = 1.0
"""Seconds until a destination is looked at again that another process is serving."""
ON_ITS_WAY = "on its way"
AMBIGUOUS = "ambiguous"
TOO_OLD = "older than the platform takes"
UNREADABLE = "unreadable record"
LEFT_OUT = "left out by the exporter"

_SPLITS = 64
"""How often the spans of one pass are split; a platform that refuses more is asked again later."""
_REFUSALS = 16
"""Requests refused whole, and none taken, after which the rest of a pass is taken for refused, too: more than it takes
to find one bad span among 512."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass came to."""

    decided: int = 0
    """Records delivered, skipped, expired or dead."""
    more: bool = False
    """Whether more may wait that can be sent at once."""
    wait: float | None = None
    """Seconds until another pass may help; `None` until something new is recorded, or the settings change."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A span under way, and the record it was made of."""

    seq: int
    span: Span


@dataclass(slots=True)
class _Batch:
    """The records of a pass, and what has become of them so far."""

    waiting: Sequence[Waiting]
    delivered: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    expired: dict[int, str] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    wordless: set[int] = field(default_factory=set)
    """Records whose words are not there and not waited for any more."""
    """Records that wait for their cost, and the Unix time in seconds until when."""
    marked: bool = False
    """Whether the spans were noted as on their way."""
    entered: int = 0
    """Records decided and entered before the first request."""
    answered: bool = False
    """Whether the platform said something of use."""
    splits: int = 0
    refusals: int = 0
    state: State = "ready"
    reason: str | None = None
    """Why the pass ended before all was decided."""
    asked: float | None = None
    """Seconds that the platform asked to wait."""

    @property
    def halted(self) -> bool:
        return self.reason is not None

    def halt(self, state: State, reason: str, asked: float | None = None) -> None:
        self.state, self.reason, self.asked = state, reason, asked

    def decided(self) -> int:
        return len(self.delivered) + len(self.skipped) + len(self.expired) + len(self.dead)

    def undecided(self) -> list[int]:
        done = {*self.delivered, *self.skipped, *self.expired, *self.dead, *self.held}
        return [each.seq for each in self.waiting if each.seq not in done]

    def entry(self, waiting: Mapping[int, str], opened: Mapping[int, Open]) -> Ack:
        """Return what is to be entered of the batch, with the cursor behind all of it."""
        return Ack(
            cursor=max(each.seq for each in self.waiting),
            delivered=tuple(self.delivered),
            opened=opened,
            skipped=self.skipped,
            expired=self.expired,
            dead=self.dead,
            waiting=waiting,
            held=self.held,
            wordless=len(self.wordless.intersection(self.delivered)),
        )

    def begin_anew(self, seqs: Container[int]) -> None:
        """Go on with the records of `seqs` alone, after the others were entered."""
        self.entered += self.decided()
        self.waiting = [each for each in self.waiting if each.seq in seqs]
        self.skipped, self.expired, self.dead, self.held, self.marked = {}, {}, {}, {}, True


class Courier:
    """Serves one destination. Not for several threads at once."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        destination: Destination,
        exporter: Exporter | Sink,
        outbox: Outbox,
        to_span: Callable[[Call, Content | None], Span],
        home: Path,
        *,
        expects: Callable[[Call], bool] = comes_soon,
    ) -> None:
        """Serve `destination` from `outbox`; `expects` says of a call whether its cost is on the way."""
        self.destination = destination
        self.name = destination.name
        self._exporter = exporter
        self._traits = exporter.traits if isinstance(exporter, Exporter) else Traits(resend="upsert")
        self._late_cost: LateCost = destination.late_cost or _LATE_COST[self._traits.resend]
        self._expects = expects
        self._outbox = outbox
        self._to_span = to_span
        self._lock = home / "destinations" / f"{quote(destination.name, safe='')}.lock"
        self._wire = wire.Wire()
        self._failures = 0
        self._parked = False
        self._tried = False
        self._too_large = self._traits.max_bytes + 1
        """The bytes of the smallest request that the platform found too large."""
        self._stopped = False
        self._registered = False
        with suppress(OSError, sqlite3.Error):  # a disk that is not well now is asked again by the first pass
            self._register()

    def deliver_once(self, deadline: float) -> Pass:
        """Send one batch of what waits; `deadline` is in seconds of `time.monotonic`. Never raises for the platform."""
        private(self._lock.parent)
        lock = FileLock(self._lock)
        if not lock.acquire():
            return Pass(wait=BUSY)
        try:
            return self._pass(deadline)
        finally:
            lock.release()

    def round(self) -> float | None:
        """Do passes until nothing more can be sent now; return the seconds until that may change."""
        while not self._stopped:
            done = self.deliver_once(time.monotonic() + PASS)
            if not done.more:
                return done.wait
        return None

    def stop(self) -> None:
        """Begin no further request; a pass under way ends after the one it is at."""
        self._stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _register(self) -> None:
        if not self._registered:
            endpoint = _without_secret(self.destination.endpoint)
            self._outbox.register(self.name, exporter_name(self.destination), endpoint)
            self._registered = True

    def _pass(self, deadline: float) -> Pass:
        self._register()
        held = self._held()
        if self._parked or held > 0:
            return Pass(wait=held or None)
        waiting = self._outbox.take(self.name, self._traits.max_spans)
        if not waiting:
            return Pass(wait=self._next_release())
        self._tried = True
        batch = _Batch(waiting)
        items = self._prepare(batch)
        if items:
            self._send_all(batch, items, deadline)
        done = self._enter(batch, full=len(waiting) == self._traits.max_spans)
        return done if done.more or done.wait is not None else replace(done, wait=self._next_release())

    def _held(self) -> float:
        """Return the seconds that the destination is to be left alone.

        A courier's first pass waits only for what the platform asked for: whoever starts anew may have mended things.
        """
        hold = self._outbox.hold(self.name)
        if hold is None or not (hold.asked or self._tried):
            return 0.0
        left = hold.until - time.time()
        return left if 0.0 < left <= backoff.LONGEST_ASKED + backoff.BASE else 0.0

    def _next_release(self) -> float | None:
        """Return the seconds for which the next record waits for its cost."""
        until = self._outbox.next_release(self.name)
        return None if until is None else min(max(0.0, until - time.time()), belated.HOLD)

    def _prepare(self, batch: _Batch) -> list[_Item]:
        """Decide what needs no platform for that; return the spans of the others."""
        items: list[_Item] = []
        words = self._words(batch.waiting)
        for each in batch.waiting:
            call = each.call
            if call is None:
                batch.dead[each.seq] = UNREADABLE
            elif each.reason == ON_ITS_WAY and self._traits.resend == "duplicates":
                batch.dead[each.seq] = AMBIGUOUS
            elif (reason := policy.wants(self.destination, call)) is not None:
                batch.skipped[each.seq] = reason
            elif self._too_old(call):
                batch.expired[each.seq] = TOO_OLD
            elif (held := self._waits(each, call, words)) is not None:
                batch.held[each.seq] = held
            else:
                self._make(batch, items, each, call, words.get(call.call_id))
        return items

    def _too_old(self, call: Call) -> bool:
        limit = self._traits.max_age
        return limit is not None and time.time_ns() - call.started_at > limit * 1e9

    def _waits(self, each: Waiting, call: Call, words: Mapping[str, Content]) -> Held | None:
        """Return what a record waits for, its cost or its words; `None` where it does not wait."""
        now = time.time()
        came_at = min(each.came_at, now)
        if self._late_cost == "hold" and now < came_at + belated.HOLD and self._expects(call):
            return Held(came_at + belated.HOLD, belated.COST_EXPECTED)
        wanted = call.content and call.call_id not in words and not self.destination.privacy
        return Held(came_at + worded.HOLD, worded.EXPECTED) if wanted and now < came_at + worded.HOLD else None

    def _words(self, waiting: Sequence[Waiting]) -> Mapping[str, Content]:
        """Return the words of the calls that have some; nothing of them is loaded for a destination in private."""
        calls = [each.call for each in waiting if each.call is not None]
        spoken = [] if self.destination.privacy else [call.call_id for call in calls if call.content]
        return self._outbox.words(spoken) if spoken else {}

    def _make(self, batch: _Batch, items: list[_Item], each: Waiting, call: Call, words: Content | None) -> None:
        try:
            items.append(_Item(each.seq, self._to_span(call, words)))
        except Exception as error:  # noqa: BLE001 - one bad record must not hold up its neighbours
            self._complain("a record that makes no span")
            batch.dead[each.seq] = f"no span: {type(error).__name__}"
        if call.content and words is None and not self.destination.privacy:
            batch.wordless.add(each.seq)

    def _send_all(self, batch: _Batch, items: list[_Item], deadline: float) -> None:
        if self._traits.resend == "duplicates":
            self._mark(batch, items)
        groups = deque([items])
        while groups and not batch.halted:
            if self._out_of_time(deadline):
                return
            groups.extendleft(reversed(self._send(batch, groups.popleft(), deadline)))

    def _mark(self, batch: _Batch, items: list[_Item]) -> None:
        """Note the spans as on their way, and enter what is decided already: the cursor moves across all of them."""
        on_their_way = dict.fromkeys((item.seq for item in items), ON_ITS_WAY)
        self._outbox.ack(self.name, batch.entry(on_their_way, {}))
        batch.begin_anew({item.seq for item in items})

    def _out_of_time(self, deadline: float) -> bool:
        return self._stopped or time.monotonic() >= deadline

    def _send(self, batch: _Batch, items: list[_Item], deadline: float) -> list[list[_Item]]:
        """Send the spans; return those that are to be sent again, in smaller groups."""
        if isinstance(self._exporter, Exporter):
            return self._sent(batch, self._exporter, items, deadline)
        return self._written(batch, self._exporter, items)

    def _sent(self, batch: _Batch, exporter: Exporter, items: list[_Item], deadline: float) -> list[list[_Item]]:
        try:
            encoded = exporter.encode([item.span for item in items], datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("encode()")
            return _taken_apart(batch, items, f"not encoded: {type(error).__name__}")
        by_id = _by_id(items)
        carried = {span_id for each in encoded for span_id in each.span_ids}
        batch.skipped |= {item.seq: LEFT_OUT for item in items if item.span.span_id not in carried}
        again: list[list[_Item]] = []
        for each in encoded:
            mine = [item for span_id in dict.fromkeys(each.span_ids) for item in by_id.get(span_id, ())]
            if batch.halted or self._out_of_time(deadline):
                break
            if mine:
                again += self._post(batch, exporter, each, mine, deadline)
        return again

    def _written(self, batch: _Batch, sink: Sink, items: list[_Item]) -> list[list[_Item]]:
        try:
            verdict = sink.write([item.span for item in items])
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("write()")
            return _taken_apart(batch, items, f"not written: {type(error).__name__}")
        return self._settle(batch, items, verdict)

    def _post(
        self, batch: _Batch, exporter: Exporter, encoded: Encoded, items: list[_Item], deadline: float
    ) -> list[list[_Item]]:
        size = len(encoded.request.body)
        if size >= self._too_large and len(items) > 1:
            return _halves(items)
        try:
            reply = self._wire.post(encoded.request, min(wire.PATIENCE, deadline - time.monotonic()))
        except wire.Unsent as error:
            return self._settle(batch, items, Retry(str(error)))
        except wire.Ambiguous as error:
            return self._doubt(batch, items, str(error))
        if reply.status == 413 and len(items) > 1:  # noqa: PLR2004 - Content Too Large
            self._too_large = min(self._too_large, size)
        try:
            verdict = exporter.judge(encoded, reply)
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("judge()")
            return self._doubt(batch, items, f"not judged: {type(error).__name__}")
        return self._settle(batch, items, verdict)

    def _doubt(self, batch: _Batch, items: list[_Item], reason: str) -> list[list[_Item]]:
        """Settle a request that the platform may have: send it again only where that does no harm."""
        if self._traits.resend == "duplicates":
            batch.dead |= {item.seq: AMBIGUOUS for item in items}
        return self._settle(batch, items, Retry(reason))

    def _settle(self, batch: _Batch, items: list[_Item], verdict: Verdict) -> list[list[_Item]]:
        batch.answered |= not isinstance(verdict, Retry)
        match verdict:
            case Delivered():
                batch.delivered += [item.seq for item in items]
                batch.refusals = 0
            case Rejected(reasons):
                return self._rejected(batch, items, reasons)
            case Split(reason):
                batch.splits += 1
                if batch.splits <= _SPLITS:
                    return _taken_apart(batch, items, reason)
                batch.halt("retrying", reason)
            case Retry(reason, after):
                batch.halt("retrying", reason, after)
            case Unauthorized(reason):
                batch.halt("parked", reason)
        return []

    def _rejected(self, batch: _Batch, items: list[_Item], reasons: Mapping[str, str]) -> list[list[_Item]]:
        """Believe what is said of each span; a request refused whole is taken apart, for one bad span may be why."""
        refused_whole = len(set(reasons.values())) == 1 and all(item.span.span_id in reasons for item in items)
        batch.refusals += refused_whole
        if refused_whole and len(items) > 1 and batch.refusals <= _REFUSALS:
            return _halves(items)
        for item in items:
            why = reasons.get(item.span.span_id)
            if why is None:
                batch.delivered.append(item.seq)
            else:
                batch.dead[item.seq] = why
        return []

    def _enter(self, batch: _Batch, *, full: bool) -> Pass:
        """Enter what became of the batch, and say when to go on; after a `full` one more may wait."""
        left = batch.undecided()
        wait = self._next_wait(batch)
        moved = batch.marked or len(left) < len(batch.waiting)
        reason = batch.reason or "not tried yet"
        entry = batch.entry(dict.fromkeys(left, reason), self._opened(batch)) if moved else Ack()
        if batch.halted or batch.answered:
            hold = None if wait is None else Hold(time.time() + wait, asked=batch.asked is not None)
            entry = replace(entry, state=batch.state, reason=batch.reason, hold=hold)
        self._outbox.ack(self.name, entry)
        self._tell(batch, len(left))
        decided = batch.entered + batch.decided()
        return Pass(decided, more=not batch.halted and (full or bool(left)), wait=wait)

    def _opened(self, batch: _Batch) -> dict[int, Open]:
        """Return the delivered records whose cost may still come."""
        sent = {each.seq: each.call for each in batch.waiting}
        calls = ((seq, sent[seq]) for seq in batch.delivered)
        return {
            seq: Open(self._late_cost, call.cost)
            for seq, call in calls
            if call is not None and (may_come(call) or self._expects(call))
        }

    def _next_wait(self, batch: _Batch) -> float | None:
        """Return the seconds until the next request may be tried; `None` when nothing forbids it, or nothing helps."""
        if batch.state != "retrying":
            self._parked = batch.state == "parked"
            self._failures = 0
            return None
        self._failures = 1 if batch.delivered else self._failures + 1
        return backoff.wait(self._failures) if batch.asked is None else backoff.asked(batch.asked)

    def _tell(self, batch: _Batch, left: int) -> None:
        name = self.name
        if batch.state == "parked":
            guard.once_a_minute(
                f"{name} parked",
                "%s refuses its credential (%s); %d calls wait on disk. Set the right one and start again.",
                name,
                batch.reason,
                left,
            )
        if batch.dead:
            guard.once_a_minute(
                f"{name} dead",
                "%s: %d calls cannot be delivered (%s). See spancast destinations.",
                name,
                len(batch.dead),
                next(iter(batch.dead.values())),
            )

    def _complain(self, what: str) -> None:
        guard.once_a_minute(
            f"{self.name} {what}",
            "%s: %s failed; the other calls go on.",
            self.name,
            what,
            exc_info=True,
        )


_LATE_COST: Mapping[Literal["upsert", "duplicates"], LateCost] = {"upsert": "update", "duplicates": "hold"}
"""What is done with a late cost where the destination does not say, by what a platform makes of a span sent twice."""


def _taken_apart(batch: _Batch, items: list[_Item], reason: str) -> list[list[_Item]]:
    """Return the halves of a group that cannot go as it is; a span that cannot go alone is dead."""
    if len(items) > 1:
        return _halves(items)
    batch.dead[items[0].seq] = reason
    return []


def _halves(items: list[_Item]) -> list[list[_Item]]:
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def _by_id(items: Sequence[_Item]) -> dict[str, list[_Item]]:
    found: dict[str, list[_Item]] = {}
    for item in items:
        found.setdefault(item.span.span_id, []).append(item)
    return found


def _without_secret(endpoint: str | None) -> str | None:
    """Return the endpoint as it may be written down: what is not its scheme, host and port may be a key."""
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
