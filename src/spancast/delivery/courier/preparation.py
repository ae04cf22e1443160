"""What is decided about records before any request, and the spans of the other records."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from spancast.base import guard
from spancast.base.cache import WeightedCache
from spancast.base.units import NS_PER_SECOND
from spancast.broadcast.policy import FILTERED_OUT, Policy
from spancast.broadcast.rooting import rooted
from spancast.broadcast.shape import Shaped, Shaper
from spancast.contract import Span, Traits
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.sizes import weight
from spancast.delivery.otlp import Once
from spancast.delivery.outbox import contents, late_costs
from spancast.delivery.outbox.ack import RecordWait
from spancast.delivery.outbox.outbox import Outbox, Waiting
from spancast.destinations.destination import Destination, LateCost
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.record import SpanRecord

TOO_OLD = "older than the platform takes"
UNREADABLE = "unreadable record"
CLOCK_TOLERANCE_SECONDS = 1.0
"""By how much a time may lie in the future without a clock having been set back."""
MAX_CONTENT_BYTES = 2 * 1024 * 1024
"""Of content in memory at a time; a call that has more is sent alone."""

_ShapeKey = tuple[bool, str | None, tuple[tuple[str, str], ...], str]
"""Everything that shapes a span for a destination without `redact`."""
_shape_keys: dict[_ShapeKey, _ShapeKey] = {}
"""Interned, so that equal keys of several destinations have the same `id`."""
_shaped_spans = WeightedCache[tuple[int, int], tuple[SpanRecord, Content | None, Shaped]](4 * MAX_CONTENT_BYTES)
"""By the ids of a record and of a shape: the record and the content, for comparison by identity, and the span."""


class Preparation:
    """Prepares the records of one destination."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        destination: Destination,
        traits: Traits,
        outbox: Outbox,
        to_span: Callable[[SpanRecord, Content | None], Span],
        *,
        late_cost: LateCost,
        expects: Callable[[Call], bool],
    ) -> None:
        self._destination = destination
        self._traits = traits
        self._late_cost = late_cost
        self._outbox = outbox
        self._to_span = to_span
        self._policy = Policy(destination)
        self._shaper = Shaper(destination)
        metadata = tuple(destination.metadata.items())
        key = destination.privacy, destination.environment, metadata, destination.spans
        self._shape_key = id(_shape_keys.setdefault(key, key))
        self._expects = expects
        self._clock_offset = time.time() - _elapsed()

    def load_content(self, waiting: Sequence[Waiting]) -> tuple[Sequence[Waiting], Mapping[str, Content]]:
        """Return as many of the records as fit with their content, and that content, by call id.

        No content is loaded for a private destination.
        """
        with_content = {each.call.call_id: each.seq for each in waiting if each.call is not None and each.call.content}
        if self._destination.privacy or not with_content:
            return waiting, {}
        loaded, left_out = self._outbox.content(list(with_content), MAX_CONTENT_BYTES)
        if left_out is None:
            return waiting, loaded
        until = next(number for number, each in enumerate(waiting) if each.seq == with_content[left_out])
        return waiting[:until], loaded

    def items(self, batch: Batch, loaded: Mapping[str, Content], doubtful: Callable[[Waiting], bool]) -> list[Item]:
        """Decide the records that need no request; return the spans of the others, except of `doubtful` ones."""
        items = []
        for each in batch.waiting:
            if each.call is None:
                batch.dead[each.seq] = UNREADABLE
            elif not doubtful(each) and self._is_sent(batch, each, each.call, loaded):
                items += self.items_of(batch, each, each.call, loaded.get(each.call.call_id))
        return items

    def items_of(self, batch: Batch, each: Waiting, call: SpanRecord, content: Content | None) -> list[Item]:
        """Return the span of a record; nothing if it cannot become a span, and is dead."""
        try:
            shaped = self._shaped(call, content)
        except Exception as error:  # noqa: BLE001 - one bad record must not delay the others
            name = self._destination.name
            guard.log_failure(f"{name} span", "%s: a record cannot become a span; other records are still sent.", name)
            batch.dead[each.seq] = f"no span: {type(error).__name__}"
            return []
        if call.content and content is None and not self._destination.privacy:
            batch.without_content.add(each.seq)
        if shaped.withheld is not None:
            batch.content_removed[each.seq] = f"{contents.SENT_WITHOUT}: {shaped.withheld}"
        batch.repaired[each.seq] = shaped.done
        return [Item(each.seq, shaped.span)]

    def _shaped(self, call: SpanRecord, content: Content | None) -> Shaped:
        """Return the span of a record, which destinations with the same shape key share."""
        if self._destination.redact is not None or not self._outbox.is_shared:
            return self._new(call, content)
        key = id(call), self._shape_key
        cached = _shaped_spans.get(key)
        if cached is not None and cached[0] is call and cached[1] is content:
            return cached[2]
        shaped = self._new(call, content)
        shaped = replace(shaped, span=replace(shaped.span, encoder=Once(shaped.span.encoder)))
        _shaped_spans.put(key, (call, content, shaped), weight(shaped.span))
        return shaped

    def _new(self, call: SpanRecord, content: Content | None) -> Shaped:
        shaped = self._shaper.shaped(self._to_span(call, content))
        span = rooted(self._destination, shaped.span, call)
        return shaped if span is shaped.span else replace(shaped, span=span)

    def _is_sent(self, batch: Batch, each: Waiting, call: SpanRecord, loaded: Mapping[str, Content]) -> bool:
        """Whether a record is sent now; if not, note why in the batch."""
        reason = self._policy.skip_reason(call)
        if reason is not None and not (reason == FILTERED_OUT and self._cost_decides(each, call)):
            batch.skipped[each.seq] = reason
        elif self._too_old(call):
            batch.expired[each.seq] = TOO_OLD
        elif (wait := self._wait(each, call, loaded)) is not None:
            batch.held[each.seq] = wait
        else:
            return True
        return False

    def _too_old(self, call: SpanRecord) -> bool:
        """Whether the platform would refuse the call because of its age.

        The age is the smaller one of two clocks, so that a wall clock that is set ahead makes no call too old.
        """
        limit, now = self._traits.max_age, min(time.time(), self._clock_offset + _elapsed())
        return limit is not None and now - call.started_at / NS_PER_SECOND > limit

    def _cost_decides(self, each: Waiting, call: SpanRecord) -> bool:
        """Whether a filter needs the cost of a call that may still arrive."""
        return self._policy.waits_for_cost and self._cost_may_come(each, call)

    def _cost_may_come(self, each: Waiting, call: SpanRecord) -> bool:
        return isinstance(call, Call) and _waited(each) < late_costs.HOLD_SECONDS and self._expects(call)

    def _wait(self, each: Waiting, call: SpanRecord, loaded: Mapping[str, Content]) -> RecordWait | None:
        """Return the wait of a record for its cost or its content; `None` if it does not wait."""
        if (self._late_cost == "hold" and self._cost_may_come(each, call)) or self._cost_decides(each, call):
            return RecordWait(_received_at(each) + late_costs.HOLD_SECONDS, late_costs.COST_EXPECTED)
        is_missing = call.content and call.call_id not in loaded and not self._destination.privacy
        return (
            RecordWait(_received_at(each) + contents.HOLD_SECONDS, contents.EXPECTED)
            if is_missing and _waited(each) < contents.HOLD_SECONDS
            else None
        )


def _received_at(each: Waiting) -> float:
    return min(each.received_at, time.time())


def _waited(each: Waiting) -> float:
    """Return the seconds that a record has waited for its cost or content.

    If it was received in the future, since the clock was set back, one wait is enough.
    """
    is_in_future = each.received_at > time.time() + CLOCK_TOLERANCE_SECONDS
    has_waited = each.reason in (late_costs.COST_EXPECTED, contents.EXPECTED)
    return math.inf if is_in_future and has_waited else time.time() - _received_at(each)


def _elapsed() -> float:
    """Return seconds of a clock that nobody sets; on Linux it includes the time that the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
