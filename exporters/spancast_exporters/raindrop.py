"""Raindrop, by its own events: one for each call of a model (Raindrop, "HTTP API").

A span that is no call of a model is no event, and is left out. Raindrop has no field for a cost: it is the property
`total_cost`, to its last digit, as OpenRouter's Broadcast has it. An event's `event_id` is made of its span; that
Raindrop makes one of two is not known, so an event whose answer was lost is not sent again. Checked on a strict stub
and on the models of Raindrop's own SDK (raindrop-ai 0.0.75); not checked on Raindrop itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Probe,
    Rejected,
    Reply,
    Request,
    Span,
    Split,
    Traits,
    Verdict,
)
from spancast_exporters import _facts, _json, _options, _otlp, _raindrop, _refusal

__all__ = ["Raindrop"]

_MOST_EVENTS = 10
"""Events of one request, as Raindrop's own SDK sends them (raindrop-ai 0.0.75, `upload_size`)."""
_ROOM = 4_000_000
_VERSION = "/v1"
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Raindrop:
    """Sends the calls among the spans that are given to it. `project` is a slug; without one it is Production.

    A call's user is its `user_id`; where nobody is named it is `anonymous`.
    """

    write_key: str = field(
        repr=False,
        metadata={
            "variables": ("RAINDROP_WRITE_KEY", "RAINDROP_API_KEY"),
            "where": "It is in Raindrop under Settings, Write Key.",
        },
    )
    project: str | None = field(default=None, metadata={"variables": ("RAINDROP_PROJECT_ID",)})
    endpoint: str = "https://api.raindrop.ai"
    traits: Traits = field(default=Traits(max_spans=_MOST_EVENTS, max_bytes=_ROOM, resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://api.raindrop.ai")
        _options.check_key("write_key", self.write_key)
        if self.project is not None and not _PROJECT.fullmatch(self.project):
            raise ValueError(f"project cannot be {self.project!r}. Give a slug such as support-prod.")

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - requests have no such time
        """Return requests of at most 10 events and 4 MB for the spans that are calls; the others are left out."""
        calls = [span for span in spans if _facts.kind(span) in _facts.MODELS]
        events = [(span.span_id, _raindrop.event(span)) for span in calls]
        some = (events[at : at + _MOST_EVENTS] for at in range(0, len(events), _MOST_EVENTS))
        return [
            Encoded(self._request("/events/track", b"[" + b",".join(batch) + b"]"), tuple(ids))
            for each in some
            for ids, batch in _otlp.batches(each, _ROOM - _MOST_EVENTS - 2)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by the status, and by the ids of the events that Raindrop says it took, where it says them.

        Several events that are refused together are sent again one by one, to find the bad one.
        """
        verdict = _refusal.judge(encoded, reply)
        if isinstance(verdict, Rejected) and len(encoded.span_ids) > 1:
            return Split(_refusal.reason(reply))
        lost = _unnamed(encoded, reply) if isinstance(verdict, Delivered) else ()
        return Rejected(dict.fromkeys(lost, "not among the events that Raindrop says it took")) if lost else verdict

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return an OTLP request without spans, which Raindrop answers, too (Raindrop, "OpenTelemetry")."""
        return self._request("/traces", b'{"resourceSpans":[]}')

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        return _refusal.diagnose(reply, self._base, "Check RAINDROP_WRITE_KEY and RAINDROP_PROJECT_ID.")

    @property
    def _base(self) -> str:
        """The base URL of the API; `endpoint` may include the path for events or traces."""
        base = self.endpoint.rstrip("/").removesuffix("/events/track").removesuffix("/traces").removesuffix(_VERSION)
        return base + _VERSION

    def _request(self, path: str, body: bytes) -> Request:
        whose = {"x-raindrop-project-id": self.project} if self.project else {}
        headers = {"authorization": f"Bearer {self.write_key}", **whose, **_JSON}
        return Request(url=self._base + path, body=body, headers=headers)


_: tuple[type[Exporter], type[Probe]] = (Raindrop, Raindrop)


def _unnamed(encoded: Encoded, reply: Reply) -> Sequence[str]:
    """Return the spans whose events the answer leaves out: `{"events": [{"event_id": ...}]}`, as it is seen to be."""
    listed = _json.answer(reply).get("events")
    if not isinstance(listed, list):
        return ()
    taken = [each.get("event_id") for each in listed if isinstance(each, dict)]
    ids = zip(encoded.span_ids, _raindrop.event_ids(encoded.request.body), strict=False)
    return [span_id for span_id, event_id in ids if event_id not in taken]
