"""Brings what waits in the outbox to one destination.

Constraints: one courier a destination at a time, among all processes, by lock; a failing destination costs no other
anything, for each has its own thread; what was decided and how far it got are entered in one transaction. Recovery: a
courier that dies before it could enter what became of a request leaves its spans waiting (`doubt` says what of those
that the platform may have). How a destination failed is in the outbox, so that all processes leave it alone together.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from spancast.base import clock, guard
from spancast.base.deadline import Deadline
from spancast.base.folders import private
from spancast.base.locks import FileLock
from spancast.contract import Exporter, Sink, Span, Traits
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.doubt import Doubt
from spancast.delivery.courier.preparation import Preparation
from spancast.delivery.courier.sending import Sender
from spancast.delivery.http import backoff
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel
from spancast.delivery.outbox.ack import Ack, Hold, Open
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination, LateCost
from spancast.destinations.discover import exporter_name
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import comes_soon, may_come
from spancast.records.record import Sent

PASS = 30.0
"""Seconds that one pass may take."""
BUSY = 1.0
"""Seconds until a destination is looked at again that another process is serving."""
PARKED = 300.0
"""Seconds for which a destination is left alone that refuses its credential. A new process tries at once: whoever
starts anew may have mended things."""

_GROWTH = 8
"""How many times as many spans are tried after a request that passed, when one before it has failed."""
_SECOND_SPAN = 3
"""Each so many failures a probe has a second span, for it may be the first that makes the platform fail."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass came to."""

    decided: int = 0
    """Records delivered, skipped, expired or dead."""
    more: bool = False
    """Whether more may wait that can be sent at once."""
    wait: float | None = None
    """Seconds until another pass may help; `None` until something new is recorded, or the settings change."""


class Courier:
    """Serves one destination. Not for several threads at once."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        destination: Destination,
        exporter: Exporter | Sink,
        outbox: Outbox,
        to_span: Callable[[Sent, Content | None], Span],
        home: Path,
        *,
        expects: Callable[[Call], bool] = comes_soon,
    ) -> None:
        """Serve `destination` from `outbox`; `expects` says of a call whether its cost is on the way."""
        self.destination = destination
        self.name = destination.name
        traits = exporter.traits if isinstance(exporter, Exporter) else Traits(resend="upsert")
        usual: LateCost = _LATE_COST[traits.resend] if isinstance(exporter, Exporter) else "hold"
        self._late_cost: LateCost = destination.late_cost or usual
        self._expects = expects
        self._outbox = outbox
        outbox.serve(self.name)
        self._lock = home / "destinations" / f"{quote(destination.name, safe='')}.lock"
        self._channel = Channel(exporter)
        self._doubt = Doubt(self.name, exporter, traits, self._channel)
        self._preparation = Preparation(
            destination, traits, outbox, to_span, late_cost=self._late_cost, expects=expects
        )
        self._sender = Sender(self.name, exporter, traits, self._channel, self._doubt)
        self._most = self._window = traits.max_spans
        self._own_hold: Hold | None = None
        self._held_until = self._parked_until = self._rests_until = 0.0
        """Seconds of `clock.now`: a clock that is set shortens or stretches no wait."""
        self._tried = False
        self._stopped = False
        self._registered = False

    def register(self) -> None:
        """Enter the destination in the outbox, where it is not yet; the first pass does, too. For any thread."""
        if not self._registered:
            endpoint = _without_secret(self.destination.endpoint)
            self._outbox.register(self.name, exporter_name(self.destination), endpoint)
            self._registered = True

    def deliver_once(self, deadline: Deadline) -> Pass:
        """Send one batch of what waits; begin no request after `deadline`. Never raises for the platform."""
        private(self._lock.parent)
        lock = FileLock(self._lock)
        if not lock.acquire():
            return Pass(wait=BUSY)
        try:
            return self._pass(Allowance(deadline, lambda: self._stopped, whole=self._doubt.matters))
        finally:
            lock.release()

    def round(self) -> float | None:
        """Do passes until nothing more can be sent now; return the seconds until that may change."""
        while not self._stopped:
            done = self.deliver_once(Deadline(PASS))
            if not done.more:
                return done.wait
        return None

    def rests(self, until: Deadline) -> bool:
        """Whether the destination is left alone until then. For any thread."""
        return self._rests_until >= until.at

    def is_silent(self, seconds: float) -> bool:
        """Whether a request has had no answer for so long, and to miss that leaves no doubt. For any thread."""
        return self._channel.waited() > seconds and not self._doubt.matters

    def stop(self) -> None:
        """Begin no further request; a pass under way ends after the one it is at."""
        self._stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()

    def _pass(self, allowance: Allowance) -> Pass:
        self.register()
        hold = self._outbox.hold(self.name)
        now, left = clock.now(), self._left_of(hold)
        self._rests_until = max(self._parked_until, now + left)
        if self._rests_until > now:
            return Pass(wait=left or None)
        failures = 0 if hold is None else hold.failures
        limit = self._limit(failures)
        waiting = self._outbox.take(self.name, limit)
        if not waiting:
            return Pass(wait=self._next_release())
        self._tried = True
        fitting, words = self._preparation.words(waiting)
        batch = Batch(fitting)
        self._send(batch, words, allowance, failures)
        done = self._enter(batch, failures, full=len(waiting) == limit or len(fitting) < len(waiting))
        return done if done.more or done.wait is not None else replace(done, wait=self._next_release())

    def _left_of(self, hold: Hold | None) -> float:
        """Return the seconds that the destination is to be left alone.

        A courier's first pass waits only for what the platform asked for, and between two probes of a breaker that is
        open: whoever starts anew may have mended things.
        """
        if hold is None:
            return 0.0
        if hold == self._own_hold:
            return max(0.0, self._held_until - clock.now())
        now = time.time()
        left = hold.until - now if now >= hold.begun - _CLOCKS_DIFFER else 0.0
        if not self._tried and not hold.asked:
            opens = hold.begun + min(backoff.PROBE, backoff.CAP) if hold.failures >= backoff.OPENS else now
            left = min(left, opens - now)
        return max(0.0, left)

    def _limit(self, failures: int) -> int:
        """Return how many records a pass takes: where the breaker is open one is enough to know how things are."""
        if failures < backoff.OPENS:
            return self._window
        return 2 if failures % _SECOND_SPAN == 0 else 1

    def _next_release(self) -> float | None:
        """Return the seconds for which the next record waits for something of its own."""
        until = self._outbox.next_release(self.name)
        return None if until is None else max(0.0, until - time.time())

    def _send(self, batch: Batch, words: Mapping[str, Content], allowance: Allowance, failures: int) -> None:
        """Decide what becomes of the batch, as far as can be known now."""
        items = self._preparation.items(batch, words, self._doubt.hangs_over)
        items = [*self._after_doubt(batch, words, allowance), *items]
        if not items or batch.halted:
            return
        if self._doubt.matters:
            self._mark(batch, items)
        if failures >= backoff.OPENS:
            self._sender.probe(batch, items, allowance)
        else:
            self._sender.send(batch, items, allowance)

    def _after_doubt(self, batch: Batch, words: Mapping[str, Content], allowance: Allowance) -> list[Item]:
        """Settle what the platform may have; return what it has not."""
        doubtful = [(each, each.call) for each in batch.waiting if each.call and self._doubt.hangs_over(each)]
        if not self._doubt.can_be_settled:
            self._doubt.raised(batch, [each.seq for each, _ in doubtful])
            return []
        made = [self._preparation.made(batch, each, call, words.get(call.call_id)) for each, call in doubtful]
        return self._doubt.settled(batch, [item for items in made for item in items], allowance)

    def _mark(self, batch: Batch, items: list[Item]) -> None:
        """Note the spans as on their way, and enter what is decided already: the cursor moves across all of them."""
        waiting, held = self._doubt.noted(items)
        batch.held |= held
        self._outbox.ack(self.name, batch.entry(waiting, self._opened(batch)))
        batch.begin_anew({item.seq for item in items})

    def _enter(self, batch: Batch, failures: int, *, full: bool) -> Pass:
        """Enter what became of the batch, and say when to go on; after a `full` one more may wait."""
        left = batch.undecided()
        hold = self._next_hold(batch, failures)
        moved = batch.marked or len(left) < len(batch.waiting)
        reason = _NOT_TRIED if batch.state == "ready" else batch.reason or _NOT_TRIED
        entry = batch.entry(dict.fromkeys(left, reason), self._opened(batch)) if moved else Ack()
        if batch.halted or batch.answered:
            entry = replace(entry, state=batch.state, reason=batch.reason, hold=hold)
        self._outbox.ack(self.name, entry)
        self._tell(batch, len(left))
        decided = batch.entered + batch.decided()
        wait = None if hold is None else hold.length
        return Pass(decided, more=batch.state == "ready" and (full or bool(left)), wait=wait)

    def _opened(self, batch: Batch) -> dict[int, Open]:
        """Return the delivered records whose cost may still come."""
        sent = {each.seq: each.call for each in batch.waiting}
        calls = ((seq, sent[seq]) for seq in batch.delivered)
        return {
            seq: Open(self._late_cost, call)
            for seq, call in calls
            if isinstance(call, Call) and (may_come(call) or self._expects(call))
        }

    def _next_hold(self, batch: Batch, failures: int) -> Hold | None:
        """Return until when the next request is not to be tried; `None` when nothing forbids it, or nothing helps."""
        self._own_hold = None
        if batch.state == "ready":
            if batch.halted:
                self._window = 1
            elif batch.delivered:
                self._window = min(self._window * _GROWTH, self._most)
            return None
        if batch.state == "parked":
            self._rests_until = self._parked_until = clock.now() + PARKED
            return None
        failures = 1 if batch.delivered else failures + 1
        if failures >= backoff.OPENS or batch.doubted:
            self._window = 1
        length = backoff.rest(failures, batch.asked)
        self._rests_until = self._held_until = clock.now() + length
        self._own_hold = Hold(time.time() + length, batch.asked is not None, length, failures)
        return self._own_hold

    def _tell(self, batch: Batch, left: int) -> None:
        if batch.state == "parked":
            guard.once_a_minute(
                f"{self.name} parked",
                "%s is parked (%s); %d calls wait on disk. Set its credential right, or what proves who it is, and "
                "start again.",
                self.name,
                batch.reason,
                left,
            )
        if batch.dead:
            seq, why = next(iter(batch.dead.items()))
            guard.once_a_minute(
                f"{self.name} dead",
                "%s: %d calls cannot be delivered (%s). See spancast destinations.",
                self.name,
                len(batch.dead),
                batch.in_doubt.get(seq, why),
            )


_NOT_TRIED = "not tried yet"
_CLOCKS_DIFFER = 1.0
"""Seconds by which a hold may seem to begin in the future; one that does by more was begun before a clock was set."""
_LATE_COST: Mapping[Literal["upsert", "ignored", "duplicates"], LateCost] = {
    "upsert": "update",
    "ignored": "hold",
    "duplicates": "hold",
}
"""What is done with a late cost where the destination does not say, by what a platform makes of a span sent twice.

A sink says what it has taken, so that nothing is sent twice in doubt; but what it is sent twice it has twice.
"""


def _without_secret(endpoint: str | None) -> str | None:
    """Return the endpoint as it may be written down: what is not its scheme, host and port may be a key."""
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
