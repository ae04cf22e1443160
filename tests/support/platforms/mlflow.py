"""MLflow's tracking server 3.17 as its clients see it: the OTLP endpoint, and an experiment by its id.

It refuses what MLflow refuses, and with it the whole request; a span that comes again replaces the first. Stricter than
MLflow: one of MLflow's own attributes that is misspelt, or has another type than MLflow's client gives it, is a fault,
and so are words that are there twice.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import PROTOBUF, Platform, Received, answer, in_json

EXPERIMENT, NAME = "42", "the shop/1"
_EXPERIMENTS = {"get": ("experiment_id", EXPERIMENT), "get-by-name": ("experiment_name", NAME)}
_LONGEST_SESSION = 250
_LONGEST_NAME = 4096
_KINDS = {
    *("LLM", "CHAIN", "AGENT", "TOOL", "CHAT_MODEL", "RETRIEVER", "EMBEDDING", "RERANKER", "WORKFLOW", "TASK"),
}
_TEXTS = {"mlflow.spanType", "mlflow.llm.model", "mlflow.llm.provider", "mlflow.message.format"}
_USAGE = {
    *("input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "cache_creation_input_tokens_above_1hr",
}
_COSTS = {"input_cost", "output_cost", "total_cost"}
_TAG = "mlflow.traceTag."


@dataclass(frozen=True)
class Shown:
    """A span as it is shown, with what the JSON of its attributes means."""

    name: str
    trace_id: str
    parent_id: str | None
    status: str
    status_message: str
    attributes: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return an attribute; `None` where it is not."""
        return self.attributes.get(name)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the trace, which its root has."""
        return {name.removeprefix(_TAG): text for name, text in self.attributes.items() if name.startswith(_TAG)}


class Tracking:
    """Answers as a tracking server does, and keeps what it would show."""

    def __init__(self, credential: str | None = None) -> None:
        self.spans: dict[str, Shown] = {}
        """By id."""
        self.faults: list[str] = []
        self._credential = credential

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if received.headers.get("authorization") != self._credential:
            reply = answer(401, {"content-type": "text/html"}, b"You are not authenticated.")
        elif received.method == "GET":
            reply = self._experiment(received.path)
        elif received.path != "/v1/traces":
            reply = in_json(404, {"detail": "Not Found"})
        else:
            reply = self._take(received)
        return reply(handler, received) and False

    def one(self, name: str) -> Shown:
        """Return the one span of a name."""
        (found,) = [each for each in self.spans.values() if each.name == name]
        return found

    def _experiment(self, path: str) -> Any:
        parts = urlsplit(path)
        by, known = _EXPERIMENTS.get(parts.path.removeprefix("/api/2.0/mlflow/experiments/"), ("", ""))
        if not by:
            self.faults.append(f"no such path: {path}")
        asked = parse_qs(parts.query).get(by, [""])[0]
        if asked != known:
            message = f"No Experiment with {by}={asked} exists"
            return in_json(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message})
        return in_json(200, {"experiment": {"experiment_id": EXPERIMENT, "name": NAME}})

    def _take(self, received: Received) -> Any:
        if "x-mlflow-experiment-id" not in received.headers:
            return in_json(422, {"detail": [{"msg": "Field required"}]})
        if received.headers["x-mlflow-experiment-id"] != EXPERIMENT:
            return in_json(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No Experiment"})
        try:
            body = gzip.decompress(received.body) if "content-encoding" in received.headers else received.body
            request = ExportTraceServiceRequest.FromString(body)
        except (OSError, DecodeError):
            return in_json(400, {"detail": "Invalid OpenTelemetry format"})
        scopes = (scope for one in request.resource_spans for scope in one.scope_spans)
        found = {span.span_id.hex(): _shown(span) for scope in scopes for span in scope.spans}
        if not found:
            return in_json(400, {"detail": "Invalid OpenTelemetry format - no spans found"})
        if any(_fails(each) for each in found.values()):
            return in_json(422, {"detail": "Failed to log OpenTelemetry spans"})
        self.faults += [fault for each in found.values() for fault in _wrong(each)]
        self.spans |= found
        return answer(200, PROTOBUF)


@contextmanager
def mlflow(*first: Any, credential: str | None = None) -> Iterator[tuple[Tracking, Platform]]:
    """Open a tracking server that gives the `first` answers before its own."""
    tracking = Tracking(credential)
    with Platform(*first, tracking).open() as platform:
        yield tracking, platform


def _shown(span: Any) -> Shown:
    stated = [pair.key for pair in span.attributes]
    assert len(stated) == len(set(stated)), "an attribute is there twice"
    return Shown(
        span.name,
        span.trace_id.hex(),
        span.parent_span_id.hex() or None,
        {0: "UNSET", 1: "OK", 2: "ERROR"}[span.status.code],
        span.status.message,
        {pair.key: _meant(pair.key, _value(pair.value)) for pair in span.attributes},
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


def _meant(name: str, value: Any) -> Any:
    """Return what JSON means in MLflow's own attributes; numbers with a point are decimals, as they are written."""
    if not isinstance(value, str) or not name.startswith("mlflow.") or name.startswith(_TAG) or name in _TEXTS:
        return value
    try:
        return json.loads(value, parse_float=Decimal, parse_constant=_no_number)
    except ValueError:
        return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _fails(found: Shown) -> bool:
    """Whether MLflow cannot store a span."""
    session = found["session.id"] or found["gen_ai.conversation.id"] or ""
    name = found[f"{_TAG}mlflow.traceName"] or ""
    if len(str(session)) > _LONGEST_SESSION or len(name) > _LONGEST_NAME:
        return True
    try:
        for value in found.attributes.values():
            if isinstance(value, str) and value[:1] in ("[", "{"):
                json.loads(value)
    except RecursionError:
        return True
    except ValueError:
        return False
    return False


def _wrong(found: Shown) -> Iterator[str]:
    own = {name: value for name, value in found.attributes.items() if name.startswith("mlflow.")}
    for name, value in own.items():
        if not _is_right(name, value):
            yield f"{name} is {value!r}"
    tagged = [name for name in own if name.startswith(_TAG)]
    if tagged and found.parent_id is not None:
        yield f"{tagged} of a span that is no root"
    again = [name for name in found.attributes if name in ("gen_ai.input.messages", "gen_ai.output.messages")]
    if again and ("mlflow.spanInputs" in own or "mlflow.spanOutputs" in own):
        yield f"words are there twice: {again}"


def _is_right(name: str, value: Any) -> bool:
    match name:
        case "mlflow.spanType":
            return value in _KINDS
        case "mlflow.llm.cost":
            return _all(value, _COSTS, Decimal | int) and "total_cost" in value
        case "mlflow.chat.tokenUsage":
            return _all(value, _USAGE, int)
        case "mlflow.chat.tools":
            return all(tool["type"] for tool in value)
        case "mlflow.spanInputs" | "mlflow.spanOutputs":
            return value is not None
        case _:
            return name in _TEXTS or (name.startswith(_TAG) and isinstance(value, str))


def _all(value: Mapping[str, Any], names: set[str], kind: Any) -> bool:
    return bool(value) and set(value) <= names and all(isinstance(each, kind) for each in value.values())
