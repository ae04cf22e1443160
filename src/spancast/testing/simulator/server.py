"""The listening side: a thread a connection, and all of them dropped at the end."""

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
    """Listens on loopback, and can hang up on everybody at once."""

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
        """Bind without looking up the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def serve_until_ended(self) -> None:
        """Take connections until `end()`, and close; nothing is polled, so that both are felt at once."""
        with self, self._ended, selectors.DefaultSelector() as ready:
            ready.register(self, selectors.EVENT_READ)
            ready.register(self._ended, selectors.EVENT_READ)
            while all(key.fileobj is self for key, _ in ready.select()):
                self.handle_request()

    def end(self) -> None:
        """Take no more connections."""
        self._end.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread of its own."""
        with self._changed:
            self._connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done with."""
        super().shutdown_request(request)
        with self._changed:
            self._connected.discard(request)
            self._changed.notify_all()

    def hang_up(self, deadline: float) -> None:
        """Drop every connection, and wait at most `deadline` seconds for their threads to notice."""
        with self._changed:
            for connection in self._connected:
                _drop(connection)
            self._changed.wait_for(lambda: not self._connected, timeout=deadline)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless the client has just gone away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _drop(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # closed already
        return
