"""The content of calls, prompts and completions: stored apart, and loaded for destinations that are not private.

Content is written off the caller's thread, so it arrives after its call, or never if the process is killed. A record
waits for it for a while.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from sqlite3 import Connection

import msgspec

from spancast.base.cache import WeightedCache
from spancast.records.content import Content

TABLE = "CREATE TABLE content(call_id TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT"

HOLD_SECONDS = 10.0
"""How long a record waits for its content, from when it entered the outbox."""
EXPECTED = "words expected"
SENT_WITHOUT = "sent without its words"
TOO_LARGE = f"{SENT_WITHOUT}: too large"
NOT_ENCODED = f"{SENT_WITHOUT}: not encoded"
"""Reasons as `spancast destinations` shows and the documentation lists them; there, content is called words."""

SizedContent = tuple[int, Content]
"""The size of a call's content in the outbox, in bytes, and the content."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


def take(connection: Connection, contents: Iterable[Content]) -> None:
    """Store content, and end the waits of the records for it."""
    for content in contents:
        connection.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (content.call_id, _encode(content)))
        connection.execute(_RELEASE, (EXPECTED, content.call_id))


def load(
    connection: Connection,
    call_ids: Sequence[str],
    max_bytes: int,
    cache: WeightedCache[str, SizedContent] | None = None,
) -> tuple[Mapping[str, Content], str | None]:
    """Return the stored content of these calls, and the first call whose content did not fit into `max_bytes`, if any.

    The first content is returned whatever its size. Content never changes, so a cached one is not read again.
    """
    cached = {} if cache is None else {call_id: found for call_id in call_ids if (found := cache.get(call_id))}
    sizes = {call_id: size for call_id, (size, _) in cached.items()} | _sizes(connection, call_ids, cached)
    fitting: list[str] = []
    left_out = None
    for call_id in filter(sizes.__contains__, call_ids):
        max_bytes -= sizes[call_id]
        if max_bytes < 0 and fitting:
            left_out = call_id
            break
        fitting.append(call_id)
    return {each: cached[each][1] if each in cached else _read(connection, each, cache) for each in fitting}, left_out


def _sizes(connection: Connection, call_ids: Sequence[str], cached: Container[str]) -> dict[str, int]:
    """Return the size in bytes of each stored content that is not cached."""
    missing = [call_id for call_id in call_ids if call_id not in cached]
    return dict(connection.execute(_SIZES, (json.dumps(missing),)).fetchall()) if missing else {}


def _read(connection: Connection, call_id: str, cache: WeightedCache[str, SizedContent] | None) -> Content:
    (payload,) = connection.execute("SELECT payload FROM content WHERE call_id = ?", (call_id,)).fetchone()
    content = _decode(payload)
    if cache is not None:
        cache.put(call_id, (len(payload), content), len(payload))
    return content


_SIZES = "SELECT call_id, length(payload) FROM content WHERE call_id IN (SELECT value FROM json_each(?))"

_RELEASE = """
    UPDATE exception SET not_before = NULL
    WHERE reason = ? AND seq IN (SELECT seq FROM record WHERE call_id = ?)
"""
