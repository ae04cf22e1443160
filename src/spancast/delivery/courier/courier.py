"""Brings what waits in the outbox to one destination.

Constraints: a lock allows one courier per destination at a time, among all processes; a failing destination delays no
other, since each has its own thread; the results of a batch and the cursor are committed in one transaction. Recovery:
the spans of a courier that dies before it commits keep waiting (see `doubt` for those that the platform may have). The
outbox holds the failures of a destination, so that all processes pause together.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from spancast.base import guard
from spancast.base.deadline import Deadline
from spancast.base.folders import private
from spancast.base.locks import held_if_free
from spancast.base.urls import origin
from spancast.contract import Exporter, Sink, Span, Traits
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.doubt import Doubt
from spancast.delivery.courier.pacing import Pacing
from spancast.delivery.courier.preparation import Preparation
from spancast.delivery.courier.sending import Sender
from spancast.delivery.http import backoff
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel
from spancast.delivery.outbox.ack import Ack, Open
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination, LateCost
from spancast.destinations.discover import exporter_name
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import cost_comes_soon, cost_may_come
from spancast.records.record import SpanRecord

PASS_SECONDS = 30.0
"""For one pass."""
BUSY_SECONDS = 1.0
"""Until the next attempt at a destination that another process is serving."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The result of a pass."""

    decided: int = 0
    """Records delivered, skipped, expired or dead."""
    more: bool = False
    """Whether more records may be ready to send now."""
    wait: float | None = None
    """Seconds until another pass may help; `None` if only a new record or other settings will."""


class Courier:
    """Serves one destination. Not thread-safe, unless a method says so."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        destination: Destination,
        exporter: Exporter | Sink,
        outbox: Outbox,
        to_span: Callable[[SpanRecord, Content | None], Span],
        home: Path,
        *,
        expects: Callable[[Call], bool] = cost_comes_soon,
    ) -> None:
        """Serve `destination` from `outbox`; `expects` tells whether the cost of a call may still arrive."""
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
        self._pacing = Pacing(traits.max_spans)
        self._stopped = False
        self._registered = False

    def register(self) -> None:
        """Enter the destination in the outbox, once; the first pass does the same. Thread-safe."""
        if not self._registered:
            endpoint = self.destination.endpoint
            shown = None if endpoint is None else origin(endpoint)
            self._outbox.register(self.name, exporter_name(self.destination), shown)
            self._registered = True

    def deliver_once(self, deadline: Deadline) -> Pass:
        """Send one batch; start no request after `deadline`. A failure of the platform raises nothing."""
        private(self._lock.parent)
        with held_if_free(self._lock) as held:
            if not held:
                return Pass(wait=BUSY_SECONDS)
            return self._pass(Allowance(deadline, lambda: self._stopped, full_timeout=self._doubt.counts_duplicates))

    def round(self) -> float | None:
        """Do passes until nothing more can be sent now; return the seconds until there may be more."""
        while not self._stopped:
            done = self.deliver_once(Deadline(PASS_SECONDS))
            if not done.more:
                return done.wait
        return None

    def rests(self, until: Deadline) -> bool:
        """Whether nothing will be sent to the destination until then. Thread-safe."""
        return self._pacing.rests_until >= until.at

    def is_silent(self, seconds: float) -> bool:
        """Whether a request has waited this long for a reply, and may be sent again without harm. Thread-safe."""
        return self._channel.in_flight_seconds() > seconds and not self._doubt.counts_duplicates

    def stop(self) -> None:
        """Start no further request; the current pass ends after the current one. Thread-safe."""
        self._stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()

    def _pass(self, allowance: Allowance) -> Pass:
        self.register()
        hold = self._outbox.hold(self.name)
        rest = self._pacing.rest(hold)
        if rest is not None:
            return Pass(wait=rest or None)
        failures = 0 if hold is None else hold.failures
        limit = self._pacing.limit(failures)
        waiting = self._outbox.take(self.name, limit)
        if not waiting:
            return Pass(wait=self._next_release())
        self._pacing.started()
        fitting, contents = self._preparation.load_content(waiting)
        batch = Batch(fitting)
        self._send(batch, contents, allowance, failures)
        done = self._enter(batch, failures, is_full=len(waiting) == limit or len(fitting) < len(waiting))
        return done if done.more or done.wait is not None else replace(done, wait=self._next_release())

    def _next_release(self) -> float | None:
        """Return the seconds until the next wait of a record for its cost or content ends."""
        until = self._outbox.next_release(self.name)
        return None if until is None else max(0.0, until - time.time())

    def _send(self, batch: Batch, contents: Mapping[str, Content], allowance: Allowance, failures: int) -> None:
        """Send the batch; note in it what became of each record."""
        items = self._preparation.items(batch, contents, self._doubt.is_ambiguous)
        items = [*self._resolve_doubt(batch, contents, allowance), *items]
        if not items or batch.halted:
            return
        if self._doubt.counts_duplicates:
            self._mark(batch, items)
        if failures >= backoff.BREAKER_FAILURES:
            self._sender.probe(batch, items, allowance)
        else:
            self._sender.send(batch, items, allowance)

    def _resolve_doubt(self, batch: Batch, contents: Mapping[str, Content], allowance: Allowance) -> list[Item]:
        """Find out about records that the platform may have; return the items that it does not have."""
        doubtful = [(each, each.call) for each in batch.waiting if each.call and self._doubt.is_ambiguous(each)]
        if not self._doubt.can_read_back:
            self._doubt.mark_ambiguous(batch, [each.seq for each, _ in doubtful])
            return []
        items = [self._preparation.items_of(batch, each, call, contents.get(call.call_id)) for each, call in doubtful]
        return self._doubt.resolve(batch, [item for group in items for item in group], allowance)

    def _mark(self, batch: Batch, items: list[Item]) -> None:
        """Enter that the spans are about to be sent, and what is decided already; the cursor passes all of them."""
        waiting, held = self._doubt.in_flight_entries(items)
        batch.held |= held
        self._outbox.ack(self.name, batch.ack(waiting, self._open_costs(batch)))
        batch.restart({item.seq for item in items})

    def _enter(self, batch: Batch, failures: int, *, is_full: bool) -> Pass:
        """Enter what became of the batch; return when to continue. More records may wait after a full batch."""
        undecided = batch.undecided()
        hold = self._pacing.next_hold(batch, failures)
        has_news = batch.marked or len(undecided) < len(batch.waiting)
        reason = _NOT_TRIED if batch.state == "ready" else batch.reason or _NOT_TRIED
        ack = batch.ack(dict.fromkeys(undecided, reason), self._open_costs(batch)) if has_news else Ack()
        if batch.halted or batch.answered:
            ack = replace(ack, state=batch.state, reason=batch.reason, hold=hold)
        self._outbox.ack(self.name, ack)
        self._warn(batch, len(undecided))
        decided = batch.entered + batch.decided()
        wait = None if hold is None else hold.length
        return Pass(decided, more=batch.state == "ready" and (is_full or bool(undecided)), wait=wait)

    def _open_costs(self, batch: Batch) -> dict[int, Open]:
        """Return the delivered records whose cost may still arrive."""
        sent = {each.seq: each.call for each in batch.waiting}
        calls = ((seq, sent[seq]) for seq in batch.delivered)
        return {
            seq: Open(self._late_cost, call)
            for seq, call in calls
            if isinstance(call, Call) and (cost_may_come(call) or self._expects(call))
        }

    def _warn(self, batch: Batch, waiting: int) -> None:
        if batch.state == "parked":
            guard.warn(
                f"{self.name} parked",
                "%s is parked (%s); %d calls wait on disk. Correct its credential, or its certificate, and restart.",
                self.name,
                batch.reason,
                waiting,
            )
        if batch.dead:
            seq, why = next(iter(batch.dead.items()))
            guard.warn(
                f"{self.name} dead",
                "%s: %d calls cannot be delivered (%s). `spancast destinations` shows them by reason.",
                self.name,
                len(batch.dead),
                batch.in_doubt.get(seq, why),
            )


_NOT_TRIED = "not tried yet"
_LATE_COST: Mapping[Literal["upsert", "ignored", "duplicates"], LateCost] = {
    "upsert": "update",
    "ignored": "hold",
    "duplicates": "hold",
}
"""What is done with a late cost by default, by what the platform does with a span that is sent twice.

A sink is not in the table: it reports what it has stored, so nothing is resent in doubt, but it stores what it gets
twice.
"""
