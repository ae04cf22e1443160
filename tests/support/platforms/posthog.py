"""PostHog's capture as its clients see it: `/batch/`, events of the kinds it knows, within its limits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID

from tests.support.platform import JSON, Platform, Received, answer

KEY = "phc_0123"
_KINDS = {"$ai_generation", "$ai_embedding", "$ai_span", "$ai_trace"}
_COUNTS = ("input", "output", "cache_read_input", "cache_creation_input", "reasoning")


class Capture:
    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        """By uuid: two of one are one."""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        why = self._take(received)
        status = 200 if why is None else 401 if why == "key" else 400
        body = {"status": "Ok"} if why is None else {"type": "validation_error", "detail": why}
        answer(status, JSON, json.dumps(body).encode())(handler, received)
        return False

    def _take(self, received: Received) -> str | None:
        if received.path != "/batch/" or len(received.body) > 4_000_000:
            return "no such path, or too large"
        seen = json.loads(received.body, parse_float=Decimal, parse_constant=_no_number)
        if set(seen) != {"api_key", "sent_at", "batch"} or not 0 < len(seen["batch"]) <= 100:
            return "not a batch of 1 to 100"
        if seen["api_key"] != KEY:
            return "key"
        for event in seen["batch"]:
            _check(event)
            self.events[event["uuid"]] = event
        return None


def _check(event: dict[str, Any]) -> None:
    assert set(event) == {"event", "uuid", "distinct_id", "timestamp", "properties"}
    assert event["event"] in _KINDS
    assert 0 < len(event["distinct_id"]) <= 200
    assert UUID(event["uuid"])
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    properties = event["properties"]
    assert {"$ai_trace_id", "$ai_span_id", "$ai_span_name", "$ai_latency", "$ai_is_error"} <= set(properties)
    assert None not in properties.values()
    for name in _COUNTS:
        assert type(properties.get(f"$ai_{name}_tokens", 0)) is int
    for name in ("total", "input", "output"):
        assert isinstance(properties.get(f"$ai_{name}_cost_usd", 0), Decimal | int)


@contextmanager
def posthog(*first: Any) -> Iterator[tuple[Capture, Platform]]:
    """Open a PostHog that gives the `first` answers before its own."""
    capture = Capture()
    with Platform(*first, capture).open() as platform:
        yield capture, platform


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
