"""Braintrust's OTLP intake, as strict as its specification (braintrust-spec, "Span Data Model", "Token and cost ...").

It makes a row of each span as Braintrust documents it, an id upserting (docs, "Attributes and events", "OTLP traces
endpoint payload limits", "Null input on spans"): text that is no JSON in a field that is JSON, a metric that the
specification does not name and a key that is the beginning of another are faults. Its grammar of errors is documented
for 413 alone; the others are `{"error": …}`.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import jsonschema
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.support.platform import JSON, PROTOBUF, Platform, Received, answer, in_json

KEY = "sk-0123456789abcdefghijklmnopqrstuvwxyz"
PROJECT = "5a8d02e5-b3b6-40cc-ba76-ecee286478f4"
_LARGEST = 10_000_000
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number", "minimum": 0}
_METRICS = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "tokens", "completion_reasoning_tokens"), _COUNT),
        **dict.fromkeys(("prompt_cached_tokens", "prompt_cache_creation_tokens"), _COUNT),
        **dict.fromkeys(("prompt_cache_creation_5m_tokens", "prompt_cache_creation_1h_tokens"), _COUNT),
        **dict.fromkeys(("prompt_audio_tokens", "completion_audio_tokens", "completion_image_tokens"), _COUNT),
        **dict.fromkeys(("time_to_first_token", "estimated_cost"), _NUMBER),
    },
    "additionalProperties": False,
}
_TOOL_CALL = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "properties": {"name": _TEXT, "arguments": _TEXT},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "type", "function"],
    "additionalProperties": False,
}
_MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array", "null"]},
        "tool_calls": {"type": "array", "items": _TOOL_CALL, "minItems": 1},
    },
    "required": ["role", "content"],
}
_EMBEDDED = {
    "type": "object",
    "properties": {
        "inputs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"content": {"type": ["string", "array"]}},
                "required": ["content"],
                "additionalProperties": False,
            },
            "minItems": 1,
        },
        "output_dimensions": _COUNT,
    },
    "required": ["inputs"],
    "additionalProperties": False,
}
"""What was embedded (braintrust-spec, "Embedding APIs")."""
_CHOICE = {
    "type": "object",
    "properties": {"index": _COUNT, "finish_reason": {"type": ["string", "null"]}, "message": _MESSAGE},
    "required": ["index", "finish_reason", "message"],
    "additionalProperties": False,
}
_LLM = {
    "properties": {
        "span_attributes": {"properties": {"type": {"const": "llm"}}, "required": ["type", "name"]},
        "metadata": {"required": ["model", "provider"]},
        "input": {"anyOf": [{"type": ["array", "null"], "items": _MESSAGE}, _EMBEDDED]},
        "output": {"type": ["array", "null"], "items": _CHOICE},
    }
}
_ROW = {
    "type": "object",
    "properties": {
        "span_attributes": {
            "type": "object",
            "properties": {"name": _TEXT, "type": {"enum": ["llm", "task", "tool"]}},
            "required": ["name"],
            "additionalProperties": False,
        },
        "metadata": {"type": "object"},
        "metrics": _METRICS,
        "tags": {"type": "array", "items": _TEXT},
        "context": {
            "type": "object",
            "properties": {
                "span_origin": {
                    "type": "object",
                    "properties": {
                        "name": {"not": {"pattern": r"^braintrust\."}, "type": "string"},
                        "version": _TEXT,
                        "instrumentation": {"type": "object", "required": ["name"]},
                        "environment": {"type": "object"},
                    },
                    "required": ["name"],
                    "additionalProperties": False,
                }
            },
            "required": ["span_origin"],
        },
    },
}
_FIELDS = ("span_attributes", "input_json", "output_json", "metadata", "metrics", "context_json")


class Intake:
    """Answers a request as Braintrust does, and keeps the rows that it made."""

    def __init__(
        self,
        *,
        key: str = KEY,
        parent: str = "project_name:shop",
        largest: int = _LARGEST,
        refuses: tuple[str, ...] = (),
    ) -> None:
        self.key, self.parent, self.largest, self.refuses = key, parent, largest, refuses
        self.rows: dict[str, dict[str, Any]] = {}
        """By id. Numbers with a point are decimals, as they are written."""
        self.writes: list[str] = []
        """The ids of all rows that were written, in order."""
        self.faults: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if received.headers.get("authorization") != f"Bearer {self.key}":
            return errors(401, "Invalid API key")(handler, received)
        if received.method == "GET":
            return self._read(handler, received)
        wrong = self._wrong(received)
        if wrong is not None:
            self.faults.append(wrong)
            return errors(400, wrong)(handler, received)
        body = gzip.decompress(received.body)
        if len(body) > self.largest:
            return answer(413, JSON, b'{"message": "Request Too Long"}')(handler, received)
        return self._take(handler, received, ExportTraceServiceRequest.FromString(body))

    def _take(self, handler: BaseHTTPRequestHandler, received: Received, request: ExportTraceServiceRequest) -> bool:
        reply, refused = ExportTraceServiceResponse(), 0
        for span in (span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans):
            if span.span_id.hex() in self.refuses:
                refused += 1
            else:
                self._write(row(span))
        if refused:
            reply.partial_success.rejected_spans, reply.partial_success.error_message = refused, "bad span"
        answer(200, PROTOBUF, reply.SerializeToString())(handler, received)
        return False

    def _write(self, made: dict[str, Any]) -> None:
        self.faults += faults(made)
        self.writes.append(made["id"])
        self.rows[made["id"]] = made

    def _read(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if received.path == f"/v1/project/{PROJECT}":
            return answer(200, JSON, json.dumps({"id": PROJECT, "name": "shop"}).encode())(handler, received)
        if received.path == "/v1/project?limit=1":
            return answer(200, JSON, b'{"objects": []}')(handler, received)
        return errors(404, "Not found")(handler, received)

    def _wrong(self, received: Received) -> str | None:
        expected = {
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
            "x-bt-parent": self.parent,
        }
        if (received.method, received.path) != ("POST", "/otel/v1/traces"):
            return f"{received.method} {received.path}"
        seen = {name: received.headers.get(name) for name in expected}
        return None if seen == expected else f"headers: {seen}"


def row(span: trace_pb2.Span) -> dict[str, Any]:
    """Return the row that Braintrust makes of a span; `unread` are the fields of its own that it could not read."""
    stated = {pair.key: _value(pair.value) for pair in span.attributes}
    made: dict[str, Any] = {
        "id": span.span_id.hex(),
        "span_id": span.span_id.hex(),
        "root_span_id": span.trace_id.hex(),
        "span_parents": [span.parent_span_id.hex()] if span.parent_span_id else [],
        "input": None,
        "output": None,
        "metadata": {},
        "metrics": {},
        "tags": stated.pop("braintrust.tags", []),
        "error": _error(span),
        "unread": [],
        "keys": sorted(stated),
        "raw": {name: value for name, value in stated.items() if not name.startswith("braintrust.")},
    }
    for name in _FIELDS:
        written = stated.get(f"braintrust.{name}")
        if written is None:
            continue
        try:
            made[name.removesuffix("_json")] = json.loads(written, parse_float=Decimal, parse_constant=_no_number)
        except ValueError:
            made["unread"].append(name)
    return made


def faults(made: dict[str, Any]) -> list[str]:
    """Return what is wrong with a row."""
    found = [f"{name} is no JSON" for name in made["unread"]]
    found += [f"{one} begins {other}" for one in made["keys"] for other in made["keys"] if other.startswith(f"{one}.")]
    found += [f"unknown: {key}" for key in made["keys"] if key.startswith("braintrust.") and key[11:] not in _FIELDS]
    schema = [_ROW, _LLM] if made.get("span_attributes", {}).get("type") == "llm" else [_ROW]
    checker = jsonschema.Draft202012Validator({"allOf": schema})
    return found + [f"{error.json_path}: {error.message}"[:300] for error in checker.iter_errors(made)]


def _error(span: trace_pb2.Span) -> dict[str, Any] | None:
    if span.status.code != trace_pb2.Status.STATUS_CODE_ERROR:
        return None
    events = [{pair.key: _value(pair.value) for pair in event.attributes} for event in span.events]
    return {"status": span.status.message, "exceptions": events}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def errors(status: int, what: str, **headers: str) -> Any:
    """Answer with an error."""
    return in_json(status, {"error": what}, **headers)


@contextmanager
def braintrust(*first: Any, **settings: Any) -> Iterator[tuple[Intake, Platform]]:
    """Open an intake that gives the `first` answers before its own."""
    intake = Intake(**settings)
    with Platform(*first, intake).open() as platform:
        yield intake, platform
