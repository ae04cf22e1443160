"""An exporter of a made-up platform that speaks JSON, and says in the body what became of each event."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import (
    Delivered,
    Encoded,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    judge_status,
)


@dataclass(frozen=True, kw_only=True)
class JsonExporter:
    url: str
    key: str = "key"
    traits: Traits = field(default_factory=lambda: Traits(resend="upsert"))
    confirms: bool = False
    """Whether the platform names what it took: `{"ids": [...]}`."""

    def encode(self, spans: Sequence[Span], _at: datetime) -> Sequence[Encoded]:
        events = [{"id": span.span_id, **span.attributes, **span.content} for span in spans]
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        request = Request(url=self.url, body=json.dumps({"events": events}).encode(), headers=headers)
        return [Encoded(request, tuple(span.span_id for span in spans))]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        verdict = judge_status(encoded, reply)
        if not isinstance(verdict, Delivered) or (reply.status == 202 and not reply.body):
            return verdict
        try:
            said = json.loads(reply.body)
        except ValueError:
            return Retry(f"HTTP {reply.status} without JSON")
        if not isinstance(said, dict):
            return Retry(f"HTTP {reply.status} with JSON that is no object")
        return self._read(encoded, said)

    def _read(self, encoded: Encoded, said: Mapping[str, list[object]]) -> Verdict:
        errors = {error["id"]: f"rejected: {error['message']}" for error in said.get("errors", ())}  # type: ignore[index]
        if self.confirms:
            missing = set(encoded.span_ids) - set(said.get("ids", ())) - set(errors)
            errors |= dict.fromkeys(missing, "rejected: not among the ids")
        return Rejected(errors) if errors else Delivered()
