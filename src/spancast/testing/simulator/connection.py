"""One HTTP/1.1 connection, kept alive; every piece of a body is sent separately."""

import selectors
import socket
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from spancast.testing.simulator import bills, routes
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.identity import Clock
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served, key_hash, without_secrets

_LAST_CHUNK = b"0\r\n\r\n"


class Connection(BaseHTTPRequestHandler):
    """Reads requests and writes answers until the client, or a fault, ends it."""

    protocol_version = "HTTP/1.1"
    server_version = "spancast-simulator"
    sys_version = ""
    disable_nagle_algorithm = True

    def __init__(self, account: Account, clock: Clock, *accepted: Any) -> None:
        """Serve a connection until it ends; `accepted` are the standard library's arguments to a handler."""
        self._account = account
        self._clock = clock
        super().__init__(*accepted)

    def serve(self) -> None:
        """Serve one request."""
        served = self._read()
        self._account.serve(served)
        answer = routes.answered(served, self._account)
        self._write_head(answer, served.at)
        self._write_body(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - names the standard library calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Log nothing: the simulator lists the requests that it served."""

    def _read(self) -> Served:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Served(
            method=self.command,
            target=self.path,
            headers=without_secrets(headers),
            body=self._read_body(),
            key_hash=key_hash(headers),
            at=self._clock(),
        )

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _read_chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _write_head(self, answer: Answer, at: float) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", formatdate(at, usegmt=True))
        self.send_header("Server", self.server_version)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self._frame(answer)
        self.end_headers()

    def _frame(self, answer: Answer) -> None:
        """Send the header that delimits the body: `Content-Length`, chunked transfer coding, or `Connection: close`."""
        self._in_chunks = answer.chunked and self.request_version == self.protocol_version
        if self._in_chunks:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.chunked:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(sum(len(piece.data) for piece in answer.pieces)))

    def _write_body(self, answer: Answer) -> None:
        """Send the pieces, and charge the generation; as cancelled if the client disconnects first."""
        owed = answer.bill
        try:
            with _DisconnectMonitor(self.connection) as line:
                for piece in answer.pieces:
                    line.rest(piece.wait)
                    if piece.settles and owed is not None:
                        self._account.charge(owed)
                        owed = None
                    self._write_piece(piece)
                self._end_body(answer)
        except ConnectionError:
            self.close_connection = True
            if owed is not None:
                self._account.charge(bills.cancelled(owed))

    def _write_piece(self, piece: Piece) -> None:
        if not self._in_chunks:
            self.wfile.write(piece.data)
        elif piece.data:  # an empty chunk would end the body
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece.data), piece.data))

    def _end_body(self, answer: Answer) -> None:
        if answer.cut:
            self.close_connection = True
        elif self._in_chunks:
            self.wfile.write(_LAST_CHUNK)


class _DisconnectMonitor:
    """Watches a connection between pieces; raises `ConnectionError` as soon as the client disconnects."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._selector.register(self._connection, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def rest(self, seconds: float) -> None:
        """Wait `seconds`, during which a disconnect is noticed."""
        if not self._selector.select(seconds):
            return
        if not self._connection.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError("The client has gone away.")
        time.sleep(seconds)  # the next request has arrived; a disconnect can no longer be noticed
