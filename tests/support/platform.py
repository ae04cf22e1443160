"""A platform on loopback that answers as told, and remembers which spans it took."""

import gzip
import io
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support import canaries

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)
    method: str = "POST"

    def __post_init__(self) -> None:
        canaries.note(f"{self.method} {self.path.partition('?')[0]}", self.path, repr(self.headers), self.body)

    def spans(self) -> list[Span]:
        body = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        request = ExportTraceServiceRequest.FromString(body)
        return [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]

    def span_ids(self) -> list[str]:
        return [span.span_id.hex() for span in self.spans()]


Answer = Callable[[BaseHTTPRequestHandler, Received], bool]
"""Answers a request; returns whether the platform took its spans."""


def answer(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        handler.send_response(status)
        for name, value in (headers or PROTOBUF).items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return 200 <= status < 300 and (headers or PROTOBUF) == PROTOBUF

    return give


def in_json(status: int, body: object, **headers: str) -> Answer:
    """Answer with a JSON body, and take nothing; an underscore in a header's name stands for a hyphen."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(status, {**JSON, **more}, json.dumps(body).encode())


def noting_ports(ports: list[int]) -> Answer:
    """Note the port of each client."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        ports.append(handler.client_address[1])
        answer()(handler, received)
        return False

    return give


def at_most(spans: int) -> Answer:
    """Answer 413 to more spans than that."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return answer(413 if len(received.spans()) > spans else 200)(handler, received)

    return give


def no_larger_than(size: int) -> Answer:
    """Answer 413 to a body of more bytes than that."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return answer(413 if len(received.body) > size else 200)(handler, received)

    return give


def refusing(*span_ids: str) -> Answer:
    """Answer 400 to every request that holds one of the spans."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return answer(400 if set(span_ids) & set(received.span_ids()) else 200)(handler, received)

    return give


def partially(*span_ids: str, message: str = "key conflict") -> Answer:
    """Take all but these spans, and say how many were not taken: OTLP's partial success."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        rejected = set(span_ids) & set(received.span_ids())
        reply = ExportTraceServiceResponse()
        reply.partial_success.rejected_spans = len(rejected)
        reply.partial_success.error_message = message if rejected else ""
        return answer(body=reply.SerializeToString())(handler, received) and not rejected

    return give


def trickling(what: str, every: float = 0.05) -> Answer:
    """Give one byte at a time of the `headers` or the `body`, without end."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        write = handler.connection.sendall
        write(b"HTTP/1.1 200 OK\r\n")
        if what == "body":
            write(b"content-length: 1000000\r\n\r\n")
        handler.close_connection = True
        platform: Platform = handler.server.platform  # type: ignore[attr-defined]
        while not platform.closing.wait(every):
            write(b"x")
        return True

    return give


def hanging_up(handler: BaseHTTPRequestHandler, received: Received) -> bool:
    """Take the spans, and close the connection without a word."""
    handler.close_connection = True
    return True


class Platform:
    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self.answers = list(answers)
        """Given in turn; the last is given for ever, and without any it is 200."""
        self.received: list[Received] = []
        self.taken: Counter[str] = Counter()
        """How often each span was taken, by id."""
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.platform = self
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def next_answer(self) -> Answer:
        if len(self.answers) > 1:
            return self.answers.pop(0)
        return self.answers[0] if self.answers else answer()

    @contextmanager
    def open(self) -> Iterator["Platform"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    platform: Platform

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 5

    def do_POST(self) -> None:
        platform = self.server.platform
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.path, headers, body, method=self.command)
        platform.received.append(received)
        wire, self.wfile = self.wfile, io.BytesIO()
        try:
            if platform.next_answer()(self, received):
                platform.taken.update(received.span_ids())  # before anybody can know the answer
        finally:
            said, self.wfile = self.wfile.getvalue(), wire
            wire.write(said)

    do_GET = do_PUT = do_POST  # noqa: N815 - the base class names them so

    def log_message(self, *args: object) -> None:
        """Say nothing."""
