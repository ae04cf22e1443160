"""A platform on loopback that can fail in every way that platforms fail, and knows every span that it took.

What it does is its `mode`, which a test changes while it runs. A mode that meets the bare connection does what no HTTP
server does: it never reads, or hangs up. All others answer requests (`tests.support.platform.Answer`).
"""

import gzip
import io
import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.platform import Answer, Received, answer


@dataclass(frozen=True)
class Door:
    """A mode that meets the connection itself."""

    meet: Callable[["FaultCollector", socket.socket], None]


class Refused:
    """The mode in which nobody listens."""


Mode = Answer | Door | Refused


def span_ids(received: Received) -> list[str]:
    """Return the spans of a request, OTLP or JSON."""
    if "json" not in received.headers.get("content-type", ""):
        return received.span_ids()
    gzipped = received.headers.get("content-encoding") == "gzip"
    body = json.loads(gzip.decompress(received.body) if gzipped else received.body)
    return [event["id"] for event in body["events"]]


class FaultCollector:
    def __init__(self, mode: Mode | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.accepted: Counter[str] = Counter()
        """How often each span was taken, by id."""
        self.received: list[Received] = []
        """Requests read to their end."""
        self.asked: list[float] = []
        """When each of them was, in seconds of `time.monotonic`."""
        self.connections: list[float] = []
        """When each connection was opened, in seconds of `time.monotonic`; of refused ones nobody knows."""
        self.bytes_read = 0
        """Bytes read of connections that were no requests."""
        self.closing = threading.Event()
        self._mode: Mode = mode or answer()
        self.tls = tls
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._busy: set[socket.socket] = set()
        self.changes = 0
        """How often the mode was changed."""
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = self._listen()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        """Be like that from the next request on; connections that are kept open are cut, as a restart does.

        A request that is being answered is answered.
        """
        with self._lock:
            self._mode, self.changes = mode, self.changes + 1
        self._hang_up(self._busy)
        if isinstance(mode, Refused):
            self._stop_listening()
        elif self._listener is None:
            self._listen(self.port)

    @contextmanager
    def open(self) -> Iterator["FaultCollector"]:
        try:
            self.mode = self._mode
            yield self
        finally:
            self.closing.set()
            self._stop_listening()
            self._hang_up()
            for thread in self._threads:
                thread.join(10)

    def _listen(self, port: int = 0) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        self._listener = listener
        self._start(self._accept, listener)
        return int(listener.getsockname()[1])

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _hang_up(self, but: Container[socket.socket] = ()) -> None:
        with self._lock:
            connections = [connection for connection in self._open if connection not in but]
            self._open = [connection for connection in self._open if connection in but]
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            with self._lock:
                self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        mode = self._mode
        with suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            if isinstance(mode, Door):
                mode.meet(self, connection)
            else:
                _Handler(connection, ("", 0), self)
        connection.close()

    def take(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        """Answer a request. The spans that are taken are noted before anybody can know the answer."""
        self.received.append(received)
        self.asked.append(time.monotonic())
        with self._lock:
            mode, changes = self._mode, self.changes
            cut = self.tls is None and handler.connection not in self._open
            self._busy.add(handler.connection)
        if isinstance(mode, Door | Refused) or cut:
            handler.close_connection = True
            return
        wire, handler.wfile = handler.wfile, io.BytesIO()
        if mode(handler, received):
            self.accept(span_ids(received))
        said, handler.wfile = handler.wfile.getvalue(), wire
        wire.write(said)
        with self._lock:
            self._busy.discard(handler.connection)
            handler.close_connection |= changes != self.changes

    def accept(self, ids: Sequence[str]) -> None:
        with self._lock:
            self.accepted.update(ids)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # who sent it gave up in the middle
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.take(self, Received(self.path, headers, body, method=self.command))

    do_GET = do_PUT = do_POST  # noqa: N815 - the base class names them so

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def reset(connection: socket.socket) -> None:
    """Have the connection end with a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
