"""Parsing request bodies into plain values: JSON, JSON lines, or OTLP in protobuf, compressed or not."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from spancast.contract import Request

_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


class UnreadableBodyError(AssertionError):
    """A body has a format that the suite does not know."""


def decompress(request: Request) -> bytes:
    """Return the body, decompressed."""
    coding = {name.lower(): value for name, value in request.headers.items()}.get("content-encoding", "")
    if coding in ("", "identity"):
        return request.body
    if coding not in _DECOMPRESS:
        raise UnreadableBodyError(f"The suite cannot read content-encoding {coding!r}. Override `parse_body`.")
    return _DECOMPRESS[coding](request.body)


def parse(request: Request) -> Any:
    """Return the body's values; raise `UnreadableBodyError` for an unknown format, or for invalid JSON."""
    body = decompress(request)
    kind = {name.lower(): value for name, value in request.headers.items()}.get("content-type", "")
    if "protobuf" in kind:
        return _otlp(body)
    if not body:
        return None
    try:
        return _strict(body)
    except ValueError as error:
        lines = body.splitlines()
        if len(lines) > 1 and all(line.lstrip().startswith((b"{", b"[")) for line in lines):
            return [_strict(line) for line in lines]
        raise UnreadableBodyError(
            f"The body ({kind or 'of no content type'}) is not JSON: {error}. Override `parse_body`."
        ) from error


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar with the dotted name of its place; JSON inside text is parsed, too."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    elif isinstance(value, str) and value[:1] in ("{", "["):
        nested = _nested_json(value)
        yield from leaves(nested, name) if nested is not None else ((name, value),)
    else:
        yield name, value


def _nested_json(text: str) -> Any:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict | list) else None


def _strict(body: bytes) -> Any:
    return json.loads(body.decode("utf-8"), parse_constant=_refused)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _otlp(body: bytes) -> Any:
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - protobuf is for those who send it
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415 - protobuf

    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise UnreadableBodyError(f"The body is not an OTLP request: {error}. Override `parse_body`.") from error
    return [
        {"resource": _attributes(one.resource.attributes), "name": span.name, **_attributes(span.attributes)}
        | {"events": [_attributes(event.attributes) for event in span.events]}
        for one in request.resource_spans
        for scope in one.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
