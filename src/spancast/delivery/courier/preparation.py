"""What is decided of records before any request, and the spans of the others."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from spancast.base import guard
from spancast.base.shared import Shared
from spancast.broadcast.policy import FILTERED_OUT, Policy
from spancast.broadcast.rooting import rooted
from spancast.broadcast.shape import Shaped, Shaper
from spancast.contract import Span, Traits
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.sizes import weight
from spancast.delivery.otlp import Once
from spancast.delivery.outbox import contents, late_costs
from spancast.delivery.outbox.ack import Held
from spancast.delivery.outbox.outbox import Outbox, Waiting
from spancast.destinations.destination import Destination, LateCost
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.record import Sent

TOO_OLD = "older than the platform takes"
UNREADABLE = "unreadable record"
_CLOCKS_DIFFER = 1.0
"""Seconds by which a record may seem to come from the future without a clock having been set."""
ROOM = 2 * 1024 * 1024
"""Bytes of words in memory at a time; one call that has more is sent alone."""

_Wish = tuple[bool, str | None, tuple[tuple[str, str], ...], str]
"""All that shapes a span for a destination that redacts nothing."""
_wishes: dict[_Wish, _Wish] = {}
"""One of each, so that those of several destinations are told apart by their `id`."""
_made: Shared[tuple[int, int], tuple[Sent, Content | None, Shaped]] = Shared(4 * ROOM)
"""What destinations of the same wish are sent, with the very record and the very words that it was made of."""


class Preparation:
    """Of one destination."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        destination: Destination,
        traits: Traits,
        outbox: Outbox,
        to_span: Callable[[Sent, Content | None], Span],
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
        said = tuple(destination.metadata.items())
        wish = destination.privacy, destination.environment, said, destination.spans
        self._wish = id(_wishes.setdefault(wish, wish))
        self._expects = expects
        self._beginning = time.time() - _elapsed()

    def words(self, waiting: Sequence[Waiting]) -> tuple[Sequence[Waiting], Mapping[str, Content]]:
        """Return as many of the records as there is room for with their words, and these words.

        Nothing of them is loaded for a destination in private.
        """
        spoken = {each.call.call_id: each.seq for each in waiting if each.call is not None and each.call.content}
        if self._destination.privacy or not spoken:
            return waiting, {}
        words, left_out = self._outbox.words(list(spoken), ROOM)
        if left_out is None:
            return waiting, words
        until = next(number for number, each in enumerate(waiting) if each.seq == spoken[left_out])
        return waiting[:until], words

    def items(self, batch: Batch, words: Mapping[str, Content], doubtful: Callable[[Waiting], bool]) -> list[Item]:
        """Decide what needs no platform for that; return the spans of the others, without those that are `doubtful`."""
        items = []
        for each in batch.waiting:
            if each.call is None:
                batch.dead[each.seq] = UNREADABLE
            elif not doubtful(each) and self._travels(batch, each, each.call, words):
                items += self.made(batch, each, each.call, words.get(each.call.call_id))
        return items

    def made(self, batch: Batch, each: Waiting, call: Sent, words: Content | None) -> list[Item]:
        """Return the span of a record; none where it makes none, and is dead."""
        try:
            shaped = self._shaped(call, words)
        except Exception as error:  # noqa: BLE001 - one bad record must not hold up its neighbours
            name = self._destination.name
            guard.failed(f"{name} span", "%s: a record makes no span; the others go on.", name)
            batch.dead[each.seq] = f"no span: {type(error).__name__}"
            return []
        if call.content and words is None and not self._destination.privacy:
            batch.wordless.add(each.seq)
        if shaped.withheld is not None:
            batch.stripped[each.seq] = f"{contents.SENT_WITHOUT}: {shaped.withheld}"
        batch.mended[each.seq] = shaped.done
        return [Item(each.seq, shaped.span)]

    def _shaped(self, call: Sent, words: Content | None) -> Shaped:
        """Return the span of a record; the very same for each destination of this wish, where there are several."""
        if self._destination.redact is not None or not self._outbox.is_shared:
            return self._new(call, words)
        key = id(call), self._wish
        made = _made.get(key)
        if made is not None and made[0] is call and made[1] is words:
            return made[2]
        shaped = self._new(call, words)
        shaped = replace(shaped, span=replace(shaped.span, encoder=Once(shaped.span.encoder)))
        _made.keep(key, (call, words, shaped), weight(shaped.span))
        return shaped

    def _new(self, call: Sent, words: Content | None) -> Shaped:
        shaped = self._shaper.shaped(self._to_span(call, words))
        span = rooted(self._destination, shaped.span, call)
        return shaped if span is shaped.span else replace(shaped, span=span)

    def _travels(self, batch: Batch, each: Waiting, call: Sent, words: Mapping[str, Content]) -> bool:
        reason = self._policy.unwanted(call)
        if reason is not None and not (reason == FILTERED_OUT and self._cost_decides(each, call)):
            batch.skipped[each.seq] = reason
        elif self._too_old(call):
            batch.expired[each.seq] = TOO_OLD
        elif (held := self._waits(each, call, words)) is not None:
            batch.held[each.seq] = held
        else:
            return True
        return False

    def _too_old(self, call: Sent) -> bool:
        """Whether a platform would refuse the call for its age, by the clock of today and by that of our beginning.

        A clock that was set a day ahead in between makes nothing old.
        """
        limit = self._traits.max_age
        return limit is not None and min(time.time(), self._beginning + _elapsed()) - call.started_at / 1e9 > limit

    def _cost_decides(self, each: Waiting, call: Sent) -> bool:
        """Whether a filter asks for the cost of a call, and that is still to come."""
        return self._policy.waits_for_cost and self._cost_may_come(each, call)

    def _cost_may_come(self, each: Waiting, call: Sent) -> bool:
        return isinstance(call, Call) and _waited(each) < late_costs.HOLD and self._expects(call)

    def _waits(self, each: Waiting, call: Sent, words: Mapping[str, Content]) -> Held | None:
        """Return what a record waits for, its cost or its words; `None` where it does not wait."""
        if (self._late_cost == "hold" and self._cost_may_come(each, call)) or self._cost_decides(each, call):
            return Held(_came_at(each) + late_costs.HOLD, late_costs.COST_EXPECTED)
        wanted = call.content and call.call_id not in words and not self._destination.privacy
        return (
            Held(_came_at(each) + contents.HOLD, contents.EXPECTED)
            if wanted and _waited(each) < contents.HOLD
            else None
        )


def _came_at(each: Waiting) -> float:
    return min(each.came_at, time.time())


def _waited(each: Waiting) -> float:
    """Return the seconds for which a record has waited for something of its own.

    Where it came after now, for the clock was set back, it has waited enough when it was held once.
    """
    from_the_future = each.came_at > time.time() + _CLOCKS_DIFFER
    was_held = each.reason in (late_costs.COST_EXPECTED, contents.EXPECTED)
    return math.inf if from_the_future and was_held else time.time() - _came_at(each)


def _elapsed() -> float:
    """Return seconds of a clock that nobody sets, and that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
