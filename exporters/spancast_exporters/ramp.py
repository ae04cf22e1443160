"""Ramp's AI usage, by OTLP over HTTP in JSON, as OpenRouter's Broadcast sends it (OpenRouter, "Ramp").

Ramp makes a cost record of every span, so only model calls are sent; it shows no content, so none is sent. It reads
Broadcast's names: the cost is `gen_ai.usage.total_cost`, which it stores with ten decimals; it attributes a cost by
`user.id` and `trace.metadata.*`, which also have the tags. A call sent twice is one record (Ramp, "AI token spend
management", of April 2026). Written from documentation, checked on a strict stub; not checked on Ramp
itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from spancast.contract import Attribute, Encoded, Exporter, Probe, Request, Span, Traits
from spancast_exporters import _backend, _facts, _json, _otlp, _otlp_json

__all__ = ["Ramp"]

_MOST_SPANS = 50
"""Calls of one request, as many as Ramp's own handler sends (Ramp, "AI token spend management", LiteLLM)."""
_ROOM = 1_000_000
_MOST_LABELS, _LONGEST_LABEL = 100, 1_000
_LIMITS = _backend.Limits(text=10_000)
"""Ramp documents no limits; a large attribute must not make it refuse the record of a cost."""
_TEST = "openrouter-connection-test"
"""The name of a span that Ramp ignores: OpenRouter's own connection test."""


@dataclass(frozen=True, kw_only=True)
class Ramp(_backend.Backend):
    """Sends the calls among the spans that are given to it.

    `headers` are added to each request; they are a mapping, or text such as `name=value,other=value`.
    """

    api_key: str = field(
        repr=False,
        metadata={
            "variables": ("RAMP_API_KEY",),
            "where": "It is in Ramp under Settings, Integrations, OpenRouter, Generate API Key.",
        },
    )
    endpoint: str = "https://api.ramp.com/developer/v1/ai-usage/openrouter"
    headers: Mapping[str, str] | str = field(default="", repr=False)
    traits: Traits = field(default=Traits(max_spans=_MOST_SPANS, max_bytes=_ROOM, resend="upsert"), init=False)

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return self.endpoint.rstrip("/")

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP has no such time
        """Return requests within Ramp's limits for the spans that are calls; the others are left out."""
        calls = (span for span in spans if _facts.kind(span) in _facts.MODELS)
        parts = ((span.span_id, _otlp_json.resource_spans(self._encoded(span))) for span in calls)
        room = _ROOM - _otlp_json.AROUND - len(spans)
        return [
            Encoded(self._request(_otlp_json.request(batch)), tuple(ids)) for ids, batch in _otlp.batches(parts, room)
        ]

    def probe(self, at: datetime) -> Request:
        """Return OpenRouter's own connection test: a span that Ramp recognizes by its name, and does not store."""
        moment = str(int(at.timestamp()) * 10**9)
        times = {"startTimeUnixNano": moment, "endTimeUnixNano": moment}
        span = {"traceId": f"{1:032x}", "spanId": f"{1:016x}", "name": _TEST, "kind": 1, **times}
        body = _otlp_json.request([_json.encoded({"scopeSpans": [{"spans": [span]}]})])
        return self._request(body, {"x-test-connection": "true"})

    def _request(self, body: bytes, more: Mapping[str, str] | None = None) -> Request:
        headers = {**self._headers(), "content-type": "application/json", **(more or {})}
        return Request(url=self.url, body=body, headers=headers)

    def _headers(self) -> Mapping[str, str]:
        return {**_otlp.parse_headers(self.headers), "authorization": f"Bearer {self.api_key}"}

    def _fitted(self, span: Span) -> Span:
        return _LIMITS.fitted(replace(span, content={}))

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        facts = _facts.of(span)
        dollars = {"total": facts.cost, "input": facts.input_cost, "output": facts.output_cost}
        add: dict[str, Attribute | None] = {
            **_facts.user_and_session(span),
            **_attribution(span),
            **{f"gen_ai.usage.{name}_cost": None if each is None else float(each) for name, each in dollars.items()},
            "gen_ai.usage.total_tokens": facts.total_tokens,
            "gen_ai.usage.input_tokens.cached": facts.cached_tokens,
            "gen_ai.usage.input_tokens.cache_write": facts.cache_write_tokens,
            "gen_ai.usage.output_tokens.reasoning": facts.reasoning_tokens,
        }
        return {name: value for name, value in add.items() if value is not None}, _otlp.labels(span)


_: tuple[type[Exporter], type[Probe]] = (Ramp, Ramp)


def _attribution(span: Span) -> dict[str, Attribute | None]:
    """Return what Ramp attributes a cost by; the request's metadata takes precedence over the application's tags."""
    place = {"environment": span.environment, "release": span.release}
    known = {name: value for name, value in place.items() if value}
    stated = islice({**known, **span.tags, **span.metadata}.items(), _MOST_LABELS)
    return {f"trace.metadata.{_json.text(name)}": _json.text(value)[:_LONGEST_LABEL] for name, value in stated}
