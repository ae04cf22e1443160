"""The spans of calls, made once for all the destinations that are to have them."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from spancast import contract
from spancast.call import Call
from spancast.content import Content
from spancast.trace.attributes import content_attributes
from spancast.trace.span import record

KEPT = 1024
"""Spans that are kept for the next destination: couriers go through the same records at about the same time."""


class Spans:
    """Makes the spans that exporters are given. From any thread."""

    def __init__(self, encoder: Callable[[], contract.Encoder], version: str) -> None:
        """Give each span an encoder of its own, and `version` as that of its scope."""
        self._encoder, self._version = encoder, version
        self._made: OrderedDict[str, tuple[Call, contract.Span]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, call: Call, content: Content | None = None) -> contract.Span:
        """Return the span of a finished call, with its words where they are given."""
        span = self._without_words(call)
        return span if content is None else replace(span, content=content_attributes(content))

    def _without_words(self, call: Call) -> contract.Span:
        with self._lock:
            made = self._made.get(call.call_id)
        if made is not None and made[0] == call:  # its cost may have come since
            return made[1]
        span = record(call, self._encoder(), self._version)
        with self._lock:
            self._made[call.call_id] = (call, span)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return span
