"""Elastic Cloud's managed OTLP endpoint as its clients see it (Elastic, "Managed OTLP Endpoint", "Troubleshooting").

It keeps a span as Elasticsearch's OpenTelemetry data streams have it: attributes under their own names, dots and all.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.platform import Answer, Platform, Received, answer, in_json

KEY = "Zm9vOmJhcg=="
TOKEN = "t0k3n"
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Document:
    """A span in `traces-generic.otel-default`."""

    name: str
    status: str | None
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


class Endpoint:
    """Answers as Elastic does, and keeps the documents."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.faults: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if (received.method, received.path) != ("POST", "/v1/traces"):
            return self._fault(404, f"{received.method} {received.path}")
        said = received.headers.get("authorization", "")
        if said not in (f"ApiKey {KEY}", f"Bearer {TOKEN}"):
            known = said.startswith(("ApiKey ", "Bearer "))
            return in_json(
                401, {"code": 16, "message": "unable to authenticate" if known else "ApiKey prefix not found"}
            )
        return self._take(received)

    def _take(self, received: Received) -> Answer:
        if received.headers.get("content-type") != "application/x-protobuf":
            return self._fault(415, "unsupported media type")
        packed = received.headers.get("content-encoding") == "gzip"
        try:
            body = gzip.decompress(received.body) if packed else received.body
            request = ExportTraceServiceRequest.FromString(body)
        except (OSError, DecodeError):
            return self._fault(400, "invalid protobuf")
        if len(body) > _LARGEST:
            return self._fault(413, "request body too large")
        for one in request.resource_spans:
            for span in (span for scope in one.scope_spans for span in scope.spans):
                self.documents.append(_document(span, one.resource))
        return answer(body=ExportTraceServiceResponse().SerializeToString())

    def _fault(self, status: int, what: str) -> Answer:
        self.faults.append(what)
        return in_json(status, {"code": 3, "message": what})


@contextmanager
def elastic(*first: Any) -> Iterator[tuple[Endpoint, Platform]]:
    """Open an Elastic that gives the `first` answers before its own."""
    endpoint = Endpoint()
    with Platform(*first, endpoint).open() as platform:
        yield endpoint, platform


def _document(span: Any, resource: Any) -> Document:
    return Document(
        name=span.name,
        status={1: "Ok", 2: "Error"}.get(span.status.code),
        attributes={pair.key: _value(pair.value) for pair in span.attributes},
        resource={pair.key: _value(pair.value) for pair in resource.attributes},
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    found = getattr(value, kind)
    return json.loads(found) if isinstance(found, str) and found.startswith(("[{", "{")) else found
