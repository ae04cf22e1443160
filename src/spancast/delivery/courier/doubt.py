"""Spans that a platform may have or not: their request was sent, but no reply says whether it was accepted.

A platform that deduplicates spans is sent them again. One that would count them twice is asked whether it has them, as
often as it takes, if it can be asked; otherwise they are dead as `ambiguous`, and their owner can `replay` them. Spans
are entered as on their way before they are sent, so that the death of this process hides no doubt.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from spancast.base import guard
from spancast.contract import Exporter, ReadBack, Reply, Retry, Sink, Traits, Unauthorized, retry_after
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.http import wire
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel, Denied
from spancast.delivery.outbox.ack import AMBIGUOUS, ON_ITS_WAY, RecordWait
from spancast.delivery.outbox.outbox import Waiting

RETRY_SECONDS = 15.0
"""The shortest time until a platform that could not tell is asked again."""


class Doubt:
    """The spans in doubt of one destination."""

    def __init__(self, name: str, exporter: Exporter | Sink, traits: Traits, channel: Channel) -> None:
        self._name = name
        self._counts_duplicates = traits.resend == "duplicates"
        self._reader = exporter if isinstance(exporter, ReadBack) else None
        self._visible_after = traits.visible_after
        self._channel = channel

    @property
    def counts_duplicates(self) -> bool:
        """Whether the platform would count a span twice that is sent twice."""
        return self._counts_duplicates

    @property
    def can_read_back(self) -> bool:
        """Whether the platform can be asked what it has."""
        return self._reader is not None

    def is_ambiguous(self, each: Waiting) -> bool:
        """Whether the platform may have a waiting record."""
        return self._counts_duplicates and each.reason in (ON_ITS_WAY, AMBIGUOUS)

    def in_flight_entries(self, items: Sequence[Item]) -> tuple[Mapping[int, str], Mapping[int, RecordWait]]:
        """Return what to enter about spans before they are sent: the reasons, or the limited waits, by `seq`."""
        if self._reader is None:
            return dict.fromkeys((item.seq for item in items), ON_ITS_WAY), {}
        until = time.time() + wire.TIMEOUT_SECONDS + self._visible_after
        return {}, {item.seq: RecordWait(until, ON_ITS_WAY) for item in items}

    def mark_ambiguous(self, batch: Batch, seqs: Sequence[int]) -> None:
        """Note in the batch that the platform may have these records."""
        if not self._counts_duplicates:
            return
        batch.doubted = True
        if self._reader is None:
            batch.dead |= dict.fromkeys(seqs, AMBIGUOUS)
        else:
            batch.held |= self._later(seqs, self._visible_after)

    def resolve(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> list[Item]:
        """Ask the platform which of the spans it has; return those that it does not have, to be sent again."""
        if self._reader is None or not items or batch.halted or allowance.expired:
            return []
        found = self._read_back(batch, self._reader, items, allowance)
        unknown = [item.seq for item in items if item.span.span_id not in found]
        batch.held |= self._later(unknown, max(RETRY_SECONDS, self._visible_after))
        batch.delivered += [item.seq for item in items if found.get(item.span.span_id) is True]
        return [item for item in items if found.get(item.span.span_id) is False]

    def _read_back(
        self, batch: Batch, reader: ReadBack, items: Sequence[Item], allowance: Allowance
    ) -> Mapping[str, bool]:
        """Return by span id whether the platform has each span, as far as it tells; halt the batch if it refuses."""
        spans = [item.span for item in items]
        try:
            reply = self._channel.post(reader.read_back(spans, datetime.now(UTC)), allowance)
            refusal = _refusal(reply)
            if refusal is None:
                return reader.found(spans, reply)
        except (wire.Unsent, wire.Ambiguous) as error:
            refusal = Retry(str(error))
        except Denied as error:
            refusal = error.verdict
        except Exception:  # noqa: BLE001 - an exporter's failure must not end the pass; nothing is known then
            redact = self._channel.secrets.redact
            message = "%s: read_back() failed; its spans wait."
            guard.log_failure(f"{self._name} read_back", message, self._name, redact=redact)
            return {}
        if isinstance(refusal, Retry):
            batch.halt("retrying", refusal.reason, refusal.after)
        else:
            batch.halt("parked", refusal.reason)
        return {}

    def _later(self, seqs: Sequence[int], seconds: float) -> Mapping[int, RecordWait]:
        until = time.time() + seconds
        return {seq: RecordWait(until, AMBIGUOUS) for seq in seqs}


def _refusal(reply: Reply) -> Retry | Unauthorized | None:
    """Return the verdict on a reply that does not answer the question; `None` if the exporter should read it."""
    reason = f"HTTP {reply.status}"
    if reply.status in (401, 403):
        return Unauthorized(reason)
    if reply.status in (408, 429) or reply.status >= 500:  # noqa: PLR2004 - the class of server errors
        return Retry(reason, retry_after(reply))
    return None
