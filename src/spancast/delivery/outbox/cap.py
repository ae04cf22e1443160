"""What the outbox sheds when it is full, oldest first, each in its turn until there is room.

First what no destination waits for: words, then records. Then the words of what waits; its records go without them. At
last the records, which are small and say what a call cost. The ledger has every dollar all the same.
"""

from sqlite3 import Connection, Row

from spancast.delivery.outbox.eviction import Account, Shed, remove, waiting_for

FULL = "outbox full"
WORDS_SHED = "words shed: outbox full"

_CHUNK = 200
"""Rows that are shed between two looks at the room."""
_CHUNKS = 20
"""Chunks that are shed at a time; more is shed the next time."""
_SPARE = 50
"""The part of the size that is made free beyond what is needed, so that not every record makes others go."""


def used(connection: Connection) -> int:
    """Return how many bytes of the file are in use; what was freed is used again."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def shed(connection: Connection, size: int) -> bool:
    """Make room where more than `size` bytes are used; return whether there is not enough of it yet."""
    if used(connection) <= size:
        return False
    (first,) = connection.execute(_FIRST_WAITING).fetchone()
    first = _BEYOND if first is None else first
    steps = ((_shed_words, first), (_shed_records, first), (_shed_words, _BEYOND), (_shed_records, _BEYOND))
    room = size - size // _SPARE
    chunks = 0
    for step, before in steps:
        while used(connection) > room:
            if chunks == _CHUNKS:
                return True
            chunks += 1
            if not step(connection, before):
                break
    return False


def _shed_words(connection: Connection, before: int) -> int:
    oldest = connection.execute(_WORDS, (_CHUNK,)).fetchall()
    rows = [row for row in oldest if row["seq"] is None or row["seq"] < before]
    account = Account("late", WORDS_SHED)
    for row in rows:
        if row["seq"] is not None:
            account.add(waiting_for(connection, row["seq"]), row["payload"])
    connection.executemany("DELETE FROM content WHERE rowid = ?", [(row["rowid"],) for row in rows])
    account.enter(connection)
    return len(rows)


def _shed_records(connection: Connection, before: int) -> int:
    rows: list[Row] = connection.execute(_RECORDS, (before, _CHUNK)).fetchall()
    account = Shed(FULL)
    for row in rows:
        account.add(waiting_for(connection, row["seq"]), row["payload"])
    remove(connection, rows)
    account.enter(connection)
    return len(rows)


_BEYOND = 2**63 - 1
_FIRST_WAITING = """
    SELECT min(seq) FROM (
        SELECT (SELECT min(seq) FROM record WHERE record.route = routed.route AND record.seq > cursor) AS seq
        FROM destination JOIN routed ON routed.destination = name
        UNION ALL
        SELECT (SELECT min(seq) FROM exception WHERE destination = name AND state = 'waiting') FROM destination
    )
"""
_WORDS = """
    SELECT content.rowid AS rowid, record.seq AS seq, record.payload AS payload
    FROM content LEFT JOIN record USING (call_id) ORDER BY content.rowid LIMIT ?
"""
_RECORDS = """
    SELECT seq, call_id, route, payload FROM record WHERE seq < ? ORDER BY seq LIMIT ?
"""
