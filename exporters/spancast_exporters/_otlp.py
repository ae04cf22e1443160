"""What the platforms that take OTLP over HTTP in protobuf have in common (OTLP specification 1.x, OTLP/HTTP).

A request that holds spans a backend rejects comes back with their number and a text, but without their ids
(`partial_success`). When all are rejected they are; when some are, the request is split until the rejected ones stand
alone. The others then arrive twice, which span ids make harmless, and none is lost in silence.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.contract import (
    Delivered,
    Encoded,
    Rejected,
    Reply,
    Request,
    Retry,
    Split,
    Verdict,
    judge_status,
)

PATH = "/v1/traces"


def post(
    url: str,
    headers: Mapping[str, str],
    span_ids: Sequence[str],
    parts: Sequence[bytes],
    *,
    compressed: bool = True,
) -> Encoded:
    """Return the request that carries serialised requests, joined: such messages concatenate."""
    body, said = b"".join(parts), {**headers, "content-type": "application/x-protobuf"}
    if compressed:
        body, said["content-encoding"] = gzip.compress(body, compresslevel=6, mtime=0), "gzip"
    return Encoded(Request(url=url, body=body, headers=said), tuple(span_ids))


def judge(encoded: Encoded, reply: Reply) -> Verdict:
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


def pairs(headers: Mapping[str, str] | str) -> dict[str, str]:
    """Return headers by their names in lower case; text is as `OTEL_EXPORTER_OTLP_HEADERS` has it."""
    if not isinstance(headers, str):
        return {name.lower(): value for name, value in headers.items()}
    found = {}
    for item in filter(str.strip, headers.split(",")):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise ValueError("headers cannot be read. Give them as name=value,name=value.")
        found[unquote(name.strip()).lower()] = unquote(value.strip())
    return found


def with_path(base: str) -> str:
    """Return where an OTLP server that is known by its base takes traces."""
    return base.rstrip("/") + PATH
