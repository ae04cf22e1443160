"""Raindrop's ingestion as its clients see it: `/v1/events/track`, `/v1/traces`, projects, and events within its limits.

Strict, as Raindrop is (raindrop-ai 0.0.75: `TrackEvent`, `TrackAIEvent`, `AIData`, `max_ingest_size_bytes`): a field
that it does not know, or one that is empty, refuses the whole request.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.platform import Answer, Platform, Received, answer, in_json

KEY = "rk_0123456789abcdef"
PROJECTS = (None, "support-prod")
_LARGEST = 1024 * 1024
_EVENT = {"event_id", "user_id", "event", "timestamp", "properties"}
_WORDS = {"model", "input", "output", "convo_id"}


class Ingestion:
    """Answers as Raindrop does, and keeps the events in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.traced = 0
        """OTLP requests."""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if received.method != "POST" or received.path not in ("/v1/events/track", "/v1/traces"):
            return in_json(404, {"error": "Not found"})
        if received.headers.get("authorization") != f"Bearer {KEY}":
            return in_json(401, {"error": "Invalid write key"})
        if received.headers.get("x-raindrop-project-id") not in PROJECTS:
            return in_json(403, {"error": "Project is archived"})
        if received.headers.get("content-type") != "application/json":
            return in_json(415, {"error": "Unsupported media type"})
        return self._take(received)

    def _take(self, received: Received) -> Answer:
        seen = json.loads(received.body, parse_float=Decimal, parse_constant=_no_number)
        if received.path == "/v1/traces":
            self.traced += 1
            assert set(seen) == {"resourceSpans"}
            return in_json(200, {})
        assert isinstance(seen, list)
        wrong = next(filter(None, map(_wrong, seen)), None)
        if wrong is not None:
            return in_json(400, {"error": wrong})
        self.events += seen
        return answer(204, {"date": "Mon, 21 Sep 2026 00:00:00 GMT"})


@contextmanager
def raindrop(*first: Any) -> Iterator[tuple[Ingestion, Platform]]:
    """Open a Raindrop that gives the `first` answers before its own."""
    ingestion = Ingestion()
    with Platform(*first, ingestion).open() as platform:
        yield ingestion, platform


def _wrong(event: dict[str, Any]) -> str | None:
    """Return what is wrong with an event."""
    if not set(event) >= _EVENT or set(event) - _EVENT - {"ai_data"}:
        return f"fields: {sorted(event)}"
    if not all(isinstance(event[name], str) and event[name].strip() for name in ("event_id", "user_id", "event")):
        return "an id or a name is empty"
    if datetime.fromisoformat(event["timestamp"]).tzinfo is None:
        return "timestamp"
    said = event.get("ai_data")
    if said is not None and (set(said) - _WORDS or not (said.get("input") or said.get("output"))):
        return f"ai_data: {sorted(said)}"
    plain = (str, bool, int, Decimal)
    odd = [name for name, value in event["properties"].items() if not isinstance(value, plain)]
    if odd:
        return f"properties: {odd}"
    return "too large" if len(json.dumps(event, default=float)) > _LARGEST else None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
