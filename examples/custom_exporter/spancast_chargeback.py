"""The company's own chargeback service: one booking per call, for the team that made it.

The service receives costs and tags, never content. Bookings have ids, so one that is sent twice is booked once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from spancast.contract import Delivered, Encoded, Reply, Request, Retry, Span, Traits, Verdict, judge_status

__all__ = ["Chargeback"]


@dataclass(frozen=True, kw_only=True)
class Chargeback:
    """Books calls whose cost is known; a call without the tag `team` is booked for the team `unclaimed`."""

    token: str = field(
        repr=False,
        metadata={"variables": ("CHARGEBACK_TOKEN",), "where": "Ask for one in #finance-tools."},
    )
    endpoint: str = field(default="https://chargeback.example.com", metadata={"variables": ("CHARGEBACK_URL",)})
    unclaimed: str = "overhead"
    traits: Traits = field(default=Traits(max_spans=200, resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Reject an invalid setting; the message is shown to whoever wrote it."""
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ValueError(f"endpoint cannot be {self.endpoint!r}. Give a URL.")

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return one request for the calls whose cost is known; all other spans are left out."""
        bookings = {span.span_id: booking for span in spans if (booking := self._booking(span)) is not None}
        if not bookings:
            return []
        body = json.dumps({"sent_at": at.isoformat(), "bookings": list(bookings.values())}).encode()
        return [Encoded(self._request("/v1/bookings", body), tuple(bookings))]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Accept a success only if the service confirms that everything is booked."""
        verdict = judge_status(encoded, reply)
        if isinstance(verdict, Delivered) and not _is_booked(reply):
            return Retry(f"HTTP {reply.status} that does not say that all is booked")
        return verdict

    def probe(self, at: datetime) -> Request:
        """Return the request that `spancast check chargeback` sends, which contains no booking."""
        return self._request("/v1/bookings", json.dumps({"sent_at": at.isoformat(), "bookings": []}).encode())

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong and how to fix it, or `None` if the service accepts the request."""
        if reply.status in (401, 403):
            return f"{self.endpoint} refuses the token. See CHARGEBACK_TOKEN."
        if not _is_booked(reply):
            return f"{self.endpoint} answers HTTP {reply.status} and books nothing. See CHARGEBACK_URL."
        return None

    def _booking(self, span: Span) -> dict[str, str] | None:
        call = span.generation
        if call is None or call.cost is None:
            return None
        return {
            "id": call.call_id,
            "team": span.tags.get("team", self.unclaimed),
            "model": call.response_model or call.request_model or "unknown",
            "usd": format(call.cost, "f"),
        }

    def _request(self, path: str, body: bytes) -> Request:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        return Request(url=self.endpoint.rstrip("/") + path, body=body, headers=headers)


def _is_booked(reply: Reply) -> bool:
    try:
        said = json.loads(reply.body) if 200 <= reply.status < 300 else None
    except (ValueError, RecursionError):
        return False
    return said == {"status": "booked"}
