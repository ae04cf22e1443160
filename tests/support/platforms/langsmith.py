"""LangSmith as its clients see it: the OTLP endpoint, and the list of projects.

It makes runs of spans as LangSmith's own collector proxy does (langsmith-collector-proxy, `otel_converter.go` and
`traces.go`), with its refusals. The id of a run is that of its span, of a root too, as the server has it (langsmith
0.15.1, `integrations.otel`). Stricter than LangSmith: what it would drop or garble without a word is a fault. A run
that arrives twice is one, and stays as it first was.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import JSON, Answer, Platform, Received, answer, in_json

KEY = "lsv2_pt_0123456789abcdef_0123456789"
_LARGEST_INSIDE = 20_000_000
_TYPES = {"tool", "chain", "llm", "retriever", "embedding", "prompt", "parser"}
_PARAMETERS = (
    *("model", "temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty", "seed"),
    *("stop_sequences", "top_k", "encoding_formats"),
)
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")
_DETAILS = {"input_token_details": {"cache_read", "cache_creation"}, "output_token_details": {"reasoning"}}
_COSTS = ("input_cost", "output_cost", "total_cost")
_OURS = {
    *("langsmith.span.kind", "langsmith.span.tags", "langsmith.trace.name", "langsmith.trace.session_name"),
    "langsmith.usage_metadata",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A span as LangSmith shows it. Unknown is `None`."""

    id: str
    trace_id: str
    parent_id: str | None
    type: str
    name: str
    status: str
    error: str | None
    inputs: dict[str, Any] | None
    outputs: dict[str, Any] | None
    """Without the usage."""
    usage: dict[str, Any] | None
    """Tokens and dollars; numbers with a point are decimals, as they are written."""
    invocation: dict[str, Any]
    metadata: dict[str, Any]
    tags: list[str]
    project: str


class Cloud:
    """Answers as LangSmith does, and keeps the runs that it made, by id."""

    def __init__(self, *, base: str = "", workspace: str | None = None) -> None:
        self.runs: dict[str, Run] = {}
        self.faults: list[str] = []
        """What no client of LangSmith's does, or what LangSmith would lose."""
        self._base, self._workspace = base, workspace

    def one(self, name: str) -> Run:
        """Return the one run of a name."""
        (found,) = [each for each in self.runs.values() if each.name == name]
        return found

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if received.headers.get("x-api-key") != KEY:
            return refusal(401, "Invalid token")
        if received.headers.get("x-tenant-id") != self._workspace:
            return refusal(403, "Forbidden")
        if (received.method, received.path) == ("GET", f"{self._base}/sessions?limit=1"):
            return answer(200, JSON, b'[{"id":"0","name":"default"}]')
        if (received.method, received.path) != ("POST", f"{self._base}/otel/v1/traces"):
            return self._fault(404, f"Not Found: {received.method} {received.path}")
        return self._take(received)

    def _take(self, received: Received) -> Answer:
        if received.headers.get("content-type") != "application/x-protobuf":
            return self._fault(415, "unsupported Content-Type for OTLP")
        if received.headers.get("content-encoding", "") not in ("", "gzip"):
            return self._fault(415, "unsupported Content-Encoding for OTLP")
        try:
            packed = received.headers.get("content-encoding") == "gzip"
            body, request = gzip.decompress(received.body) if packed else received.body, ExportTraceServiceRequest()
            request.ParseFromString(body)
        except (OSError, DecodeError):
            return self._fault(400, "proto: cannot parse")
        if len(body) > _LARGEST_INSIDE:
            return self._fault(413, "Payload Too Large")
        project = received.headers.get("langsmith-project", "")
        for one in request.resource_spans:
            for scope in one.scope_spans:
                for span in scope.spans:
                    run = self._run(span, project)
                    self.runs.setdefault(run.id, run)
        return answer(202, {"vary": "Origin"})

    def _run(self, span: Any, project: str) -> Run:
        seen = {pair.key: _value(pair.value, self.faults) for pair in span.attributes}
        self.faults += [f"unknown: {name}" for name in seen if name.startswith("langsmith.") and not _is_known(name)]
        found = Run(**_shown(seen, span, project, self.faults))
        self.faults += _wrong(found, span)
        return found

    def _fault(self, status: int, what: str) -> Answer:
        self.faults.append(what)
        return refusal(status, what)


def refusal(status: int, message: str, **headers: str) -> Answer:
    """Answer as LangSmith's API refuses."""
    return in_json(status, {"error": message}, **headers)


@contextmanager
def langsmith(*first: Any, **settings: Any) -> Iterator[tuple[Cloud, Platform]]:
    """Open a LangSmith that gives the `first` answers before its own."""
    cloud = Cloud(**settings)
    with Platform(*first, cloud).open() as platform:
        yield cloud, platform


def _is_known(name: str) -> bool:
    return name in _OURS or name.startswith("langsmith.metadata.")


def _value(value: Any, faults: list[str]) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each, faults) for each in value.array_value.values]
    if kind not in ("string_value", "bool_value", "int_value", "double_value"):
        faults.append(f"a value of the kind {kind}")
    return getattr(value, kind or "string_value")


def _uuid(raw: bytes) -> str:
    """Return an id as LangSmith has it: a UUID, with zeros before what is shorter."""
    found = raw.rjust(16, b"\0").hex()
    return "-".join((found[:8], found[8:12], found[12:16], found[16:20], found[20:]))


def _shown(seen: dict[str, Any], span: Any, project: str, faults: list[str]) -> dict[str, Any]:
    root = not span.parent_span_id
    outputs = _outputs(seen, faults)
    error = _error(span)
    tags = seen.get("langsmith.span.tags", "")
    return {
        "id": _uuid(span.span_id),
        "trace_id": _uuid(span.trace_id),
        "parent_id": None if root else _uuid(span.parent_span_id),
        "type": "tool" if seen.get("gen_ai.tool.name") else _type(seen),
        "name": seen.get("langsmith.trace.name") or seen.get("traceloop.entity.name") or span.name,
        "status": "success" if error is None else "error",
        "error": error,
        "inputs": _inputs(seen, faults),
        "outputs": outputs,
        # A run without outputs loses its tokens and its dollars.
        "usage": None if outputs is None else _usage(seen, faults),
        "invocation": _invocation(seen, faults),
        "metadata": _metadata(seen, faults),
        "tags": [tag.strip() for tag in tags.split(",")] if tags else [],
        "project": project or seen.get("langsmith.trace.session_name") or "default",
    }


def _type(seen: Mapping[str, Any]) -> str:
    stated = seen.get("langsmith.span.kind")
    if stated is not None:
        return stated if stated in _TYPES else "chain"
    return {"chat": "llm", "completion": "llm", "embedding": "embedding"}.get(
        str(seen.get("gen_ai.operation.name")), "chain"
    )


def _error(span: Any) -> str | None:
    """Return what the first exception says; the status of the span says nothing to LangSmith."""
    for event in span.events:
        if event.name == "exception":
            said = {pair.key: pair.value.string_value for pair in event.attributes}
            stack = said.get("exception.stacktrace")
            return (said.get("exception.message") or "") + (f"\n\nStacktrace:\n{stack}" if stack else "")
    return None


def _inputs(seen: Mapping[str, Any], faults: list[str]) -> dict[str, Any] | None:
    for name in ("input.value", "traceloop.entity.input", "gen_ai.prompt"):
        if seen.get(name):
            found = _object(seen, name, faults if name.startswith("gen_ai.") else [])
            return {"input": seen[name]} if found is None else found
    return None


def _outputs(seen: Mapping[str, Any], faults: list[str]) -> dict[str, Any] | None:
    for name in ("output.value", "traceloop.entity.output", "gen_ai.completion"):
        if seen.get(name):
            found = _object(seen, name, faults if name.startswith("gen_ai.") else [])
            return {"text": seen[name]} if found is None else found
    return None


def _object(seen: Mapping[str, Any], name: str, faults: list[str]) -> dict[str, Any] | None:
    """Return the object that an attribute has as JSON text."""
    try:
        found = json.loads(seen[name], parse_float=Decimal, parse_constant=_no_number)
        assert isinstance(found, dict)
    except (ValueError, TypeError, AssertionError):
        faults.append(f"{name} is no JSON object")
        return None
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _usage(seen: Mapping[str, Any], faults: list[str]) -> dict[str, Any] | None:
    if "langsmith.usage_metadata" in seen:
        return _object(seen, "langsmith.usage_metadata", faults)
    counts = {name: seen[f"gen_ai.usage.{name}"] for name in _COUNTS if f"gen_ai.usage.{name}" in seen}
    return counts or None


def _invocation(seen: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    found = {name: seen[f"gen_ai.request.{name}"] for name in _PARAMETERS if f"gen_ai.request.{name}" in seen}
    faults += [f"{name} is a list, which is garbled" for name, value in found.items() if isinstance(value, list)]
    if "gen_ai.response.model" in seen:
        found["model"] = seen["gen_ai.response.model"]
    if "llm.invocation_parameters" in seen:
        found |= _object(seen, "llm.invocation_parameters", faults) or {}
    return found


def _metadata(seen: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    provider = seen.get("gen_ai.system") or seen.get("llm.system")
    model = seen.get("gen_ai.request.model") or seen.get("gen_ai.response.model")
    known = {"ls_provider": provider, "ls_model_name": model}
    prefix = "langsmith.metadata."
    own = {name.removeprefix(prefix): value for name, value in seen.items() if name.startswith(prefix)}
    faults += [f"metadata {name} is a list, which is garbled" for name, value in own.items() if isinstance(value, list)]
    return {name: value for name, value in known.items() if value} | own


def _wrong(found: Run, span: Any) -> Iterator[str]:
    """Yield what LangSmith would not show as it is meant."""
    if span.status.code == span.status.STATUS_CODE_ERROR and found.error is None:
        yield f"{found.name} failed and is shown as a success"
    if found.usage is None:
        return
    for name, value in found.usage.items():
        if name in _DETAILS:
            if set(value) - _DETAILS[name] or not all(_is_count(each) for each in value.values()):
                yield f"{name} is {value}"
        elif name in _COUNTS:
            if not _is_count(value):
                yield f"{name} is {value!r}"
        elif name not in _COSTS or isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
            yield f"{name} is {value!r}"


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
