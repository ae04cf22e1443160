"""The words of calls in the outbox: kept apart, loaded for the destinations that may have them, and waited for a while.

The words are written behind the caller's back, so that they come later than their call, or, when the process is killed,
never.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from sqlite3 import Connection

import msgspec

from spancast.base.shared import Shared
from spancast.records.content import Content

TABLE = "CREATE TABLE content(call_id TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT"

HOLD = 10.0
"""Seconds for which a record waits for its words at most, from when it came."""
EXPECTED = "words expected"
SENT_WITHOUT = "sent without its words"
TOO_LARGE = f"{SENT_WITHOUT}: too large"
NOT_ENCODED = f"{SENT_WITHOUT}: not encoded"

Words = tuple[int, Content]
"""The words of a call, and the bytes that they have in the outbox."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


def take(connection: Connection, contents: Iterable[Content]) -> None:
    """Keep the words, and let go of the records that have waited for them."""
    for content in contents:
        connection.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (content.call_id, _encode(content)))
        connection.execute(_RELEASE, (EXPECTED, content.call_id))


def load(
    connection: Connection, call_ids: Sequence[str], room: int, shared: Shared[str, Words] | None = None
) -> tuple[Mapping[str, Content], str | None]:
    """Return the words of these calls, as far as they are there, and the call at which `room` bytes were used up.

    The first that has words has them, however long. They never change, so what is `shared` is not read again.
    """
    known = {} if shared is None else {call_id: found for call_id in call_ids if (found := shared.get(call_id))}
    sizes = {call_id: size for call_id, (size, _) in known.items()} | _sizes(connection, call_ids, known)
    fitting: list[str] = []
    left_out = None
    for call_id in filter(sizes.__contains__, call_ids):
        room -= sizes[call_id]
        if room < 0 and fitting:
            left_out = call_id
            break
        fitting.append(call_id)
    return {each: known[each][1] if each in known else _read(connection, each, shared) for each in fitting}, left_out


def _sizes(connection: Connection, call_ids: Sequence[str], known: Container[str]) -> dict[str, int]:
    """Return the bytes of the words of those calls that have some, and are not known."""
    unknown = [call_id for call_id in call_ids if call_id not in known]
    return dict(connection.execute(_SIZES, (json.dumps(unknown),)).fetchall()) if unknown else {}


def _read(connection: Connection, call_id: str, shared: Shared[str, Words] | None) -> Content:
    (payload,) = connection.execute("SELECT payload FROM content WHERE call_id = ?", (call_id,)).fetchone()
    words = _decode(payload)
    if shared is not None:
        shared.keep(call_id, (len(payload), words), len(payload))
    return words


_SIZES = "SELECT call_id, length(payload) FROM content WHERE call_id IN (SELECT value FROM json_each(?))"

_RELEASE = """
    UPDATE exception SET not_before = NULL
    WHERE reason = ? AND seq IN (SELECT seq FROM record WHERE call_id = ?)
"""
