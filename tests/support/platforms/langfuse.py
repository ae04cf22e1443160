"""Langfuse 4.16 as its clients see it: the OTLP endpoint, the projects of a key, the observations by their ids.

It refuses what Langfuse refuses, in its words, and reads spans by Langfuse's own order of attributes
(`OtelIngestionProcessor`, `ObservationTypeMapper`). Stricter than Langfuse: what Langfuse would drop or garble without
a word is a fault, such as a map for a value, or JSON that breaks off. A span that arrives twice is two observations.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import JSON, Answer, Platform, Received, answer, hanging_up, in_json

PUBLIC, SECRET = "pk-lf-0123", "sk-lf-4567"
LARGEST = 5_000_000
_LARGEST_INSIDE = 16_000_000
_LARGEST_SPAN = 9_500_000
_TYPES = {
    *("span", "generation", "event", "embedding", "agent", "tool", "chain", "retriever", "guardrail", "evaluator"),
}
_OPERATIONS = {
    **dict.fromkeys(("chat", "completion", "text_completion", "generate_content", "generate"), "generation"),
    "embeddings": "embedding",
    **dict.fromkeys(("invoke_agent", "create_agent"), "agent"),
    "execute_tool": "tool",
}
_MODEL = ("langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "model")
_JSON_OBJECTS = ("model.parameters", "usage_details", "cost_details", "metadata")
_OURS = {
    *(f"langfuse.observation.{name}" for name in (*_JSON_OBJECTS, "type", "level", "status_message", "input")),
    *("langfuse.observation.output", "langfuse.observation.completion_start_time", "langfuse.observation.model.name"),
    *("langfuse.trace.name", "langfuse.trace.tags", "langfuse.trace.metadata", "langfuse.user.id"),
    *("langfuse.session.id", "langfuse.environment", "langfuse.release"),
}
"""What Langfuse documents and is used here; a name that is misspelt would be metadata to Langfuse, and no fault."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A span as Langfuse shows it. Unknown is `None`."""

    id: str
    trace_id: str
    parent_id: str | None
    type: str
    name: str
    trace_name: str | None
    start: int
    level: str
    status_message: str | None
    model: str | None
    parameters: dict[str, Any]
    usage: dict[str, int]
    cost: dict[str, Decimal] | None
    """`None` where none is given, and Langfuse estimates one."""
    completion_start_time: str | None
    input: Any
    output: Any
    tool_calls: list[tuple[str, str, Any]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    user: str | None
    session: str | None
    tags: list[str]
    metadata: dict[str, Any]
    environment: str
    release: str | None
    version: str | None


class Cloud:
    """Answers as Langfuse does, and keeps the observations that it made."""

    def __init__(self, *, observations_api: bool = True, lost_answers: int = 0, lost_requests: int = 0) -> None:
        self.observations: list[Observation] = []
        self.faults: list[str] = []
        """What no client of Langfuse's does, or what Langfuse would lose."""
        self.asked: list[dict[str, Any]] = []
        """The filters by which observations were asked for."""
        self._has_api = observations_api
        self._lost_answers = lost_answers
        """How many requests are taken and never answered."""
        self._lost_requests = lost_requests
        """How many requests are read and neither taken nor answered."""

    def one(self, name: str) -> Observation:
        """Return the one observation of a name."""
        (found,) = [each for each in self.observations if each.name == name]
        return found

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        pair = b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
        if received.headers.get("authorization") != f"Basic {pair}":
            reply = refusal(401, "Invalid credentials. Confirm that you've configured the correct host.")
        elif received.method == "GET":
            reply = self._read(urlsplit(received.path).path, parse_qs(urlsplit(received.path).query))
        elif received.path != "/api/public/otel/v1/traces":
            reply = self._fault(404, f"no such path: {received.path}")
        elif self._lost_requests:
            self._lost_requests -= 1
            reply = hanging_up
        else:
            reply = self._take(received)
            if self._lost_answers:
                self._lost_answers -= 1
                reply = hanging_up
        reply(handler, received)
        return False

    def _take(self, received: Received) -> Answer:
        if len(received.body) > LARGEST:
            return refusal(413, "Body exceeded 5mb limit")
        version = received.headers.get("x-langfuse-ingestion-version", "")
        if version != "4":
            return self._fault(400, f"ingestion version is {version or 'not given'}")
        if received.headers.get("content-type") != "application/x-protobuf":
            return self._fault(400, "Invalid content type")
        try:
            body, request = self._body(received), ExportTraceServiceRequest()
            request.ParseFromString(body)
        except (OSError, DecodeError):
            return self._fault(400, "Failed to parse OTel Protobuf Trace")
        if len(body) > _LARGEST_INSIDE:
            self.faults.append(f"a body of {len(body)} bytes")
        spans = list(_spans(request))
        if any(len(span.trace_id) != 16 or len(span.span_id) != 8 for _, span, _ in spans):
            return self._fault(400, "Invalid trace or span id")
        self.observations += [self._observed(*each) for each in spans]
        return answer(200, JSON, b"{}")

    def _body(self, received: Received) -> bytes:
        encoding = received.headers.get("content-encoding", "")
        if encoding not in ("", "gzip"):
            self.faults.append(f"{encoding} is not decoded")
        return gzip.decompress(received.body) if encoding == "gzip" else received.body

    def _read(self, path: str, query: Mapping[str, list[str]]) -> Answer:
        if path == "/api/public/projects":
            return answer(200, JSON, json.dumps({"data": [{"id": "p_1", "name": "shop"}]}).encode())
        if path != "/api/public/v2/observations" or not self._has_api:
            return answer(404, {"content-type": "text/html"}, b"<!DOCTYPE html><title>404</title>")
        wanted = {name: values[0] for name, values in query.items()}
        limit, conditions = int(wanted.pop("limit", "50")), json.loads(wanted.pop("filter", "[]"))
        if wanted != {"fields": "core"} or not 0 < limit <= 1000:
            return self._fault(400, f"Invalid request data: {wanted}, {limit}")
        self.asked += conditions
        kept = [each for each in self.observations if all(_fits(each, condition) for condition in conditions)]
        meta = {"cursor": "more"} if len(kept) > limit else {}
        data = [{"id": each.id, "traceId": each.trace_id, "type": each.type.upper()} for each in kept[:limit]]
        return answer(200, JSON, json.dumps({"data": data, "meta": meta}).encode())

    def _observed(self, resource: dict[str, Any], span: Any, size: int) -> Observation:
        seen = {pair.key: _value(pair.value, self.faults) for pair in span.attributes}
        self.faults += [f"unknown: {name}" for name in seen if name.startswith("langfuse.") and name not in _OURS]
        if size > _LARGEST_SPAN:
            self.faults.append(f"a span of {size} bytes")
        found = Observation(**_shown(seen, resource, span, self.faults))
        self.faults += _wrong(found, span)
        return found

    def _fault(self, status: int, what: str) -> Answer:
        self.faults.append(what)
        return refusal(status, what)


def refusal(status: int, message: str, **headers: str) -> Answer:
    """Answer as Langfuse's API refuses."""
    return in_json(status, {"message": message, "error": "LangfuseError"}, **headers)


@contextmanager
def langfuse(*first: Any, **settings: Any) -> Iterator[tuple[Cloud, Platform]]:
    """Open a Langfuse that gives the `first` answers before its own."""
    cloud = Cloud(**settings)
    with Platform(*first, cloud).open() as platform:
        yield cloud, platform


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[dict[str, Any], Any, int]]:
    for one in request.resource_spans:
        resource = {pair.key: _value(pair.value, []) for pair in one.resource.attributes}
        for scope in one.scope_spans:
            yield from ((resource, span, span.ByteSize()) for span in scope.spans)


def _value(value: Any, faults: list[str]) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each, faults) for each in value.array_value.values]
    if kind not in ("string_value", "bool_value", "int_value", "double_value"):
        faults.append(f"a value of the kind {kind}")
    return getattr(value, kind or "string_value")


def _fits(seen: Observation, condition: Mapping[str, Any]) -> bool:
    match condition["type"], condition["column"], condition["operator"]:
        case "stringOptions", "id", "any of":
            return seen.id in condition["value"]
        case "datetime", "startTime", ">=":
            return seen.start / 1e9 >= datetime.fromisoformat(condition["value"]).timestamp()
    raise AssertionError(condition)


def _shown(seen: dict[str, Any], resource: dict[str, Any], span: Any, faults: list[str]) -> dict[str, Any]:
    """Return the fields of an observation, each by Langfuse's order of attributes."""
    given = {name: _object(seen, f"langfuse.observation.{name}", faults) for name in _JSON_OBJECTS}
    is_agent = seen.get("gen_ai.operation.name") in ("invoke_agent", "agent_step")
    asked, answered = _sides(seen, faults)
    failed = span.status.code == span.status.STATUS_CODE_ERROR
    return {
        "id": span.span_id.hex(),
        "trace_id": span.trace_id.hex(),
        "parent_id": span.parent_span_id.hex() or None,
        "type": _type(seen),
        "name": _first(seen, "gen_ai.tool.name", "logfire.msg") or span.name,
        "trace_name": seen.get("langfuse.trace.name"),
        "start": span.start_time_unix_nano,
        "level": seen.get("langfuse.observation.level") or ("ERROR" if failed else "DEFAULT"),
        "status_message": seen.get("langfuse.observation.status_message") or span.status.message or None,
        "model": None if is_agent else _first(seen, *_MODEL),
        "parameters": given["model.parameters"] or _parameters(seen),
        "usage": {} if is_agent else given["usage_details"] or _usage(seen),
        "cost": None if is_agent else given["cost_details"] or _cost(seen),
        "completion_start_time": seen.get("langfuse.observation.completion_start_time"),
        "input": asked,
        "output": answered,
        "tool_calls": _calls(answered),
        "tools": [each["function"]["name"] for each in (asked or {}).get("tools", [])] if _is(asked, dict) else [],
        "user": _first(seen, "langfuse.user.id", "user.id"),
        "session": _first(seen, "langfuse.session.id", "session.id", "gen_ai.conversation.id"),
        "tags": _tags(seen, faults),
        "metadata": {**(given["metadata"] or {}), **(_object(seen, "langfuse.trace.metadata", faults) or {})},
        "environment": _environment(seen, resource),
        "release": seen.get("langfuse.release") or resource.get("langfuse.release"),
        "version": seen.get("langfuse.version") or resource.get("service.version"),
    }


def _first(seen: Mapping[str, Any], *names: str) -> Any:
    return next((seen[name] for name in names if seen.get(name)), None)


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind)


def _object(seen: Mapping[str, Any], name: str, faults: list[str]) -> dict[str, Any] | None:
    """Return the object that an attribute has as JSON text; numbers with a point are decimals, as they are written."""
    if name not in seen:
        return None
    try:
        found = json.loads(seen[name], parse_float=Decimal, parse_constant=_no_number)
        assert isinstance(found, dict)
    except (ValueError, TypeError, AssertionError):
        faults.append(f"{name} is no JSON object")
        return None
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _type(seen: Mapping[str, Any]) -> str:
    stated = str(seen.get("langfuse.observation.type") or seen.get("openinference.span.kind") or "").lower()
    if stated in _TYPES:
        return stated
    operation = _OPERATIONS.get(str(seen.get("gen_ai.operation.name")))
    if operation is not None:
        return operation
    if _first(seen, "gen_ai.tool.name", "gen_ai.tool.call.id"):
        return "tool"
    return "generation" if _first(seen, *_MODEL) else "span"


def _sides(seen: Mapping[str, Any], faults: list[str]) -> tuple[Any, Any]:
    """Return input and output: of the first pair of names of which one is there."""
    for asked, answered in (
        ("langfuse.observation.input", "langfuse.observation.output"),
        ("input.value", "output.value"),
        ("gen_ai.input.messages", "gen_ai.output.messages"),
        ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
    ):
        if seen.get(asked) or seen.get(answered):
            return _meant(seen.get(asked), faults), _meant(seen.get(answered), faults)
    return None, None


def _meant(written: Any, faults: list[str]) -> Any:
    """Return what text means that may be JSON."""
    if not isinstance(written, str) or written[:1] not in ("{", "["):
        return written
    try:
        return json.loads(written, parse_constant=_no_number)
    except ValueError:
        faults.append("words that are JSON and break off")
        return written


def _calls(answered: Any) -> list[tuple[str, str, Any]]:
    """Return id, name and arguments of the tool calls: Langfuse finds them in OpenAI's messages alone."""
    messages = answered if isinstance(answered, list) else [answered]
    calls = [call for each in messages if isinstance(each, dict) for call in each.get("tool_calls") or []]
    return [(call["id"], call["function"]["name"], _arguments(call["function"]["arguments"])) for call in calls]


def _arguments(written: str) -> Any:
    """Return what arguments mean; of a model that wrote no JSON, what it wrote."""
    try:
        return json.loads(written)
    except ValueError:
        return written


def _parameters(seen: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name.removeprefix("gen_ai.request."): value for name, value in seen.items() if "gen_ai.request." in name}
    return {name: value for name, value in asked.items() if name != "model"}


def _usage(seen: Mapping[str, Any]) -> dict[str, int]:
    cached = seen.get("gen_ai.usage.cache_read.input_tokens") or 0
    thought = seen.get("gen_ai.usage.reasoning.output_tokens") or 0
    counts = {
        "input": (seen.get("gen_ai.usage.input_tokens") or 0) - cached,
        "input_cached_tokens": cached,
        "output": (seen.get("gen_ai.usage.output_tokens") or 0) - thought,
        "output_reasoning_tokens": thought,
    }
    return {name: count for name, count in counts.items() if count}


def _cost(seen: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Return the cost by the conventions' name, of which Langfuse takes no zero."""
    cost = seen.get("gen_ai.usage.cost")
    return {"total": Decimal(str(cost))} if cost else None


def _tags(seen: Mapping[str, Any], faults: list[str]) -> list[str]:
    tags = seen.get("langfuse.trace.tags") or seen.get("langfuse.tags") or []
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        faults.append("tags are no list of texts")
        return []
    return tags


def _environment(seen: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    names = ("langfuse.environment", "deployment.environment.name", "deployment.environment")
    stated = next((each for name in names if (each := seen.get(name) or resource.get(name))), "default")
    allowed = re.fullmatch(r"(?!langfuse)[a-z0-9_-]{1,40}", str(stated).lower())
    return str(stated).lower() if allowed else "default"


def _wrong(found: Observation, span: Any) -> Iterator[str]:
    """Yield what Langfuse would not show as it is meant."""
    for what in (found.user, found.session, found.trace_name, *found.tags):
        if what is not None and len(what) > 200:
            yield f"{what[:20]}… is longer than Langfuse keeps"
    for what, counts in (("usage", found.usage), ("cost", found.cost or {})):
        for name, count in counts.items():
            if isinstance(count, bool) or not isinstance(count, int | Decimal) or count < 0:
                yield f"{what}: {name} is {count!r}"
    if any(isinstance(count, Decimal) for count in found.usage.values()):
        yield "usage that is no integer"
    if found.level not in ("DEBUG", "DEFAULT", "WARNING", "ERROR"):
        yield f"no such level: {found.level}"
    yield from _wrong_time(found.completion_start_time, span)


def _wrong_time(written: str | None, span: Any) -> Iterator[str]:
    if written is None:
        return
    at = datetime.fromisoformat(written)
    if at.tzinfo != UTC:
        yield f"{written} is not in UTC"
    if not span.start_time_unix_nano // 1000 <= round(at.timestamp() * 1e6) <= span.end_time_unix_nano // 1000:
        yield f"{written} is not within its span"
