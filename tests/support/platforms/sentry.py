"""Sentry as an OTLP client sees it: what Relay takes, and what it makes of a span (getsentry/relay).

`integrations/otlp.rs` for the endpoint, `otel_to_sentry_v2.rs` for the span, `eap/ai.rs` and #6338 for tokens and cost.
Stricter than Relay: what it would lose without a word is a fault.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import Answer, Platform, Received, answer, in_json

KEY = "0123456789abcdef0123456789abcdef"
PATH = "/api/42/integration/otlp/v1/traces"
_LARGEST_SPAN = 10 * 1024 * 1024
_PRICES = {"openai/gpt-5-mini": (1.0, 2.0)}
"""Dollars that Sentry would estimate for a token of the input and of the output: far from what anything costs."""
_COUNTS = {
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.input_tokens.cached"),
    *("gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.output_tokens.reasoning"),
}
_DOUBLES = {
    *("gen_ai.cost.total_tokens", "gen_ai.cost.input_tokens", "gen_ai.cost.output_tokens"),
    *("gen_ai.response.time_to_first_token",),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A span as Sentry keeps it."""

    name: str
    trace_id: str
    parent_id: str | None
    status: str
    attributes: dict[str, Any]


class Relay:
    """Answers as Relay does, and keeps the spans that Sentry would have, in the order in which they came."""

    def __init__(self) -> None:
        self.spans: list[Shown] = []
        self.faults: list[str] = []

    def one(self, name: str) -> Shown:
        """Return the one span of a name."""
        (found,) = [each for each in self.spans if each.name == name]
        return found

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if (received.method, received.path) != ("POST", PATH):
            return self._fault(404, f"{received.method} {received.path}")
        if received.headers.get("x-sentry-auth") != f"sentry sentry_key={KEY}":
            return in_json(403, {"detail": "event submission rejected with_reason: ProjectId"})
        if received.headers.get("content-type") != "application/x-protobuf":
            return self._fault(415, "unsupported media type")
        packed = received.headers.get("content-encoding") == "gzip"
        try:
            request = ExportTraceServiceRequest.FromString(gzip.decompress(received.body) if packed else received.body)
        except (OSError, DecodeError):
            return self._fault(400, "invalid protobuf")
        for one in request.resource_spans:
            for span in (span for scope in one.scope_spans for span in scope.spans):
                self.spans.append(self._kept(span, one.resource))
        return answer(202, {"vary": "origin"})

    def _kept(self, span: Any, resource: Any) -> Shown:
        seen = {pair.key: value for pair in span.attributes if (value := _value(pair.value)) is not None}
        seen |= {f"resource.{pair.key}": _value(pair.value) for pair in resource.attributes}
        self.faults += [f"{pair.key} is lost" for pair in span.attributes if pair.key not in seen]
        self.faults += [f"{name} is {seen[name]!r}" for name in _COUNTS & set(seen) if type(seen[name]) is not int]
        self.faults += [f"{name} is {seen[name]!r}" for name in _DOUBLES & set(seen) if type(seen[name]) is not float]
        if span.ByteSize() > _LARGEST_SPAN:
            self.faults.append(f"{span.name} is too large")
        if span.status.message:
            seen["sentry.status.message"] = span.status.message
        if "gen_ai.operation.name" in seen:
            seen = _normalised(seen, (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9)
        return Shown(
            name=span.name,
            trace_id=span.trace_id.hex(),
            parent_id=span.parent_span_id.hex() or None,
            status="error" if span.status.code == span.status.STATUS_CODE_ERROR else "ok",
            attributes=seen,
        )

    def _fault(self, status: int, what: str) -> Answer:
        self.faults.append(what)
        return in_json(status, {"detail": what})


@contextmanager
def sentry(*first: Any) -> Iterator[tuple[Relay, Platform]]:
    """Open a Sentry that gives the `first` answers before its own."""
    relay = Relay()
    with Platform(*first, relay).open() as platform:
        yield relay, platform


def dsn(platform: Platform) -> str:
    """Return the DSN of the project that it has."""
    return f"http://{KEY}@127.0.0.1:{platform.port}/42"


def _value(value: Any) -> Any:
    """Return a value as Relay keeps it: an array as its JSON, and nothing of a map."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return json.dumps([_value(each) for each in value.array_value.values])
    return getattr(value, kind) if kind in ("string_value", "bool_value", "int_value", "double_value") else None


def _normalised(seen: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return the attributes with what Relay works out: all tokens, their speed, and a cost where none is given."""
    given, got = (seen.get(f"gen_ai.usage.{name}_tokens") for name in ("input", "output"))
    found = dict(seen)
    if given is not None or got is not None:
        found["gen_ai.usage.total_tokens"] = float((given or 0) + (got or 0))
    if got and seconds:
        found["gen_ai.response.tokens_per_second"] = got / seconds
    prices = _PRICES.get(seen.get("gen_ai.request.model") or seen.get("gen_ai.response.model") or "")
    if prices and (given or got) and not isinstance(seen.get("gen_ai.cost.total_tokens"), float):
        costs = ((given or 0) * prices[0], (got or 0) * prices[1])
        found |= dict(zip(("gen_ai.cost.input_tokens", "gen_ai.cost.output_tokens"), costs, strict=True))
        found["gen_ai.cost.total_tokens"] = sum(costs)
    return found
