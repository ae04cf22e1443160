"""A network backend for httpcore2 whose every wait ends at one deadline, however little at a time the peer does."""

import math
import socket
import ssl
import weakref
from collections.abc import Iterable

import httpcore2

from spancast.base.deadline import Deadline
from spancast.delivery.http.addresses import addresses

PIECE = 16 * 1024
"""Bytes written at a time, so that a peer that takes few at a time is noticed."""


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections that know until when the attempt under way may last."""

    def __init__(self) -> None:
        self.written = 0
        """Bytes handed to the network since `begin`."""
        self.torn = False
        """Whether writing failed since `begin`."""
        self.deadline = Deadline(math.inf)
        """Until when the attempt under way may last."""
        self._inner = httpcore2.SyncBackend()
        self._streams: weakref.WeakSet[DeadlineStream] = weakref.WeakSet()

    def begin(self, deadline: Deadline) -> None:
        """Start an attempt."""
        self.deadline, self.written, self.torn = deadline, 0, False

    def left(self, error: type[httpcore2.TimeoutException]) -> float:
        """Return the seconds left, or raise `error` when there are none."""
        if (left := self.deadline.left) == 0:
            raise error("The attempt took too long.")
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline decides
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Open a connection to the first address of the host that takes one; each has its part of the time."""
        found = self._looked_up(host, port)
        for number, address in enumerate(found, 1):
            left = self.left(httpcore2.ConnectTimeout) / (len(found) - number + 1)
            try:
                return self.guard(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(found):
                    raise
        raise httpcore2.ConnectError("The host has no address.")

    def _looked_up(self, host: str, port: int) -> list[str]:
        try:
            return addresses(host, port, self.left(httpcore2.ConnectTimeout))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("The name of the host was not looked up in time.") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error

    def guard(self, stream: httpcore2.NetworkStream) -> "DeadlineStream":
        """Return the stream with its waits bounded."""
        guarded = DeadlineStream(self, stream)
        self._streams.add(guarded)
        return guarded

    def abandon(self) -> None:
        """Close the sockets that a forked child has inherited; the connections remain its parent's."""
        for stream in list(self._streams):
            stream.close()


class DeadlineStream(httpcore2.NetworkStream):
    """A connection of a `DeadlineBackend`."""

    def __init__(self, backend: DeadlineBackend, inner: httpcore2.NetworkStream) -> None:
        self._backend = backend
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline decides
        """Read what there is; at the deadline what is there already, for the process may have been asleep."""
        return self._inner.read(max_bytes, self._backend.deadline.left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline decides
        """Write all of it."""
        view = memoryview(buffer)
        try:
            while view:
                written = self._write_some(view[:PIECE])
                self._backend.written += written
                view = view[written:]
        except BaseException:
            self._backend.torn = True
            raise

    def _write_some(self, piece: memoryview) -> int:
        """Write what the peer takes of it now; the stream's own `write` would begin to wait anew for each byte."""
        left = self._backend.left(httpcore2.WriteTimeout)
        connection = self._inner.get_extra_info("socket")
        if self._inner.get_extra_info("ssl_object") is not None and not isinstance(connection, ssl.SSLSocket):
            self._inner.write(bytes(piece), left)  # TLS within the TLS of a proxy, which is no socket
            return len(piece)
        assert isinstance(connection, socket.socket)
        try:
            connection.settimeout(left)
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
        """Turn the connection into an encrypted one."""
        left = self._backend.left(httpcore2.ConnectTimeout)
        return self._backend.guard(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        """Return what is known of the socket."""
        return self._inner.get_extra_info(info)
