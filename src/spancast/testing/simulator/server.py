"""The HTTP server: one thread per connection."""

import selectors
import socket
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from spancast.testing.simulator.account import Account
from spancast.testing.simulator.connection import Connection
from spancast.testing.simulator.identity import Clock


class Server(ThreadingHTTPServer):
    """Listens on loopback, and can drop all connections at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = 0

    def __init__(self, host: str, port: int, account: Account, clock: Clock) -> None:
        self._connected: set[Any] = set()
        self._changed = threading.Condition()
        super().__init__((host, port), partial(Connection, account, clock))
        self._end, self._ended = socket.socketpair()

    def server_bind(self) -> None:
        """Bind without resolving the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def serve_until_shutdown(self) -> None:
        """Accept connections until `end()`, then close; both take effect at once, since nothing is polled."""
        with self, self._ended, selectors.DefaultSelector() as ready:
            ready.register(self, selectors.EVENT_READ)
            ready.register(self._ended, selectors.EVENT_READ)
            while all(key.fileobj is self for key, _ in ready.select()):
                self.handle_request()

    def end(self) -> None:
        """Stop accepting connections."""
        self._end.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in its own thread."""
        with self._changed:
            self._connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a finished connection."""
        super().shutdown_request(request)
        with self._changed:
            self._connected.discard(request)
            self._changed.notify_all()

    def close_connections(self, deadline: float) -> None:
        """Drop every connection, and wait at most `deadline` seconds for their threads to end."""
        with self._changed:
            for connection in self._connected:
                _drop(connection)
            self._changed.wait_for(lambda: not self._connected, timeout=deadline)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the error, unless the client has disconnected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _drop(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # closed already
        return
