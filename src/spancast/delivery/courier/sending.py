"""Sending spans to a platform, and acting on its verdict: a batch that it does not accept is split."""

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
from spancast.delivery.outbox.ack import RecordWait

LEFT_OUT = "left out by the exporter"
TOO_LARGE = "larger than the platform takes"
SET_ASIDE_SECONDS = 600.0
"""How long a span is held back if the platform fails on it alone."""

_MAX_SPLITS = 64
"""Splits in one pass; a platform that asks for more is tried again later."""
_MAX_REFUSALS = 16
"""Requests in a row that are rejected as a whole; after that, the rest of the pass counts as rejected, too. Finding one
bad span among 512 takes fewer."""
_CONTENT_TOO_LARGE = 413
_SERVER_ERROR = 500

Groups = list[list[Item]]
"""Spans that are still to be sent, one list per request."""


class Sender:
    """Sends the spans of one destination. Not thread-safe."""

    def __init__(self, name: str, exporter: Exporter | Sink, traits: Traits, channel: Channel, doubt: Doubt) -> None:
        self._name = name
        self._exporter = exporter
        self._channel = channel
        self._doubt = doubt
        self._sizes = Sizes(traits)
        self._splits = 0
        self._refusals = 0
        self._status: int | None = None
        """The HTTP status of the last reply; `None` without one."""

    def send(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send the spans, until the batch is halted or the allowance has expired."""
        self._splits = self._refusals = 0
        groups = deque([[*items]] if items else [])
        while groups and not batch.halted and not allowance.expired:
            groups.extendleft(reversed(self._send_group(batch, groups.popleft(), allowance)))

    def probe(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send the first span to a platform that has failed repeatedly, and the others if it fails on that one.

        A span that gets HTTP 500, and again after the platform has accepted others, is held back, so that it does not
        block them for ever.
        """
        first, others = items[:1], items[1:]
        self.send(batch, first, allowance)
        if not batch.halted:
            self.send(batch, others, allowance)
        elif others and self._status == _SERVER_ERROR:
            batch.resume()
            self.send(batch, others, allowance)
            if not batch.halted and batch.delivered and not any(_is_in_doubt(batch, item) for item in first):
                self._retry_alone(batch, first, allowance)

    def _retry_alone(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> None:
        """Send the failed span once more, now that others were accepted; hold it back if it still fails."""
        self.send(batch, items, allowance)
        if batch.halted and self._status == _SERVER_ERROR:
            until, reason = time.time() + SET_ASIDE_SECONDS, f"{batch.reason} to this one alone"
            batch.resume()
            batch.held |= {item.seq: RecordWait(until, reason) for item in items}

    def _send_group(self, batch: Batch, items: list[Item], allowance: Allowance) -> Groups:
        """Send the spans; return those that have to be sent again, in smaller groups."""
        self._status = None
        if isinstance(self._exporter, Exporter):
            return self._post_spans(batch, self._exporter, items, allowance)
        return self._write(batch, self._exporter, items)

    def _post_spans(self, batch: Batch, exporter: Exporter, items: list[Item], allowance: Allowance) -> Groups:
        spans = [*with_spans_between(item.span for item in items)]
        if len(spans) > exporter.traits.max_spans and len(items) > 1:
            return halves(items)
        try:
            encoded = exporter.encode(spans, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - an exporter's failure must not end the pass
            self._log_failure("encode()")
            return self._split(batch, items, f"not encoded: {type(error).__name__}", contents.NOT_ENCODED)
        by_id = _by_id(items)
        encoded_ids = {span_id for each in encoded for span_id in each.span_ids}
        batch.skipped |= {item.seq: LEFT_OUT for item in items if item.span.span_id not in encoded_ids}
        again: Groups = []
        for each in encoded:
            sent = [item for span_id in dict.fromkeys(each.span_ids) for item in by_id.get(span_id, ())]
            if batch.halted or allowance.expired:
                break
            if sent:
                again += self._post(batch, exporter, each, sent, allowance)
        return again

    def _write(self, batch: Batch, sink: Sink, items: list[Item]) -> Groups:
        try:
            with self._channel.in_flight():
                verdict = sink.write([*with_spans_between(item.span for item in items)])
        except Exception as error:  # noqa: BLE001 - an exporter's failure must not end the pass
            self._log_failure("write()")
            return self._split(batch, items, f"not written: {type(error).__name__}", None)
        return self._apply(batch, items, verdict)

    def _post(
        self, batch: Batch, exporter: Exporter, encoded: Encoded, items: list[Item], allowance: Allowance
    ) -> Groups:
        size = len(encoded.request.body)
        if self._sizes.too_large(size, len(items)):
            return self._split(batch, items, TOO_LARGE, contents.TOO_LARGE)
        try:
            reply = self._channel.post(encoded.request, allowance)
        except wire.Untrusted as error:
            batch.halt("parked", str(error))
            return []
        except wire.Unsent as error:
            return self._apply(batch, items, Retry(str(error)))
        except wire.Ambiguous as error:
            return self._apply_doubt(batch, items, str(error))
        except Denied as error:
            return self._apply(batch, items, error.verdict)
        self._status = reply.status
        if reply.status == _CONTENT_TOO_LARGE:
            self._sizes.refused(size, len(items))
        return self._judge(batch, exporter, encoded, items, reply)

    def _judge(self, batch: Batch, exporter: Exporter, encoded: Encoded, items: list[Item], reply: Reply) -> Groups:
        try:
            verdict = exporter.judge(encoded, reply)
        except Exception as error:  # noqa: BLE001 - an exporter's failure must not end the pass
            self._log_failure("judge()")
            return self._apply_doubt(batch, items, f"not judged: {type(error).__name__}")
        is_success = 200 <= reply.status < 300  # noqa: PLR2004 - the class of success
        may_have_some = self._doubt.counts_duplicates and is_success
        if may_have_some and isinstance(verdict, Split):
            return self._apply_partial_success(batch, items, verdict)
        if may_have_some and isinstance(verdict, Retry) and verdict.doubtful:
            self._note(batch, items, verdict)
        if isinstance(verdict, Retry) and verdict.after is None:
            verdict = replace(verdict, after=retry_after(reply))
        return self._apply(batch, items, verdict)

    def _apply_partial_success(self, batch: Batch, items: list[Item], verdict: Split) -> Groups:
        """Act on a request of which the platform accepted some spans without saying which.

        The platform works, so the destination is not held; but the next spans are sent one by one at first, since the
        reply about a single span is unambiguous.
        """
        self._doubt.mark_ambiguous(batch, [item.seq for item in items])
        batch.answered = True
        batch.halt("ready", self._note(batch, items, verdict))
        return []

    def _note(self, batch: Batch, items: list[Item], verdict: Split | Retry) -> str:
        """Note the platform's message that leaves these spans in doubt, and return it."""
        message = self._channel.secrets.redact(verdict.reason)
        batch.in_doubt |= dict.fromkeys((item.seq for item in items), message)
        return message

    def _apply_doubt(self, batch: Batch, items: list[Item], reason: str) -> Groups:
        """Act on a request that the platform may have: it is sent again only if that does no harm."""
        return self._apply(batch, items, Retry(reason, doubtful=True))

    def _apply(self, batch: Batch, items: list[Item], verdict: Verdict) -> Groups:
        if isinstance(verdict, Retry) and verdict.doubtful:
            self._doubt.mark_ambiguous(batch, [item.seq for item in items])
        batch.answered |= not isinstance(verdict, Retry)
        match self._channel.secrets.redact_verdict(verdict):
            case Delivered():
                batch.delivered += [item.seq for item in items]
                self._refusals = 0
            case Rejected(reasons):
                return self._apply_rejection(batch, items, reasons)
            case Split(reason):
                self._splits += 1
                if self._splits <= _MAX_SPLITS:
                    return self._split(batch, items, reason, contents.TOO_LARGE)
                batch.halt("retrying", reason)
            case Retry(reason, after):
                batch.halt("retrying", reason, after)
            case Unauthorized(reason):
                batch.halt("parked", reason)
        return []

    def _apply_rejection(self, batch: Batch, items: list[Item], reasons: Mapping[str, str]) -> Groups:
        """Act on a verdict per span. A request that is rejected as a whole is split: one bad span may be the cause."""
        is_rejected_whole = len(set(reasons.values())) == 1 and all(item.span.span_id in reasons for item in items)
        self._refusals += is_rejected_whole
        if is_rejected_whole and len(items) > 1 and self._refusals <= _MAX_REFUSALS:
            return halves(items)
        for item in items:
            why = reasons.get(item.span.span_id)
            if why is None:
                batch.delivered.append(item.seq)
            else:
                batch.dead[item.seq] = why
        return []

    def _split(self, batch: Batch, items: list[Item], reason: str, without: str | None) -> Groups:
        """Return the parts of a group that cannot be sent as it is.

        A single span is sent without its content if `without` says that this may help; after that, it is dead.
        """
        if len(items) > 1:
            return parts(items)
        (item,) = items
        if item.span.content and without is not None:
            batch.content_removed[item.seq] = without
            return [[Item(item.seq, _without_content(item.span))]]
        batch.dead[item.seq] = reason
        return []

    def _log_failure(self, what: str) -> None:
        guard.log_failure(
            f"{self._name} {what}",
            "%s: %s failed; other calls are still sent.",
            self._name,
            what,
            redact=self._channel.secrets.redact,
        )


def _is_in_doubt(batch: Batch, item: Item) -> bool:
    """Whether the platform may have a span after all, so that it must not be sent again now."""
    return item.seq in batch.held or item.seq in batch.dead


def _without_content(span: Span) -> Span:
    return replace(span, content={})


def _by_id(items: Sequence[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.span.span_id, []).append(item)
    return found
