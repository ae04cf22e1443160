"""An exporter that judges by the status alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import Encoded, Reply, Request, Span, Traits, Verdict, judge_status


@dataclass(frozen=True, kw_only=True)
class Plain:
    """It says of itself what a test wants."""

    url: str
    traits: Traits = field(default_factory=lambda: Traits(resend="upsert"))

    def encode(self, spans: Sequence[Span], _at: datetime) -> Sequence[Encoded]:
        body = b"".join(span.otlp() for span in spans)
        return [Encoded(Request(url=self.url, body=body), tuple(span.span_id for span in spans))]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        return judge_status(encoded, reply)
