"""The ways to fail. Each is a mode of the `FaultCollector`; `healthy` is the one that is none."""

import json
import socket
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

from tests.support import platform
from tests.support.faults.collector import Door, FaultCollector, Refused, reset, span_ids
from tests.support.platform import JSON, PROTOBUF, Answer, Received, answer, hanging_up, no_larger_than

__all__ = [
    "empty",
    "flapping",
    "hang",
    "healthy",
    "html",
    "invalid_json",
    "json_answer",
    "keyed",
    "late",
    "listing_errors",
    "lost_answer",
    "multi_status",
    "never_reading",
    "no_larger_than",
    "only",
    "partially",
    "redirect",
    "refused",
    "reset_after",
    "reset_before",
    "retry_after",
    "slow_upload",
    "status",
    "trickling_body",
    "trickling_headers",
    "without",
]


healthy: Answer = answer()
refused = Refused()
lost_answer: Answer = hanging_up
"""The spans are taken, and the connection is closed without a word."""
html: Answer = answer(200, {"content-type": "text/html"}, b"<html>Log in to the airport</html>")
empty: Answer = answer(200, JSON, b"")
invalid_json: Answer = answer(200, JSON, b'{"ids": [')


def status(code: int, headers: dict[str, str] | None = None) -> Answer:
    return answer(code, headers)


def retry_after(asked: str | None, code: int = 429) -> Answer:
    return answer(code, PROTOBUF if asked is None else {**PROTOBUF, "retry-after": asked})


def redirect(code: int, to: str) -> Answer:
    return answer(code, {"location": to})


def _closing(collector: FaultCollector) -> None:
    collector.closing.wait()


def _hang(handler: BaseHTTPRequestHandler, received: Received) -> bool:
    handler.close_connection = True
    collector: FaultCollector = handler.server  # type: ignore[assignment]
    watched, changes = handler.connection, collector.changes
    watched.settimeout(0.05)
    while not collector.closing.is_set() and collector.changes == changes:
        try:
            if watched.recv(1) == b"":
                break
        except TimeoutError:
            continue
    return False


hang: Answer = _hang
"""The request is read, and nothing is answered, ever."""


def _trickling(head: bytes) -> Answer:
    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        handler.close_connection = True
        collector: FaultCollector = handler.server  # type: ignore[assignment]
        changes = collector.changes
        handler.connection.sendall(head)
        while not collector.closing.wait(0.02) and collector.changes == changes:
            handler.connection.sendall(b"x")
        return False

    return give


trickling_headers = _trickling(b"HTTP/1.1 200 OK\r\n")
trickling_body = _trickling(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
"""The answer comes one byte at a time."""


def _reset_before(handler: BaseHTTPRequestHandler, received: Received) -> bool:
    reset(handler.connection)
    handler.close_connection = True
    return False


def _reset_after(handler: BaseHTTPRequestHandler, received: Received) -> bool:
    _reset_before(handler, received)
    return True


reset_before: Answer = _reset_before
"""The request is read and forgotten, and the connection reset."""
reset_after: Answer = _reset_after
"""The spans are taken, and the connection reset."""


def _read_slowly(collector: FaultCollector, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    while not collector.closing.wait(0.02):
        if not connection.recv(1):
            return
        collector.bytes_read += 1


slow_upload = Door(_read_slowly)
"""One byte at a time is read."""
never_reading = Door(lambda collector, _connection: _closing(collector))


def keyed(header: str, right: str, code: int) -> Answer:
    """Refuse every other key."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return answer(200 if received.headers.get(header) == right else code)(handler, received)

    return give


def flapping(*modes: Answer, each: int = 1) -> Answer:
    """Be like each of the modes for so many requests, round and round."""
    count = iter(range(10**9))

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return modes[next(count) // each % len(modes)](handler, received)

    return give


def only(chosen: Callable[[Received], bool], mode: Answer, others: Answer = healthy) -> Answer:
    """Be like that for some requests."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        return (mode if chosen(received) else others)(handler, received)

    return give


def late(seconds: float) -> Answer:
    """Take the spans, and answer after so many seconds."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        collector: FaultCollector = handler.server  # type: ignore[assignment]
        collector.accept(span_ids(received))
        collector.closing.wait(seconds)
        healthy(handler, received)
        return False

    return give


def json_answer(code: int, body: object) -> Answer:
    """Take the spans, and answer that."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        answer(code, JSON, json.dumps(body).encode())(handler, received)
        return True

    return give


def without(*bad: str, code: int, told: Callable[[Sequence[str], Sequence[str]], object]) -> Answer:
    """Take all but these spans, and answer what `told` makes of the taken and the rejected ids."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        ids = span_ids(received)
        taken = [each for each in ids if each not in bad]
        said = told(taken, [each for each in ids if each in bad])
        json_answer(code, said)(handler, received)
        handler.server.accept(taken)  # type: ignore[attr-defined]
        return False

    return give


def partially(*bad: str, message: str = "key conflict") -> Answer:
    """Take all but these spans, and say how many were not taken: OTLP's partial success."""

    def give(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        handler.server.accept([each for each in span_ids(received) if each not in bad])  # type: ignore[attr-defined]
        platform.partially(*bad, message=message)(handler, received)
        return False

    return give


def multi_status(*bad: str) -> Answer:
    """207, with each id and what became of it (Langfuse's ingestion API)."""
    return without(
        *bad,
        code=207,
        told=lambda taken, rejected: {
            "successes": [{"id": each, "status": 201} for each in taken],
            "errors": [{"id": each, "status": 400, "message": "no such model"} for each in rejected],
        },
    )


def listing_errors(*bad: str) -> Answer:
    """200, with a list of errors in it."""
    return without(
        *bad,
        code=200,
        told=lambda _taken, rejected: {"errors": [{"id": each, "message": "no such model"} for each in rejected]},
    )
