"""OTLP in JSON: protobuf's mapping, but ids in hex and enums as numbers (OTLP specification 1.x, "JSON Protobuf")."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_HEAD, _TAIL = b'{"resourceSpans":[', b"]}"
_IDS = ("traceId", "spanId", "parentSpanId")
AROUND = len(_HEAD + _TAIL)
"""Bytes of a request besides its parts, which are separated by commas."""


def resource_spans(serialised: bytes) -> bytes:
    """Return the resource spans of a serialised protobuf request as JSON, a part for `request`."""
    message = ExportTraceServiceRequest.FromString(serialised)
    found = MessageToDict(message, use_integers_for_enums=True).get("resourceSpans", [])
    for each in (each for one in found for scope in one["scopeSpans"] for each in scope["spans"]):
        _spell_ids(each)
    return b",".join(map(msgspec.json.encode, found))


def request(parts: Sequence[bytes]) -> bytes:
    """Return the request that holds all parts."""
    return _HEAD + b",".join(parts) + _TAIL


def _spell_ids(span: dict[str, Any]) -> None:
    for one in (span, *span.get("links", ())):
        one |= {name: b64decode(one[name]).hex() for name in _IDS if name in one}
