"""A network backend for httpcore2 whose every wait ends at one deadline, however little at a time the peer does."""

import math
import ssl
import time
import weakref
from collections.abc import Iterable

import httpcore2

PIECE = 16 * 1024
"""Bytes written at a time, so that a peer that takes few at a time is noticed."""


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections that know until when the attempt under way may last."""

    def __init__(self) -> None:
        self.written = 0
        """Bytes handed to the network since `begin`."""
        self.torn = False
        """Whether writing failed since `begin`."""
        self._until = math.inf
        self._inner = httpcore2.SyncBackend()
        self._streams: weakref.WeakSet[DeadlineStream] = weakref.WeakSet()

    def begin(self, until: float) -> None:
        """Start an attempt that ends at `until`, in seconds of `time.monotonic`."""
        self._until, self.written, self.torn = until, 0, False

    def left(self, error: type[httpcore2.TimeoutException]) -> float:
        """Return the seconds left, or raise `error` when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
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
        """Open a connection."""
        left = self.left(httpcore2.ConnectTimeout)
        return self.guard(self._inner.connect_tcp(host, port, left, local_address, socket_options))

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
        """Read what there is."""
        return self._inner.read(max_bytes, self._backend.left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline decides
        """Write all of it."""
        try:
            for begin in range(0, len(buffer), PIECE):
                piece = buffer[begin : begin + PIECE]
                self._inner.write(piece, self._backend.left(httpcore2.WriteTimeout))
                self._backend.written += len(piece)
        except BaseException:
            self._backend.torn = True
            raise

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
