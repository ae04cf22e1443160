"""Spans that a platform may have or not: their request went out, and no answer came that says so.

Where the platform makes one of two, they are sent again. Where it would count them twice, it is asked whether it has
them, if it can be asked, as often as it takes; else they are dead as `ambiguous`, for `replay` to send when their owner
knows better. So that a death of this process leaves no doubt unseen, spans are noted as on their way before they go.
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
from spancast.delivery.outbox.ack import AMBIGUOUS, ON_ITS_WAY, Held
from spancast.delivery.outbox.outbox import Waiting

AGAIN = 15.0
"""Seconds until a platform is asked again that could not tell, at least."""


class Doubt:
    """Of one destination."""

    def __init__(self, name: str, exporter: Exporter | Sink, traits: Traits, channel: Channel) -> None:
        self._name = name
        self._matters = traits.resend == "duplicates"
        self._reader = exporter if isinstance(exporter, ReadBack) else None
        self._visible_after = traits.visible_after
        self._channel = channel

    @property
    def matters(self) -> bool:
        """Whether a span that is sent twice would count twice."""
        return self._matters

    @property
    def can_be_settled(self) -> bool:
        """Whether the platform can be asked what it has."""
        return self._reader is not None

    def hangs_over(self, each: Waiting) -> bool:
        """Whether the platform may have a record that waits."""
        return self._matters and each.reason in (ON_ITS_WAY, AMBIGUOUS)

    def noted(self, items: Sequence[Item]) -> tuple[Mapping[int, str], Mapping[int, Held]]:
        """Return what is to be entered of spans that are about to go: why they wait, and until when at most."""
        if self._reader is None:
            return dict.fromkeys((item.seq for item in items), ON_ITS_WAY), {}
        until = time.time() + wire.PATIENCE + self._visible_after
        return {}, {item.seq: Held(until, ON_ITS_WAY) for item in items}

    def raised(self, batch: Batch, seqs: Sequence[int]) -> None:
        """Enter that the platform may have these records."""
        if not self._matters:
            return
        batch.doubted = True
        if self._reader is None:
            batch.dead |= dict.fromkeys(seqs, AMBIGUOUS)
        else:
            batch.held |= self._later(seqs, self._visible_after)

    def settled(self, batch: Batch, items: Sequence[Item], allowance: Allowance) -> list[Item]:
        """Ask the platform which of the spans it has; return those that it has not, to be sent again."""
        if self._reader is None or not items or batch.halted or allowance.over:
            return []
        found = self._asked(batch, self._reader, items, allowance)
        unknown = [item.seq for item in items if item.span.span_id not in found]
        batch.held |= self._later(unknown, max(AGAIN, self._visible_after))
        batch.delivered += [item.seq for item in items if found.get(item.span.span_id) is True]
        return [item for item in items if found.get(item.span.span_id) is False]

    def _asked(self, batch: Batch, reader: ReadBack, items: Sequence[Item], allowance: Allowance) -> Mapping[str, bool]:
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
        except Exception:  # noqa: BLE001 - the exporter's fault is its own; nothing is known then
            shown = self._channel.secrets.out_of
            guard.failed(f"{self._name} read_back", "%s: reading back failed.", self._name, shown=shown)
            return {}
        if isinstance(refusal, Retry):
            batch.halt("retrying", refusal.reason, refusal.after)
        else:
            batch.halt("parked", refusal.reason)
        return {}

    def _later(self, seqs: Sequence[int], seconds: float) -> Mapping[int, Held]:
        until = time.time() + seconds
        return {seq: Held(until, AMBIGUOUS) for seq in seqs}


def _refusal(reply: Reply) -> Retry | Unauthorized | None:
    """Return what a platform says that does not answer now; what else it says is the exporter's to read."""
    reason = f"HTTP {reply.status}"
    if reply.status in (401, 403):
        return Unauthorized(reason)
    if reply.status in (408, 429) or reply.status >= 500:  # noqa: PLR2004 - the class of server errors
        return Retry(reason, retry_after(reply))
    return None
