"""What platforms that take OTLP over HTTP in protobuf share (OTLP specification 1.x, OTLP/HTTP).

A backend reports rejected spans by number and with a text, but without their ids (`partial_success`). When it rejects
all spans, they are `Rejected`; when it rejects some, the request is split until the rejected ones are alone. The others
then arrive twice, which their span ids make harmless, and none is lost silently.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.contract import (
    Attribute,
    Delivered,
    Encoded,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Split,
    Unauthorized,
    Verdict,
    judge_status,
)
from spancast_exporters import _gzip, _json, _refusal

PATH = "/v1/traces"


def post(  # noqa: PLR0913 - the parts of a request
    url: str,
    headers: Mapping[str, str],
    span_ids: Sequence[str],
    parts: Sequence[bytes],
    *,
    compressed: bool = True,
    kind: str = "application/x-protobuf",
) -> Encoded:
    """Return the request with serialised requests as its body; such protobuf messages can be concatenated."""
    all_headers = {**headers, "content-type": kind, **({"content-encoding": "gzip"} if compressed else {})}
    body = _gzip.compressed(parts) if compressed else b"".join(parts)
    return Encoded(Request(url=url, body=body, headers=all_headers), tuple(span_ids))


def encoded(
    span: Span,
    add: Mapping[str, Attribute],
    drop: Sequence[str] = (),
    resource: Mapping[str, str] | None = None,
) -> bytes:
    """Return a span as OTLP; values that OTLP has no type for become the nearest valid ones."""
    try:
        return span.otlp(add=add, drop=drop, resource=resource)
    except (TypeError, ValueError):
        return _cleaned(span).otlp(add=_attributes(add), drop=drop, resource=_attributes(resource or {}))


def labels(span: Span) -> list[str]:
    """Return the attributes with tags and metadata, for a platform that has its own fields for them."""
    return [name for name in span.attributes if name.startswith(("spancast.tag.", "spancast.metadata."))]


def _cleaned(span: Span) -> Span:
    return replace(
        span,
        name=_json.text(span.name),
        status_message=span.status_message and _json.text(span.status_message),
        attributes=_attributes(span.attributes),
        content=_attributes(span.content),
        resource=_attributes(span.resource),
        events=[
            replace(each, name=_json.text(each.name), attributes=_attributes(each.attributes)) for each in span.events
        ],
    )


def _attributes(stated: Mapping[str, Any]) -> dict[str, Any]:
    return {_json.text(str(name)): _attribute(value) for name, value in stated.items()}


def _attribute(value: object) -> object:
    """Return a valid attribute value: a number in range, text that can be encoded, a list of these; else its JSON."""
    match value:
        case str():
            return _json.text(value)
        case bool() | float():
            return value
        case int() if -(2**63) <= value < 2**63:
            return value
        case list() | tuple():
            return tuple(map(_attribute, value))
    return _json.dumps(value)


def batches(parts: Iterable[tuple[str, bytes]], room: int) -> Iterator[tuple[list[str], list[bytes]]]:
    """Yield span ids and serialised requests that are together no larger than `room`, before compression.

    One that is larger by itself is yielded alone.
    """
    ids: list[str] = []
    batch: list[bytes] = []
    size = 0
    for span_id, part in parts:
        if batch and size + len(part) > room:
            yield ids, batch
            ids, batch, size = [], [], 0
        ids.append(span_id)
        batch.append(part)
        size += len(part)
    if batch:
        yield ids, batch


def judge_with_reason(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge as OTLP specifies, with the platform's own reason for a refusal where it states one in JSON."""
    verdict, reason = judge(encoded, reply), _refusal.reason(reply)
    if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return _refusal.confirmed(verdict, reply)
    match verdict:
        case Unauthorized():
            return Unauthorized(reason)
        case Retry(_, after):
            return Retry(reason, after)
        case Rejected(reasons):
            return Rejected(dict.fromkeys(reasons, reason))
    return verdict


def judge(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge as OTLP specifies. A success counts only with an OTLP answer: a captive portal answers 200, too."""
    verdict = judge_status(encoded, reply)
    if not isinstance(verdict, Delivered):
        return verdict
    answer = _parsed(reply)
    if answer is None:
        return Retry(_no_answer(reply))
    return partly(encoded.span_ids, answer.rejected, answer.message)


CREDENTIAL = "Check headers= or OTEL_EXPORTER_OTLP_HEADERS."


def diagnose(reply: Reply, url: str, credential: str = CREDENTIAL) -> str | None:
    """Return what is wrong with the answer to a request without spans, and what to do; `None` where nothing is."""
    problem = _refusal.diagnose(reply, url, credential)
    if problem is None and _parsed(reply) is None:
        return f"{_no_answer(reply)}. Is {url} an OTLP endpoint?"
    return problem


def partly(span_ids: Sequence[str], rejected: int, message: str) -> Verdict:
    """Judge a success of which `rejected` spans are excepted, for the reason in `message`."""
    reason = f"rejected: {message or 'no reason given'}"
    if rejected <= 0:
        return Delivered()
    return Split(reason) if rejected < len(span_ids) else Rejected(dict.fromkeys(span_ids, reason))


def _no_answer(reply: Reply) -> str:
    return (
        f"HTTP {reply.status} with {reply.headers.get('content-type', 'no content type')}, which is not an OTLP answer"
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """The content of an OTLP answer."""

    rejected: int
    message: str


def _parsed(reply: Reply) -> _Answer | None:
    """Return the answer, or `None` where it is not one; an empty body is a success, and common."""
    try:
        if reply.body.lstrip().startswith(b"{"):
            answer = json.loads(reply.body)  # names are as in JSON, or as in the schema (protobuf, "ProtoJSON Format")
            partial = answer.get("partialSuccess") or answer.get("partial_success") or {}
            rejected = partial.get("rejectedSpans") or partial.get("rejected_spans") or 0
            return _Answer(int(rejected), str(partial.get("errorMessage") or partial.get("error_message") or ""))
        if reply.headers.get("content-type", "").startswith("text/html"):
            return None
        answer = ExportTraceServiceResponse.FromString(reply.body).partial_success
    except (DecodeError, ValueError, AttributeError, TypeError):
        return None
    return _Answer(answer.rejected_spans, answer.error_message)


def parse_headers(headers: Mapping[str, str] | str) -> dict[str, str]:
    """Return headers by their names in lower case; text is in the format of `OTEL_EXPORTER_OTLP_HEADERS`."""
    if not isinstance(headers, str):
        return {name.lower(): value for name, value in headers.items()}
    found = {}
    for item in filter(str.strip, headers.split(",")):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise ValueError("headers cannot be parsed. Give them as name=value,name=value.")
        found[unquote(name.strip()).lower()] = unquote(value.strip())
    return found


def with_path(base: str) -> str:
    """Return the URL for traces of an OTLP server, given its base."""
    return base.rstrip("/") + PATH
