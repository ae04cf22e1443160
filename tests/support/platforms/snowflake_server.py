"""Snowflake's SQL API in front of fakesnow, run by the interpreter of an environment that has fakesnow[server]==0.12.1.

fakesnow speaks what Snowflake's connector speaks; this speaks to it by that connector (< 5), and answers as the SQL API
does. It knows one token, the second argument. `python snowflake_server.py PORT TOKEN`.
"""

import json
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import fakesnow  # type: ignore[import-not-found]
import snowflake.connector  # type: ignore[import-not-found]

TOKEN = sys.argv[2]
LOCK = threading.Lock()
snowflake.connector.paramstyle = "qmark"


def answered(connection: "snowflake.connector.SnowflakeConnection", said: dict) -> tuple[int, dict]:
    """Carry out a statement with its variables; return the status and the body."""
    bindings = said.get("bindings", {})
    values = tuple(bindings[str(number)]["value"] for number in range(1, len(bindings) + 1))
    try:
        with LOCK, connection.cursor() as cursor:
            cursor.execute(said["statement"], values or None)
            data = [[None if each is None else str(each) for each in row] for row in cursor.fetchall()]
    except snowflake.connector.errors.Error as error:
        return 422, {"code": f"{error.errno:06}", "sqlState": error.sqlstate, "message": error.msg}
    return 200, {"code": "090001", "sqlState": "00000", "message": "Statement executed successfully.", "data": data}


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"code": "390303", "message": "Invalid OAuth access token."})
        elif urlsplit(self.path).path != "/api/v2/statements":
            self._answer(404, {"code": "390404", "message": "Not found."})
        else:
            self._answer(*answered(self.server.connection, json.loads(body)))

    def do_GET(self) -> None:
        self._answer(200, {})

    def _answer(self, status: int, said: dict) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with fakesnow.server() as reached:
        server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
        server.connection = snowflake.connector.connect(**reached, database="OBS", schema="PUBLIC")
        server.serve_forever()
