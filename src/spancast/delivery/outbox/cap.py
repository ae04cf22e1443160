"""What a full outbox sheds, oldest first, until there is room.

It sheds first what no destination waits for: content, then records. Next comes the content of waiting records, which
are then sent without it; last the records themselves, which are small and state the cost. The ledger keeps every cost.
"""

from sqlite3 import Connection, Row

from spancast.base.units import INT64_MAX
from spancast.delivery.outbox.accounts import NOTE
from spancast.delivery.outbox.eviction import LossTally, ShedRecords, remove, waiting_for

FULL = "outbox full"
CONTENT_SHED = "words shed: outbox full"

_CHUNK_ROWS = 200
"""Rows that are shed between two checks of the size."""
_MAX_CHUNKS = 20
"""Chunks that one call sheds; the next call sheds more."""
_SPARE_DIVISOR = 50
"""One part in so many of the size is freed in advance, so that not every new record sheds others."""


def used(connection: Connection) -> int:
    """Return the bytes of the file that are in use, without free pages."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def shed(connection: Connection, size: int) -> bool:
    """Shed if more than `size` bytes are used; return whether there is more to shed."""
    if used(connection) <= size:
        return False
    (first,) = connection.execute(_FIRST_WAITING).fetchone()
    first = _BEYOND if first is None else first
    steps = ((_shed_content, first), (_shed_records, first), (_shed_content, _BEYOND), (_shed_records, _BEYOND))
    target = size - size // _SPARE_DIVISOR
    chunks = 0
    for step, before in steps:
        while used(connection) > target:
            if chunks == _MAX_CHUNKS:
                return True
            chunks += 1
            if not step(connection, before):
                break
    return False


def _shed_content(connection: Connection, before: int) -> int:
    oldest = connection.execute(_CONTENTS, (_CHUNK_ROWS,)).fetchall()
    rows = [row for row in oldest if row["seq"] is None or row["seq"] < before]
    losses = LossTally(NOTE, CONTENT_SHED)
    for row in rows:
        if row["seq"] is not None:
            losses.add(waiting_for(connection, row["seq"]), row["payload"])
    connection.executemany("DELETE FROM content WHERE rowid = ?", [(row["rowid"],) for row in rows])
    losses.enter(connection)
    return len(rows)


def _shed_records(connection: Connection, before: int) -> int:
    rows: list[Row] = connection.execute(_RECORDS, (before, _CHUNK_ROWS)).fetchall()
    losses = ShedRecords(FULL)
    for row in rows:
        losses.add(waiting_for(connection, row["seq"]), row["payload"])
    remove(connection, rows)
    losses.enter(connection)
    return len(rows)


_BEYOND = INT64_MAX
_FIRST_WAITING = """
    SELECT min(seq) FROM (
        SELECT (SELECT min(seq) FROM record WHERE record.route = routed.route AND record.seq > cursor) AS seq
        FROM destination JOIN routed ON routed.destination = name
        UNION ALL
        SELECT (SELECT min(seq) FROM exception WHERE destination = name AND state = 'waiting') FROM destination
    )
"""
_CONTENTS = """
    SELECT content.rowid AS rowid, record.seq AS seq, record.payload AS payload
    FROM content LEFT JOIN record USING (call_id) ORDER BY content.rowid LIMIT ?
"""
_RECORDS = """
    SELECT seq, call_id, route, payload FROM record WHERE seq < ? ORDER BY seq LIMIT ?
"""
