"""A receiver of webhooks that takes OTLP in JSON as its schema has it, and only what is signed (Standard Webhooks)."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.platform import Platform, Received, answer

KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
_TEXT = {"content-type": "text/html; charset=utf-8"}
"""What Flask says of a plain `ok`."""


class Receiver:
    def __init__(self, key: bytes | None = None) -> None:
        self.spans: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.tests = 0
        self._key = key

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        status, why = self._take(received)
        answer(status, _TEXT, why.encode())(handler, received)
        return False

    def _take(self, received: Received) -> tuple[int, str]:
        if self._key is not None and not _is_signed(self._key, received):
            return 401, "bad signature"
        if received.headers.get("content-type") != "application/json":
            return 415, "no JSON"
        seen = json.loads(received.body, parse_constant=_no_number)
        try:
            ParseDict(_as_protobuf(seen), ExportTraceServiceRequest())
        except ParseError as error:
            return 400, str(error)
        found = [span for one in seen["resourceSpans"] for scope in one["scopeSpans"] for span in scope["spans"]]
        if received.headers.get("x-test-connection") == "true":
            self.tests += 1
            return 400, "no span"
        self.spans += found
        self.ids.append(received.headers.get("webhook-id", ""))
        return 202, "ok"

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the one span."""
        (span,) = self.spans
        return {pair["key"]: next(iter(pair["value"].values())) for pair in span["attributes"]}


@contextmanager
def webhook(*first: Any, key: bytes | None = None) -> Iterator[tuple[Receiver, Platform]]:
    """Open a receiver that gives the `first` answers before its own."""
    receiver = Receiver(key)
    with Platform(*first, receiver).open() as platform:
        yield receiver, platform


def _is_signed(key: bytes, received: Received) -> bool:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, signature = (received.headers.get(name, "") for name in names)
    expected = hmac.new(key, f"{message_id}.{timestamp}.".encode() + received.body, hashlib.sha256).digest()
    fresh = timestamp.isdigit() and abs(time.time() - int(timestamp)) < 300
    return fresh and bool(message_id) and signature == "v1," + base64.b64encode(expected).decode()


def _as_protobuf(seen: Any, name: str = "") -> Any:
    """Return OTLP's JSON as Protobuf's own: ids in base64. Enums must be numbers, and 64 bits text (OTLP)."""
    match seen:
        case dict():
            return {key: _as_protobuf(value, key) for key, value in seen.items()}
        case list():
            return [_as_protobuf(value, name) for value in seen]
    if name in ("traceId", "spanId", "parentSpanId"):
        length = 32 if name == "traceId" else 16
        if not isinstance(seen, str) or not re.fullmatch(f"[0-9a-f]{{{length}}}", seen):
            raise ParseError(f"{name}: {seen!r}")
        return base64.b64encode(bytes.fromhex(seen)).decode()
    if name in ("kind", "code") and not isinstance(seen, int):
        raise ParseError(f"{name} is {seen!r}")
    if name in ("intValue", "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano") and not isinstance(seen, str):
        raise ParseError(f"{name} is {seen!r}")
    return seen


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
