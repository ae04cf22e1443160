"""A platform that reads OpenInference, as its clients see it: an OTLP endpoint, and spans by OpenInference's names.

Stricter than any: a name of OpenInference's that is misspelt or has a value of another type is a fault, and so is what
a platform would show twice or not at all. The names and types are those of OpenInference's specification ("Semantic
Conventions", of openinference-semantic-conventions 0.1.42).
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import PROTOBUF, Platform, Received, answer, in_json

KINDS = {"LLM", "EMBEDDING", "CHAIN", "RETRIEVER", "RERANKER", "TOOL", "AGENT", "GUARDRAIL", "EVALUATOR", "PROMPT"}
_MESSAGE = r"llm\.(input|output)_messages\.\d+\.message"
_CONTENT = rf"{_MESSAGE}\.contents\.\d+\.message_content"
_TEXTS = (
    r"(user|session|tool)\.id",
    r"(input|output)\.(value|mime_type)",
    r"openinference\.span\.kind",
    r"agent\.name",
    r"tool\.(name|description)",
    r"llm\.(model_name|provider|system|finish_reason|request\.model_name|response\.model_name)",
    r"embedding\.model_name",
    r"embedding\.embeddings\.\d+\.embedding\.text",
    rf"{_MESSAGE}\.(role|content|name|tool_call_id)",
    rf"{_MESSAGE}\.tool_calls\.\d+\.tool_call\.(id|function\.name|function\.arguments)",
    rf"{_CONTENT}\.(type|text)",
    rf"{_CONTENT}\.(image\.image|audio\.audio|video\.video|document\.document)\.url",
    rf"{_CONTENT}\.document\.document\.id",
)
_JSON = (
    "metadata",
    r"(llm|embedding)\.invocation_parameters",
    r"llm\.tools\.\d+\.tool\.json_schema",
)
_COUNTS = (
    r"llm\.token_count\.(prompt|completion|total)",
    r"llm\.token_count\.prompt_details\.cache_(read|write)",
    r"llm\.token_count\.completion_details\.reasoning",
)
_OURS = re.compile(r"(openinference|input|output|llm|embedding|tag|metadata|agent|tool|message|user|session)(\.|$)")
_TYPES: tuple[tuple[re.Pattern[str], Any], ...] = (
    *((re.compile(name), str) for name in _TEXTS),
    *((re.compile(name), dict) for name in _JSON),
    *((re.compile(name), int) for name in _COUNTS),
    (re.compile(r"llm\.cost\.(prompt|completion|total)"), float),
    (re.compile(r"tag\.tags"), list),
)


@dataclass(frozen=True)
class Shown:
    """A span as it is shown."""

    name: str
    parent_id: str | None
    status: str
    status_message: str
    attributes: dict[str, Any]
    events: list[tuple[str, int]]
    project: str | None

    def __getitem__(self, name: str) -> Any:
        """Return an attribute; `None` where it is not."""
        return self.attributes.get(name)

    def messages(self, side: str) -> list[dict[str, Any]]:
        """Return the `input` or the `output` messages, each by what is behind `message.`."""
        found: dict[int, dict[str, Any]] = {}
        for name, value in self.attributes.items():
            seen = re.fullmatch(rf"llm\.{side}_messages\.(\d+)\.message\.(.+)", name)
            if seen is not None:
                found.setdefault(int(seen[1]), {})[seen[2]] = value
        assert sorted(found) == list(range(len(found))), "messages are left out"
        return [found[at] for at in sorted(found)]


class Collector:
    """Answers as Phoenix does, and keeps what it would show."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.spans: dict[str, Shown] = {}
        """By id."""
        self.faults: list[str] = []
        self._headers = headers

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if not self._headers.items() <= received.headers.items():
            return in_json(401, {"detail": "Invalid token"})(handler, received) and False
        if (received.method, received.path) != ("POST", "/v1/traces"):
            self.faults.append(f"no such path: {received.path}")
            return in_json(404, {"detail": "Not Found"})(handler, received) and False
        try:
            self._take(received)
        except (OSError, DecodeError):
            return in_json(422, {"detail": "Request body is invalid"})(handler, received) and False
        return answer(200, PROTOBUF)(handler, received)

    def one(self, name: str) -> Shown:
        """Return the one span of a name."""
        (found,) = [each for each in self.spans.values() if each.name == name]
        return found

    def _take(self, received: Received) -> None:
        if received.headers.get("content-encoding") not in (None, "gzip"):
            self.faults.append("an encoding that nobody decodes")
        compressed = received.headers.get("content-encoding") == "gzip"
        request = ExportTraceServiceRequest.FromString(gzip.decompress(received.body) if compressed else received.body)
        for one in request.resource_spans:
            resource = {pair.key: _value(pair.value) for pair in one.resource.attributes}
            for span in (span for scope in one.scope_spans for span in scope.spans):
                found = _shown(span, resource)
                self.faults += _wrong(found)
                self.spans.setdefault(span.span_id.hex(), found)


@contextmanager
def collector(headers: Mapping[str, str], *first: Any) -> Iterator[tuple[Collector, Platform]]:
    """Open a platform that wants these headers and gives the `first` answers before its own."""
    kept = Collector(headers)
    with Platform(*first, kept).open() as platform:
        yield kept, platform


def _shown(span: Any, resource: Mapping[str, Any]) -> Shown:
    stated = [pair.key for pair in span.attributes]
    assert len(stated) == len(set(stated)), "an attribute is there twice"
    return Shown(
        span.name,
        span.parent_span_id.hex() or None,
        {0: "UNSET", 1: "OK", 2: "ERROR"}[span.status.code],
        span.status.message,
        {pair.key: _value(pair.value) for pair in span.attributes},
        [(event.name, event.time_unix_nano) for event in span.events],
        resource.get("openinference.project.name"),
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


def _wrong(found: Shown) -> Iterator[str]:
    for name, value in found.attributes.items():
        wanted = next((kind for pattern, kind in _TYPES if pattern.fullmatch(name)), None)
        if wanted is None and _OURS.match(name):
            yield f"{name} is no name of OpenInference's"
        if wanted is not None and type(_meant(value) if wanted is dict else value) is not wanted:
            yield f"{name} is {value!r}, and not a {wanted.__name__}"
    kind = found["openinference.span.kind"]
    if kind not in KINDS:
        yield f"no such kind: {kind}"
    told = any(name.startswith(("llm.input_messages", "llm.output_messages", "llm.tools")) for name in found.attributes)
    again = [name for name in found.attributes if re.fullmatch(r"gen_ai\.(input|output)\.messages", name)]
    if told and again:
        yield f"words are there twice: {again}"
    for side in ("input", "output"):
        yield from _wrong_side(found, side)


def _wrong_side(found: Shown, side: str) -> Iterator[str]:
    value, kind = found[f"{side}.value"], found[f"{side}.mime_type"]
    if (value is None) != (kind is None):
        yield f"{side}: a value and its kind come together"
    if kind == "application/json" and not isinstance(_meant(value), dict | list):
        yield f"{side}.value is no JSON"


def _meant(written: Any) -> Any:
    try:
        return json.loads(written)
    except (TypeError, ValueError):
        return None
