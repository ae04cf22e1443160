"""The spans that travel, made once for all the destinations that are to have them."""

from collections.abc import Callable
from dataclasses import replace

from spancast import contract
from spancast.base.shared import Shared
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.record import Sent
from spancast.trace.attributes import content_attributes
from spancast.trace.companion import companion
from spancast.trace.span import exported
from spancast.trace.tracing import VERSION

KEPT = 1024
"""Spans that are kept for the next destination: couriers go through the same records at about the same time."""


class SpanCache:
    """Makes the spans that exporters are given. From any thread."""

    def __init__(self, encoder: Callable[[], contract.Encoder], version: str) -> None:
        """Give each span an encoder of its own, and `version` as that of its scope."""
        self._encoder, self._version = encoder, version
        self._made: Shared[str, tuple[Sent, contract.Span]] = Shared(KEPT)

    def of(self, sent: Sent, content: Content | None = None) -> contract.Span:
        """Return the span of what travels: of a finished call, with its words where they are given, or another's."""
        span = self._whole(sent)
        return span if content is None else replace(span, content=content_attributes(content))

    def _whole(self, sent: Sent) -> contract.Span:
        made = self._made.get(sent.call_id)
        if made is not None and made[0] == sent:  # the cost of a call may have come since
            return made[1]
        span = self._new(sent)
        self._made.keep(sent.call_id, (sent, span), 1)
        return span

    def _new(self, sent: Sent) -> contract.Span:
        if isinstance(sent, Call):
            return exported(sent, self._encoder(), self._version)
        return companion(sent, self._encoder())


to_span = SpanCache(OtlpEncoder, VERSION).of
"""Makes the span of what travels for all the destinations of the process."""
