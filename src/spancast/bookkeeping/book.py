"""`ledger.db`: one row per finished call, whatever its outcome, and the calls in flight.

`call_id` is the only key: replaying any records in any order leaves the same rows. `schema` has the tables.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection

import msgspec

from spancast import early_facts
from spancast.base import money
from spancast.base.segments import writer_of
from spancast.base.store import Store
from spancast.bookkeeping import amendments, entries
from spancast.bookkeeping.entry import packed
from spancast.bookkeeping.id_cache import IdCache
from spancast.bookkeeping.schema import MIGRATIONS
from spancast.records.call import Call
from spancast.records.late import LateFacts
from spancast.records.record import Record

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Call).decode


class Book:
    """The ledger of a home directory; any number of processes may have it open."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home / "ledger.db", MIGRATIONS)
        self._cache = IdCache()

    def committed_offset(self, segment: str) -> int:
        """Return the offset up to which a segment is booked."""
        with self.reading() as connection:
            row = connection.execute("SELECT end FROM segments WHERE name = ?", (segment,)).fetchone()
        return row["end"] if row else 0

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Book the records of a segment up to the offset `end`, in one transaction.

        A call whose outcome is `None` is in flight. The first record of a finished call stands, except that any other
        replaces `killed`, which was only inferred. Late facts are stored until their call comes.
        """
        calls = [record for record in records if isinstance(record, Call)]
        finished = [call for call in calls if call.outcome is not None]
        cache, self._cache = self._cache, IdCache()  # a failed transaction leaves an empty cache
        with self._store.transaction() as connection:
            cache.begin(connection)
            entries.book(connection, finished, cache)
            _track_in_flight(connection, writer_of(segment), calls)
            late = [record for record in records if isinstance(record, LateFacts)]
            early_facts.apply(connection, late, amendments.fill)
            early_facts.apply_stored(connection, finished, amendments.fill)
            connection.execute(_SET_OFFSET, (segment, end))
            cache.end(connection)
        self._cache = cache

    def forget(self, segment: str) -> None:
        """Drop the offset of a deleted segment."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segments WHERE name = ?", (segment,))

    def orphans(self, living: Collection[str]) -> list[Call]:
        """Return the calls in flight whose writer is not among the `living`: they will never finish."""
        with self.reading() as connection:
            rows = connection.execute("SELECT writer, payload FROM in_flight").fetchall()
        return [_decode(row["payload"]) for row in rows if row["writer"] not in living]

    def note_damage(self, segment: str, offsets: Iterable[int], what: str) -> None:
        """Note that a segment is damaged at these offsets."""
        rows = [(segment, at, what) for at in offsets]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO damage VALUES (?, ?, ?)", rows)

    def note_lost(self, writer: str, counts: Mapping[str, int], cost: Decimal) -> None:
        """Set how many records a writer has dropped so far, by reason, and their total in dollars."""
        rows = [(writer, reason, count) for reason, count in counts.items()]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO lost VALUES (?, ?, ?)", rows)
            connection.execute("INSERT OR REPLACE INTO lost_cost VALUES (?, ?)", (writer, money.plain(cost)))

    def losses(self) -> tuple[dict[str, int], Decimal]:
        """Return how many records never reached the journal, by reason, and their total in dollars."""
        with self.reading() as connection:
            counts = connection.execute("SELECT reason, sum(count) FROM lost GROUP BY reason ORDER BY reason")
            costs = connection.execute("SELECT cost_text FROM lost_cost")
            return dict(map(tuple, counts)), sum((Decimal(cost) for (cost,) in costs), Decimal(0))

    def damage(self) -> int:
        """Return how many damaged places were found in the journal."""
        with self.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM damage").fetchone()[0])

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection for one short read."""
        return self._store.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction on the tables beside the calls; keep it short."""
        return self._store.transaction()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()


def _track_in_flight(connection: Connection, writer: str, calls: Sequence[Call]) -> None:
    """Insert calls that have started, and delete those that have finished."""
    finished = {call.call_id for call in calls if call.outcome is not None}
    started = [call for call in calls if call.outcome is None and call.call_id not in finished]
    connection.executemany(
        _INSERT_IN_FLIGHT, [(each.call_id, writer, _encode(each), packed(each.call_id)) for each in started]
    )
    if connection.execute("SELECT 1 FROM in_flight LIMIT 1").fetchone():
        connection.executemany("DELETE FROM in_flight WHERE call_id = ?", [(call_id,) for call_id in finished])


_INSERT_IN_FLIGHT = """
    INSERT INTO in_flight SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM entries WHERE call_id = ?)
    ON CONFLICT(call_id) DO NOTHING
"""
_SET_OFFSET = """
    INSERT INTO segments VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET end = max(end, excluded.end)
"""
