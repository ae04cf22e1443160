"""A request in OTLP as a reader can read it: each span with its attributes, and JSON text as the JSON that it is."""

import gzip
import json
from collections.abc import Iterable
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancast.contract import Encoded


def readable(encoded: Encoded) -> dict[str, Any]:
    """Return all that goes over the wire. Numbers in JSON text stay as they are written."""
    request = encoded.request
    headers = dict(sorted(request.headers.items()))
    return {"method": request.method, "url": request.url, "headers": headers, "spans": spans(encoded)}


def spans(encoded: Encoded) -> list[dict[str, Any]]:
    """Return the spans of a request."""
    request, body = encoded.request, encoded.request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    seen = ExportTraceServiceRequest.FromString(body)
    return [
        {"resource": _attributes(one.resource.attributes), "scope": f"{scope.scope.name} {scope.scope.version}"}
        | _span(span)
        for one in seen.resource_spans
        for scope in one.scope_spans
        for span in scope.spans
    ]


def _span(span: Any) -> dict[str, Any]:
    found = {
        "name": span.name,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": {0: "", 1: "ok", 2: "error"}[span.status.code],
        "status_message": span.status.message,
        "attributes": _attributes(span.attributes),
        "events": [{"name": each.name, "attributes": _attributes(each.attributes)} for each in span.events],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in sorted(pairs, key=lambda pair: str(pair.key))}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    assert kind in ("string_value", "bool_value", "int_value", "double_value"), kind
    found = getattr(value, kind)
    return msgspec.Raw(found.encode()) if isinstance(found, str) and _is_json(found) else found


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False
