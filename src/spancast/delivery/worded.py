"""The words of calls in the outbox: kept apart, loaded for the destinations that may have them, and waited for a while.

The words are written behind the caller's back, so that they come later than their call, or, when the process is killed,
never.
"""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

import msgspec

from spancast.content import Content

TABLE = "CREATE TABLE content(call_id TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT"

HOLD = 10.0
"""Seconds for which a record waits for its words at most, from when it came."""
EXPECTED = "words expected"
SENT_WITHOUT = "sent without its words"
TOO_LARGE = f"{SENT_WITHOUT}: too large"
NOT_ENCODED = f"{SENT_WITHOUT}: not encoded"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


def take(connection: Connection, contents: Iterable[Content]) -> None:
    """Keep the words, and let go of the records that have waited for them."""
    for content in contents:
        connection.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (content.call_id, _encode(content)))
        connection.execute(_RELEASE, (EXPECTED, content.call_id))


def load(connection: Connection, call_ids: Sequence[str], room: int) -> tuple[Mapping[str, Content], str | None]:
    """Return the words of these calls, as far as they are there, and the call at which `room` bytes were used up.

    The first that has words has them, however long.
    """
    found: dict[str, Content] = {}
    for call_id in call_ids:
        size = connection.execute("SELECT length(payload) FROM content WHERE call_id = ?", (call_id,)).fetchone()
        if size is None:
            continue
        room -= size[0]
        if room < 0 and found:
            return found, call_id
        row = connection.execute("SELECT payload FROM content WHERE call_id = ?", (call_id,)).fetchone()
        found[call_id] = _decode(row["payload"])
    return found, None


_RELEASE = """
    UPDATE exception SET not_before = NULL
    WHERE reason = ? AND seq IN (SELECT seq FROM record WHERE call_id = ?)
"""
