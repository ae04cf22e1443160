"""ClickHouse's own engine behind its HTTP interface, run by the interpreter of an environment that has chdb==4.4.0.

It knows one user, `default`, with the password of the second argument. `python clickhouse_server.py PORT PASSWORD`.
"""

import base64
import gzip
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session  # type: ignore[import-not-found]

SESSION = session.Session()
LOCK = threading.Lock()
PASSWORD = sys.argv[2]
STATUSES = {27: 400, 26: 400, 6: 400, 69: 400, 117: 400, 16: 404, 47: 404, 60: 404, 81: 404, 516: 403}
"""By the code of an exception (ClickHouse, `exceptionCodeToHTTPStatus`); every other is 500."""
BOUND = "param_"
"""What the name of a query's parameter begins with (ClickHouse, "HTTP Interface")."""
DENIED = "Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)"


def answered(query: str, settings: dict[str, str], body: bytes) -> bytes:
    """Carry out a query with its settings and parameters; return what it says."""
    bound = {name.removeprefix(BOUND): settings.pop(name) for name in [*settings] if name.startswith(BOUND)}
    if query.endswith("FORMAT RowBinary"):
        return inserted(query.removesuffix("FORMAT RowBinary"), settings["database"], body)
    stated = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
    if body and query:
        query, _, form = query.rpartition("FORMAT")
        query = f"{query} SETTINGS {stated} FORMAT {form.strip()}\n{body.decode()}"
    else:
        query = query or body.decode()
    form = re.search(r"\bFORMAT\s+(\w+)\s*$", query)
    with LOCK:
        found = SESSION.query(
            query, form[1] if form and not query.lstrip().startswith("INSERT") else "TabSeparated", params=bound
        )
    return found.bytes() if found is not None and hasattr(found, "bytes") else b""


def inserted(insert: str, database: str, rows: bytes) -> bytes:
    """Carry out an insert of binary rows, as collectors make them; the engine takes them from a file."""
    with LOCK, tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(rows)
        file.flush()
        SESSION.query(f"USE {database}")
        try:
            SESSION.query(f"{insert} SELECT * FROM file('{file.name}', 'RowBinary')")
        finally:
            SESSION.query("USE default")
    return b""


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        settings = dict(parse_qsl(urlsplit(self.path).query))
        if self._who() != f"default:{PASSWORD}":
            self._answer(403, DENIED.encode(), 516)
            return
        try:
            self._answer(200, answered(settings.pop("query", ""), settings, body))
        except RuntimeError as error:
            code = int((re.search(r"Code: (\d+)", str(error)) or ["", "0"])[1])
            self._answer(STATUSES.get(code, 500), str(error).encode(), code)

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def _who(self) -> str:
        kind, _, credential = self.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            return base64.b64decode(credential).decode()
        return f"{self.headers.get('x-clickhouse-user')}:{self.headers.get('x-clickhouse-key')}"

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, body: bytes, code: int | None = None) -> None:
        self.send_response(status)
        self.send_header("x-clickhouse-summary", "{}")
        if code is not None:
            self.send_header("x-clickhouse-exception-code", str(code))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
