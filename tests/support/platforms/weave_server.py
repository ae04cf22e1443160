"""Weave's own server code behind HTTP, run by the interpreter of an environment that has weave[trace-server]==0.53.12.

It is the last version whose server is open. Spans are read by its parser, and written as for its table by the client
of ClickHouse that it has; calls are taken by its schema into its server in memory; what that has is given back.
`python weave_server.py PORT`.
"""

import base64
import gzip
import json
import sys
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_absent = types.ModuleType("weave.trace_server.model_providers.model_providers")  # the wheel has left it out
_absent.VERTEX_PROVIDER_NAMES = ()  # type: ignore[attr-defined]
_absent.LLMModelProviderInfo = dict  # type: ignore[attr-defined]
_absent.read_model_to_provider_info_map = lambda *_, **__: {}  # type: ignore[attr-defined]
sys.modules["weave.trace_server.model_providers"] = types.ModuleType("weave.trace_server.model_providers")
sys.modules[_absent.__name__] = _absent

from clickhouse_connect.datatypes.registry import get_from_name  # type: ignore[import-not-found]  # noqa: E402
from clickhouse_connect.driver.insert import InsertContext  # type: ignore[import-not-found]  # noqa: E402
from clickhouse_connect.driver.transform import NativeTransform  # type: ignore[import-not-found]  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: E402
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from weave.trace_server import in_memory_trace_server, trace_server_interface  # type: ignore[import-not-found]  # noqa: E402
from weave.trace_server.opentelemetry.genai_extraction import (  # type: ignore[import-not-found]  # noqa: E402
    extract_genai_span,
    redact_credentials_from_span,
)
from weave.trace_server.opentelemetry.helpers import (  # type: ignore[import-not-found]  # noqa: E402
    AttributePathConflictError,
)
from weave.trace_server.opentelemetry.python_spans import Resource, Span  # type: ignore[import-not-found]  # noqa: E402

SERVER = next(
    each
    for name, each in vars(in_memory_trace_server).items()
    if isinstance(each, type) and hasattr(each, "otel_export") and each.__module__ == in_memory_trace_server.__name__
)()
SPANS: list[dict[str, Any]] = []
COLUMNS = {
    **dict.fromkeys(("input_tokens", "output_tokens", "reasoning_tokens", "request_max_tokens"), "UInt64"),
    **dict.fromkeys(("cache_creation_input_tokens", "cache_read_input_tokens"), "UInt64"),
    **dict.fromkeys(("request_choice_count", "server_port"), "UInt32"),
    "request_seed": "Int64",
    "custom_attrs_int": "Map(String, Int64)",
    "custom_attrs_float": "Map(String, Float64)",
}
"""Of its table of spans (`migrations/030_add_agent_tables.up.sql`), those that have no room for everything."""


def inside(place: str) -> str:
    """Return a project as the server has it within: without a slash."""
    return base64.b64encode(place.encode()).decode().rstrip("=")


def write(span: Any) -> None:
    """Write a row as it goes to the table; raises for a value that has no room."""
    types = [get_from_name(kind) for kind in COLUMNS.values()]
    context = InsertContext("spans", [*COLUMNS], types, [[getattr(span, name) for name in COLUMNS]])
    list(NativeTransform().build_insert(context))
    if context.insert_exception is not None:
        raise context.insert_exception


def taken(body: bytes) -> bytes:
    """Read spans as the Agents view does; return the answer."""
    reply = ExportTraceServiceResponse()
    for one in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = Resource.from_proto(one.resource)
        place = resource.attributes.get("wandb") or {}
        for span in (span for scope in one.scope_spans for span in scope.spans):
            try:
                read = Span.from_proto(span, resource)
                redact_credentials_from_span(read)
                project = f"{place['entity']}/{place['project']}"
                found = extract_genai_span(read, project_id=inside(project), wb_user_id="u")
                read.to_call(inside(project), wb_user_id="u")
                write(found)
            except (AttributePathConflictError, KeyError) as error:
                reply.partial_success.rejected_spans += 1
                reply.partial_success.error_message = str(error)
            else:
                SPANS.append({**found.model_dump(), "place": project})
    return reply.SerializeToString()


def upserted(body: bytes) -> bytes:
    """Take calls by the schema of the API; return the answer."""
    seen = json.loads(body)
    for item in seen["batch"]:
        said = item["req"][item["mode"]]
        said["project_id"] = inside(said["project_id"])
    request = trace_server_interface.CallCreateBatchReq.model_validate(seen)
    return SERVER.call_start_batch(request).model_dump_json().encode()


def listed(body: bytes) -> bytes:
    """Return calls as a query finds them."""
    seen = json.loads(body)
    seen["project_id"] = inside(seen["project_id"])
    found = SERVER.calls_query(trace_server_interface.CallsQueryReq.model_validate(seen)).calls
    return json.dumps({"calls": [call.model_dump(mode="json") for call in found]}).encode()


JSON, PROTOBUF = "application/json", "application/x-protobuf"
ROUTES = {
    "/agents/otel/v1/traces": (taken, PROTOBUF),
    "/call/upsert_batch": (upserted, JSON),
    "/calls/query": (listed, JSON),
}


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if not (self.headers.get("wandb-api-key") or self.headers.get("authorization", "").startswith("Basic ")):
            self._answer(401, b"{}", JSON)
        elif self.path not in ROUTES:
            self._answer(404, b"{}", JSON)
        else:
            serve, kind = ROUTES[self.path]
            self._answer(200, serve(body), kind)

    def do_GET(self) -> None:
        """Give back what the Agents view has."""
        self._answer(200, json.dumps(SPANS, default=str).encode(), JSON)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
