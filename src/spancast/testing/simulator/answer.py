"""An answer on its way out."""

from collections.abc import Callable

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.pieces import Piece

JSON = "application/json"
EVENTS = "text/event-stream"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A status, headers and a body in pieces; the bill is for the generation in it, if it is charged."""

    status: int = 200
    headers: dict[str, str]
    pieces: tuple[Piece, ...]
    chunked: bool = False
    """Sent piece by piece in chunks; else with its length."""
    idle: Piece = Piece(b"")
    """What is sent while there is nothing to say; its reader skips it."""
    cut: bool = False
    """The connection is dropped after the last piece."""
    bill: Bill | None = None


def json(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer that is one JSON body of known length."""
    return Answer(status=status, headers={"Content-Type": JSON} | (headers or {}), pieces=(Piece(body),))


def refusal(refusal: Refusal, body: Callable[[Refusal], bytes] = errors.body) -> Answer:
    """Return the answer that states an error, in the form that `body` gives it."""
    return json(body(refusal), status=refusal.status, headers=refusal.headers)
