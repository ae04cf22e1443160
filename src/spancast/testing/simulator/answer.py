"""HTTP responses."""

from collections.abc import Callable

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.pieces import Piece

JSON = "application/json"
EVENTS = "text/event-stream"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A status, headers and a body in pieces, with the bill of its generation if that is charged."""

    status: int = 200
    headers: dict[str, str]
    pieces: tuple[Piece, ...]
    chunked: bool = False
    """Whether it is sent with chunked transfer coding; otherwise with `Content-Length`."""
    idle: Piece = Piece(b"")
    """Sent while the response is delayed; clients skip it."""
    cut: bool = False
    """The connection is dropped after the last piece."""
    bill: Bill | None = None


def json(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return a response with one JSON body of known length."""
    return Answer(status=status, headers={"Content-Type": JSON} | (headers or {}), pieces=(Piece(body),))


def refusal(refusal: Refusal, body: Callable[[Refusal], bytes] = errors.body) -> Answer:
    """Return an error response; `body` formats it."""
    return json(body(refusal), status=refusal.status, headers=refusal.headers)
