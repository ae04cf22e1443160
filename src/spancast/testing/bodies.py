"""What a request says, as plain values: JSON, JSON by lines, or OTLP in protobuf, compressed or not."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from spancast.contract import Request

_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


class Unreadable(AssertionError):  # noqa: N818 - a failed test, named as what is the matter
    """A body is none of what is known here."""


def unpacked(request: Request) -> bytes:
    """Return the body without its compression."""
    coding = {name.lower(): value for name, value in request.headers.items()}.get("content-encoding", "")
    if coding in ("", "identity"):
        return request.body
    if coding not in _UNPACK:
        raise Unreadable(f"The suite cannot read content-encoding {coding!r}. Override `said`.")
    return _UNPACK[coding](request.body)


def read(request: Request) -> Any:
    """Return what the body says; raise `Unreadable` for what is not known here or is no JSON for strict parsers."""
    body = unpacked(request)
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
        raise Unreadable(f"The body ({kind or 'of no content type'}) is no JSON: {error}. Override `said`.") from error


def figures(said: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with the name that it is under; JSON within text is looked into."""
    if isinstance(said, dict):
        for key, value in said.items():
            yield from figures(value, f"{name}.{key}" if name else str(key))
    elif isinstance(said, list):
        for value in said:
            yield from figures(value, name)
    elif isinstance(said, str) and said[:1] in ("{", "["):
        within = _within(said)
        yield from figures(within, name) if within is not None else ((name, said),)
    else:
        yield name, said


def _within(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _strict(body: bytes) -> Any:
    return json.loads(body.decode("utf-8"), parse_constant=_refused)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _otlp(body: bytes) -> Any:
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - protobuf is for those who send it
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415 - protobuf

    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"The body is no OTLP request: {error}. Override `said`.") from error
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
