"""Spans to a platform, and what it says of them: taken apart where it does not take them all."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from spancast.base import guard
from spancast.broadcast.hierarchy import with_spans_between
from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Rejected,
    Reply,
    Retry,
    Sink,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
    retry_after,
)
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.doubt import Doubt
from spancast.delivery.courier.sizes import Sizes, halves, parts
from spancast.delivery.http import wire
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel, Denied
from spancast.delivery.outbox import contents
from spancast.delivery.outbox.ack import Held

LEFT_OUT = "left out by the exporter"
TOO_LARGE = "larger than the platform takes"
ASIDE = 600.0
"""Seconds for which a span is set aside on which alone the platform fails."""

_SPLITS = 64
"""How often the spans of one pass are split; a platform that refuses more is asked again later."""
_REFUSALS = 16
"""Requests refused whole, and none taken, after which the rest of a pass is taken for refused, too: more than it takes
to find one bad span among 512."""
_CONTENT_TOO_LARGE = 413
_SERVER_ERROR = 500

Groups = list[list[Item]]
"""Spans that are still to be sent, by request."""


class Sender:
    """Of one destination. Not for several threads at once."""

    def __init__(self, name: str, exporter: Exporter | Sink, traits: Traits, channel: Channel, doubt: Doubt) -> None:
        self._name = name
        self._exporter = exporter
        self._channel = channel
        self._doubt = doubt
        self._sizes = Sizes(traits)
        self._splits = 0
        self._refusals = 0
        self._status: int | None = None
        """Of the last answer; `None` where there was none."""

    def send(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send the spans, until the batch is halted or the time is over."""
        self._splits = self._refusals = 0
        groups = deque([[*items]] if items else [])
        while groups and not batch.halted and not allowance.over:
            groups.extendleft(reversed(self._sent(batch, groups.popleft(), allowance)))

    def probe(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send the first span to a platform that has failed for a while, and the others when it fails on that one.

        What it answers with 500, and again behind others that it takes, is set aside, so that it does not hold them up
        for ever.
        """
        first, others = items[:1], items[1:]
        self.send(batch, first, allowance)
        if not batch.halted:
            self.send(batch, others, allowance)
        elif others and self._status == _SERVER_ERROR:
            batch.resume()
            self.send(batch, others, allowance)
            if not batch.halted and batch.delivered and not any(_is_doubted(batch, item) for item in first):
                self._try_again(batch, first, allowance)

    def _try_again(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send what failed once more, now that others have passed; set it aside where it still fails."""
        self.send(batch, items, allowance)
        if batch.halted and self._status == _SERVER_ERROR:
            until, reason = time.time() + ASIDE, f"{batch.reason} to this one alone"
            batch.resume()
            batch.held |= {item.seq: Held(until, reason) for item in items}

    def _sent(self, batch: Batch, items: list[Item], allowance: Allowance) -> Groups:
        """Send the spans; return those that are to be sent again, in smaller groups."""
        self._status = None
        if isinstance(self._exporter, Exporter):
            return self._posted(batch, self._exporter, items, allowance)
        return self._written(batch, self._exporter, items)

    def _posted(self, batch: Batch, exporter: Exporter, items: list[Item], allowance: Allowance) -> Groups:
        spans = [*with_spans_between(item.span for item in items)]
        if len(spans) > exporter.traits.max_spans and len(items) > 1:
            return halves(items)
        try:
            encoded = exporter.encode(spans, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("encode()")
            return self._apart(batch, items, f"not encoded: {type(error).__name__}", contents.NOT_ENCODED)
        by_id = _by_id(items)
        carried = {span_id for each in encoded for span_id in each.span_ids}
        batch.skipped |= {item.seq: LEFT_OUT for item in items if item.span.span_id not in carried}
        again: Groups = []
        for each in encoded:
            mine = [item for span_id in dict.fromkeys(each.span_ids) for item in by_id.get(span_id, ())]
            if batch.halted or allowance.over:
                break
            if mine:
                again += self._post(batch, exporter, each, mine, allowance)
        return again

    def _written(self, batch: Batch, sink: Sink, items: list[Item]) -> Groups:
        try:
            with self._channel.under_way():
                verdict = sink.write([*with_spans_between(item.span for item in items)])
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("write()")
            return self._apart(batch, items, f"not written: {type(error).__name__}", None)
        return self._settled(batch, items, verdict)

    def _post(
        self, batch: Batch, exporter: Exporter, encoded: Encoded, items: list[Item], allowance: Allowance
    ) -> Groups:
        size = len(encoded.request.body)
        if self._sizes.too_large(size, len(items)):
            return self._apart(batch, items, TOO_LARGE, contents.TOO_LARGE)
        try:
            reply = self._channel.post(encoded.request, allowance)
        except wire.Untrusted as error:
            batch.halt("parked", str(error))
            return []
        except wire.Unsent as error:
            return self._settled(batch, items, Retry(str(error)))
        except wire.Ambiguous as error:
            return self._doubted(batch, items, str(error))
        except Denied as error:
            return self._settled(batch, items, error.verdict)
        self._status = reply.status
        if reply.status == _CONTENT_TOO_LARGE:
            self._sizes.refused(size, len(items))
        return self._judged(batch, exporter, encoded, items, reply)

    def _judged(self, batch: Batch, exporter: Exporter, encoded: Encoded, items: list[Item], reply: Reply) -> Groups:
        try:
            verdict = exporter.judge(encoded, reply)
        except Exception as error:  # noqa: BLE001 - the exporter's fault is its own
            self._complain("judge()")
            return self._doubted(batch, items, f"not judged: {type(error).__name__}")
        may_have_some = self._doubt.matters and 200 <= reply.status < 300  # noqa: PLR2004 - the class of success
        if may_have_some and isinstance(verdict, Split):
            return self._taken_in_part(batch, items, verdict)
        if may_have_some and isinstance(verdict, Retry) and verdict.doubtful:
            self._note(batch, items, verdict)
        if isinstance(verdict, Retry) and verdict.after is None:
            verdict = replace(verdict, after=retry_after(reply))
        return self._settled(batch, items, verdict)

    def _taken_in_part(self, batch: Batch, items: list[Item], verdict: Split) -> Groups:
        """Settle a request of which the platform took some, and does not say which.

        The platform works, so that nothing waits for it; but what is left goes one by one at first, for of a span that
        is alone its answer says all.
        """
        self._doubt.raised(batch, [item.seq for item in items])
        batch.answered = True
        batch.halt("ready", self._note(batch, items, verdict))
        return []

    def _note(self, batch: Batch, items: list[Item], verdict: Split | Retry) -> str:
        """Keep what a platform said that leaves spans in doubt; return it."""
        said = self._channel.secrets.out_of(verdict.reason)
        batch.in_doubt |= dict.fromkeys((item.seq for item in items), said)
        return said

    def _doubted(self, batch: Batch, items: list[Item], reason: str) -> Groups:
        """Settle a request that the platform may have: send it again only where that does no harm."""
        return self._settled(batch, items, Retry(reason, doubtful=True))

    def _settled(self, batch: Batch, items: list[Item], verdict: Verdict) -> Groups:
        if isinstance(verdict, Retry) and verdict.doubtful:
            self._doubt.raised(batch, [item.seq for item in items])
        batch.answered |= not isinstance(verdict, Retry)
        match self._channel.secrets.out_of_verdict(verdict):
            case Delivered():
                batch.delivered += [item.seq for item in items]
                self._refusals = 0
            case Rejected(reasons):
                return self._rejected(batch, items, reasons)
            case Split(reason):
                self._splits += 1
                if self._splits <= _SPLITS:
                    return self._apart(batch, items, reason, contents.TOO_LARGE)
                batch.halt("retrying", reason)
            case Retry(reason, after):
                batch.halt("retrying", reason, after)
            case Unauthorized(reason):
                batch.halt("parked", reason)
        return []

    def _rejected(self, batch: Batch, items: list[Item], reasons: Mapping[str, str]) -> Groups:
        """Believe what is said of each span; a request refused whole is taken apart, for one bad span may be why."""
        refused_whole = len(set(reasons.values())) == 1 and all(item.span.span_id in reasons for item in items)
        self._refusals += refused_whole
        if refused_whole and len(items) > 1 and self._refusals <= _REFUSALS:
            return halves(items)
        for item in items:
            why = reasons.get(item.span.span_id)
            if why is None:
                batch.delivered.append(item.seq)
            else:
                batch.dead[item.seq] = why
        return []

    def _apart(self, batch: Batch, items: list[Item], reason: str, without: str | None) -> Groups:
        """Return the parts of a group that cannot go as it is.

        One span is offered without its words, where `without` says that this may help; then it is dead.
        """
        if len(items) > 1:
            return parts(items)
        (item,) = items
        if item.span.content and without is not None:
            batch.stripped[item.seq] = without
            return [[Item(item.seq, _without_words(item.span))]]
        batch.dead[item.seq] = reason
        return []

    def _complain(self, what: str) -> None:
        shown = self._channel.secrets.out_of
        guard.failed(f"{self._name} {what}", "%s: %s failed; the other calls go on.", self._name, what, shown=shown)


def _is_doubted(batch: Batch, item: Item) -> bool:
    """Whether the platform may have a span all the same, so that it is not to be sent again now."""
    return item.seq in batch.held or item.seq in batch.dead


def _without_words(span: Span) -> Span:
    return replace(span, content={})


def _by_id(items: Sequence[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.span.span_id, []).append(item)
    return found
