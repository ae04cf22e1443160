"""A network backend for httpcore2 whose every wait ends at one deadline, however slowly the peer reads or writes."""

import math
import socket
import ssl
import weakref
from collections.abc import Iterable

import httpcore2

from spancast.base.deadline import Deadline
from spancast.delivery.http.addresses import addresses

PIECE_BYTES = 16 * 1024
"""Bytes per write, so that the deadline is checked while a slow peer reads."""


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections that observe the deadline of the current attempt."""

    def __init__(self) -> None:
        self.written = 0
        """Bytes written to the network since `begin`."""
        self.write_failed = False
        """Whether a write failed since `begin`."""
        self.deadline = Deadline(math.inf)
        """Of the current attempt."""
        self._inner = httpcore2.SyncBackend()
        self._streams: weakref.WeakSet[DeadlineStream] = weakref.WeakSet()

    def begin(self, deadline: Deadline) -> None:
        """Start an attempt."""
        self.deadline, self.written, self.write_failed = deadline, 0, False

    def remaining(self, error: type[httpcore2.TimeoutException]) -> float:
        """Return the seconds until the deadline; raise `error` once it has passed."""
        if (remaining := self.deadline.remaining) == 0:
            raise error("The attempt took too long.")
        return remaining

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline decides
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of the host that accepts; the remaining time is divided among the addresses."""
        found = self._look_up(host, port)
        for number, address in enumerate(found, 1):
            share = self.remaining(httpcore2.ConnectTimeout) / (len(found) - number + 1)
            try:
                return self.guard(self._inner.connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(found):
                    raise
        raise httpcore2.ConnectError("The host has no address.")

    def _look_up(self, host: str, port: int) -> list[str]:
        try:
            return addresses(host, port, self.remaining(httpcore2.ConnectTimeout))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("The name of the host was not looked up in time.") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error

    def guard(self, stream: httpcore2.NetworkStream) -> "DeadlineStream":
        """Wrap a stream so that the deadline bounds its waits."""
        guarded = DeadlineStream(self, stream)
        self._streams.add(guarded)
        return guarded

    def abandon(self) -> None:
        """Close the sockets that a forked child has inherited; the parent's connections stay open."""
        for stream in list(self._streams):
            stream.close()


class DeadlineStream(httpcore2.NetworkStream):
    """A connection of a `DeadlineBackend`."""

    def __init__(self, backend: DeadlineBackend, inner: httpcore2.NetworkStream) -> None:
        self._backend = backend
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline decides
        """Read what has arrived, even past the deadline: the process may have been suspended meanwhile."""
        return self._inner.read(max_bytes, self._backend.deadline.remaining)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline decides
        """Write all of it."""
        view = memoryview(buffer)
        try:
            while view:
                written = self._write_some(view[:PIECE_BYTES])
                self._backend.written += written
                view = view[written:]
        except BaseException:
            self._backend.write_failed = True
            raise

    def _write_some(self, piece: memoryview) -> int:
        """Write what the peer accepts now; the stream's own `write` would restart its timeout with every byte."""
        remaining = self._backend.remaining(httpcore2.WriteTimeout)
        connection = self._inner.get_extra_info("socket")
        if self._inner.get_extra_info("ssl_object") is not None and not isinstance(connection, ssl.SSLSocket):
            self._inner.write(bytes(piece), remaining)  # TLS inside a proxy's TLS, which is not a socket
            return len(piece)
        assert isinstance(connection, socket.socket)
        try:
            connection.settimeout(remaining)
            return connection.send(piece)
        except TimeoutError as error:
            raise httpcore2.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline decides
    ) -> httpcore2.NetworkStream:
        """Start TLS on the connection."""
        remaining = self._backend.remaining(httpcore2.ConnectTimeout)
        return self._backend.guard(self._inner.start_tls(ssl_context, server_hostname, remaining))

    def get_extra_info(self, info: str) -> object:
        """Return the inner stream's information about the connection."""
        return self._inner.get_extra_info(info)
