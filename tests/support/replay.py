"""A server on loopback that answers each request with the bytes it was told, chunk by chunk."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What the server says, and how it cuts it up."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    chunks: Sequence[bytes] = ()
    cut: bool = False
    """Whether the connection is dropped behind the last chunk, instead of ending the body."""
    hold: bool = False
    """Whether the body is left open behind the last chunk, until the server closes."""
    silent: bool = False
    """Whether nothing at all is said, until the server closes."""


@dataclass(frozen=True)
class Request:
    """A request as the server got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Replay"

    def do_POST(self) -> None:
        body = b"".join(self._body())
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.command, self.path, headers, body))
        answer = self.server.answers.get(self.path, self.server.answer)
        try:
            if answer.silent:
                self._wait()
            else:
                self._say(answer)
        except OSError:
            self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the base class names them so

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            yield self.rfile.read(int(self.headers.get("content-length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in answer.chunks:
            if chunk:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if answer.hold:
            self._wait()
        elif answer.cut:
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _wait(self) -> None:
        self.server.closing.wait(60)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


class Replay(ThreadingHTTPServer):
    """Set `answer` before a request, or `answers` by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = Answer()
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.closing = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}/api/v1"

    @property
    def url(self) -> str:
        return f"{self.base_url}/chat/completions"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is no error here."""


@contextmanager
def replaying() -> Iterator[Replay]:
    server = Replay()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
