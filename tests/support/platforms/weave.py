"""Weave as its clients see it: the OTLP endpoint of its Agents view, and the API of calls behind its Traces view.

It reads spans and calls as Weave's own server does (weave 0.53.12, `opentelemetry` and `trace_server_interface`), with
its refusals: a span whose attributes form no tree is refused with a 200, and a project that nobody names with it.
Stricter than Weave: what it would drop or garble without a word is a fault.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.platform import JSON, PROTOBUF, Answer, Platform, Received, answer

KEY = "0123456789abcdef0123456789abcdef01234567"
PLACE = "acme/shop"
_LARGEST = 31 * 1024 * 1024
_START = {
    *("project_id", "id", "op_name", "display_name", "trace_id", "parent_id", "thread_id", "turn_id", "started_at"),
    *("attributes", "inputs", "otel_dump", "wb_user_id", "wb_run_id", "wb_run_step"),
}
_END = {
    *("project_id", "id", "trace_id", "is_eval", "started_at", "ended_at", "exception", "output", "summary"),
    "wb_run_step_end",
}
_USAGE = {
    *("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "requests", "total_tokens"),
    *("cache_creation_input_tokens", "cache_read_input_tokens"),
}
_COSTS = {"prompt_tokens_total_cost", "completion_tokens_total_cost"}
_UNPRICED = "openrouter:"
"""How names begin that W&B's table of prices cannot have; it has some of OpenRouter's own (weave 0.53.12, `costs`)."""


class NoTreeError(Exception):
    """The attributes of a span form no tree."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A span as the Agents view has it."""

    name: str
    trace_id: str
    parent_id: str
    place: str
    tree: dict[str, Any]
    status: str
    message: str

    def at(self, name: str) -> Any:
        """Return what stands in the tree under a dotted name; `None` for nothing."""
        found: Any = self.tree
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found


@dataclass
class Server:
    """Answers as Weave does, and keeps what it was given, by span id."""

    spans: dict[str, Shown] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Start and end of a call together."""
    faults: list[str] = field(default_factory=list)

    def one(self, name: str) -> Shown:
        """Return the one span of a name."""
        (found,) = [each for each in self.spans.values() if each.name == name]
        return found

    def call(self, name: str) -> dict[str, Any]:
        """Return the one call of a name."""
        (found,) = [each for each in self.calls.values() if each["display_name"] == name]
        return found

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if not _knows(received.headers):
            return answer(401, JSON, b'{"detail":"Invalid API key"}')
        match received.path:
            case "/agents/otel/v1/traces":
                return self._take(received)
            case "/call/upsert_batch":
                return self._upsert(json.loads(received.body, parse_float=Decimal))
            case "/calls/query":
                wanted = json.loads(received.body)
                ids = wanted.get("filter", {}).get("call_ids", [])
                listed = [{"id": each} for each in ids if each in self.calls]
                return answer(200, JSON, json.dumps({"calls": listed}).encode())
        self.faults.append(f"Not Found: {received.path}")
        return answer(404, JSON, b'{"detail":"Not Found"}')

    def _take(self, received: Received) -> Answer:
        if received.headers.get("content-type") != "application/x-protobuf":
            self.faults.append("no protobuf")
            return answer(415, JSON, b'{"detail":"Unsupported Media Type"}')
        packed = received.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(received.body) if packed else received.body
        try:
            request = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            self.faults.append("no OTLP")
            return answer(400, JSON, b'{"detail":"Bad Request"}')
        if len(body) > _LARGEST:
            return answer(413, JSON, b'{"detail":"Payload Too Large"}')
        refused = [why for one in request.resource_spans for why in self._resource(one)]
        reply = ExportTraceServiceResponse()
        if refused:
            reply.partial_success.rejected_spans = len(refused)
            reply.partial_success.error_message = "; ".join(refused)
        return answer(200, PROTOBUF, reply.SerializeToString())

    def _resource(self, one: Any) -> Iterator[str]:
        place = tree(one.resource.attributes).get("wandb", {})
        for span in (span for scope in one.scope_spans for span in scope.spans):
            if not place.get("entity") or not place.get("project"):
                yield "no entity or project"
                continue
            try:
                found = tree(span.attributes)
                for event in span.events:
                    tree(event.attributes)
            except NoTreeError as error:
                yield f"Rejected span (name='{span.name}' trace_id='' span_id='{span.span_id.hex()}'): {error}"
                continue
            self.spans[span.span_id.hex()] = Shown(
                name=span.name,
                trace_id=span.trace_id.hex(),
                parent_id=span.parent_span_id.hex(),
                place=f"{place['entity']}/{place['project']}",
                tree=found,
                status={0: "UNSET", 1: "OK", 2: "ERROR"}[span.status.code],
                message=span.status.message,
            )

    def _upsert(self, seen: Mapping[str, Any]) -> Answer:
        answers = []
        for item in seen["batch"]:
            said = item["req"][item["mode"]]
            unknown = set(said) - (_START if item["mode"] == "start" else _END)
            self.faults += [f"unknown of a call: {name}" for name in unknown]
            self.faults += [] if said["project_id"] == PLACE else [f"project {said['project_id']}"]
            if item["mode"] == "end":
                self.faults += _wrong(said["summary"])
            self.calls.setdefault(said["id"], {}).update(said)
            answers.append({"id": said["id"], "trace_id": said["trace_id"]} if item["mode"] == "start" else {})
        return answer(200, JSON, json.dumps({"res": answers}).encode())


@contextmanager
def weave(*first: Any) -> Iterator[tuple[Server, Platform]]:
    """Open a Weave that gives the `first` answers before its own."""
    server = Server()
    with Platform(*first, server).open() as platform:
        yield server, platform


def cost_shown(call: Mapping[str, Any]) -> Any:
    """Return what Weave shows that a call cost: what came with it, where no table has a price of the model."""
    summary = call["summary"]
    (model,) = summary["usage"]
    if not model.startswith(_UNPRICED):
        return "computed"
    costs = summary.get("weave", {}).get("costs", {}).get(model, {})
    return sum((costs[name] for name in _COSTS if name in costs), Decimal(0)) if _COSTS & set(costs) else None


def tree(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return attributes as the tree that Weave makes of their names; text that is JSON is read."""
    found: dict[str, Any] = {}
    for pair in pairs:
        *above, last = pair.key.split(".")
        at = found
        for part in above:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise NoTreeError(f"cannot set subkey under {pair.key!r}")
        if isinstance(at.get(last), dict):
            raise NoTreeError(f"key {pair.key!r} already has nested values")
        at[last] = _read(pair.value)
    return found


def _read(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_read(each) for each in value.array_value.values]
    found = getattr(value, kind)
    if isinstance(found, str) and found[:1] in ("{", "["):
        try:
            return _Json(json.loads(found))
        except json.JSONDecodeError:  # any other error is Weave's own failure, and the whole request's
            return found
    return found


class _Json(list[Any]):
    """JSON that was text: no part of the tree, for a name beside it is not below it."""

    def __new__(cls, meant: Any) -> Any:
        return meant if not isinstance(meant, dict) else _JsonObject(meant)


class _JsonObject(dict[str, Any]):
    """An object that was text."""


def _knows(headers: Mapping[str, str]) -> bool:
    basic = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
    return headers.get("wandb-api-key") == KEY or headers.get("authorization") == basic


def _wrong(summary: Mapping[str, Any]) -> Iterator[str]:
    for model, usage in summary.get("usage", {}).items():
        yield from (f"unknown usage {name} of {model}" for name in set(usage) - _USAGE)
        both = {"prompt_tokens", "input_tokens"} <= set(usage) or {"completion_tokens", "output_tokens"} <= set(usage)
        yield from [f"tokens of {model} are counted twice"] if both else []
        yield from (f"{name} is {count!r}" for name, count in usage.items() if type(count) is not int or count < 0)
    costs = summary.get("weave", {}).get("costs", {})
    yield from (f"costs of {model}, of which there is no usage" for model in set(costs) - set(summary.get("usage", {})))
    for cost in costs.values():
        yield from (f"unknown of a cost: {name}" for name in set(cost) - _USAGE - _COSTS - {"provider_id"})
