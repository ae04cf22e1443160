"""A server on loopback that says exactly what it is told, to the byte, and hangs up."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Verbatim:
    """Says one of `answers` to each request, in a row and over again."""

    def __init__(self) -> None:
        self.answers: Sequence[bytes] = ()
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/api/v1/chat/completions"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self.requests.append(_received(stream))
                connection.sendall(self.answers[(len(self.requests) - 1) % len(self.answers)])


def _received(stream: "socket.SocketIO") -> bytes:  # a buffered reader, which typeshed has no public name for
    head = b"".join(iter(stream.readline, b"\r\n"))
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + b"\r\n" + (stream.read(length) or b"")


@contextmanager
def verbatim() -> Iterator[Verbatim]:
    server = Verbatim()
    try:
        yield server
    finally:
        server.close()
