"""Any OpenTelemetry collector or backend, by OTLP over HTTP in protobuf (OTLP specification 1.x, OTLP/HTTP).

A request that holds spans a backend rejects comes back with their number and a text, but without their ids
(`partial_success`). When all are rejected they are; when some are, the request is split until the rejected ones stand
alone. The others then arrive twice, which span ids make harmless, and none is lost in silence.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.contract import (
    Delivered,
    Encoded,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Split,
    Traits,
    Verdict,
    judge_status,
)

__all__ = ["Otlp"]

_PATH = "/v1/traces"


def _variables(name: str) -> dict[str, tuple[str, ...]]:
    """Return the variables that everybody already sets; the one for traces wins (OTel, OTLP exporter configuration)."""
    return {"variables": (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")}


@dataclass(frozen=True, kw_only=True)
class Otlp:
    """Sends spans as they are.

    `endpoint` is used as it is when it has a path, and else gets `/v1/traces`. Without it `traces_endpoint` is used as
    it is, or `base_endpoint` with `/v1/traces`. `headers` are a mapping, or text such as `api-key=x,other=y`.
    """

    endpoint: str | None = None
    traces_endpoint: str | None = field(default=None, metadata={"variables": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",)})
    base_endpoint: str = field(
        default="http://localhost:4318", metadata={"variables": ("OTEL_EXPORTER_OTLP_ENDPOINT",)}
    )
    headers: Mapping[str, str] | str = field(default="", repr=False, metadata=_variables("HEADERS"))
    compression: str = field(default="gzip", metadata=_variables("COMPRESSION"))
    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"{self.url!r} is no URL. Give one such as http://localhost:4318.")
        if self.compression not in ("gzip", "none"):
            raise ValueError(f'compression cannot be {self.compression!r}. Give "gzip" or "none".')
        _pairs(self.headers)

    @property
    def url(self) -> str:
        """Where the spans go."""
        if self.endpoint is not None:
            return self.endpoint if urlsplit(self.endpoint).path.strip("/") else _with_path(self.endpoint)
        return self.traces_endpoint or _with_path(self.base_endpoint)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP tells no such time
        """Return one request for all of them: serialised requests concatenate."""
        body = b"".join(span.otlp() for span in spans)
        headers = {**_pairs(self.headers), "content-type": "application/x-protobuf"}
        if self.compression == "gzip":
            body, headers["content-encoding"] = gzip.compress(body, compresslevel=6, mtime=0), "gzip"
        return [Encoded(Request(url=self.url, body=body, headers=headers), tuple(span.span_id for span in spans))]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Believe a success only when it is an OTLP answer: a captive portal says 200, too."""
        verdict = judge_status(encoded, reply)
        if not isinstance(verdict, Delivered):
            return verdict
        answer = _parsed(reply)
        if answer is None:
            kind = reply.headers.get("content-type", "no content type")
            return Retry(f"HTTP {reply.status} with {kind}, which is no OTLP answer")
        return _judged(encoded, answer)


def _judged(encoded: Encoded, answer: "_Answer") -> Verdict:
    reason = f"rejected: {answer.message or 'no reason given'}"
    if answer.rejected <= 0:
        return Delivered()
    if answer.rejected < len(encoded.span_ids):
        return Split(reason)
    return Rejected(dict.fromkeys(encoded.span_ids, reason))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a backend said beside the status."""

    rejected: int
    message: str


def _parsed(reply: Reply) -> _Answer | None:
    """Return the answer, or `None` for what is none; an empty one is a success, and what many servers say."""
    try:
        if reply.body.lstrip().startswith(b"{"):
            partial = json.loads(reply.body).get("partialSuccess") or {}
            return _Answer(int(partial.get("rejectedSpans") or 0), str(partial.get("errorMessage") or ""))
        if reply.headers.get("content-type", "").startswith("text/html"):
            return None
        answer = ExportTraceServiceResponse.FromString(reply.body).partial_success
    except (DecodeError, ValueError, AttributeError, TypeError):
        return None
    return _Answer(answer.rejected_spans, answer.error_message)


def _pairs(headers: Mapping[str, str] | str) -> dict[str, str]:
    if not isinstance(headers, str):
        return {name.lower(): value for name, value in headers.items()}
    found = {}
    for item in filter(str.strip, headers.split(",")):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise ValueError("headers cannot be read. Give them as name=value,name=value.")
        found[unquote(name.strip()).lower()] = unquote(value.strip())
    return found


def _with_path(base: str) -> str:
    return base.rstrip("/") + _PATH
