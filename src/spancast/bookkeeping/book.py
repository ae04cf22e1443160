"""`ledger.db`: one row a call, whatever became of it, and the calls that are still under way.

`call_id` is the only key: a replay of any records in any order leaves the same rows. `schema` has the tables.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection

import msgspec

from spancast.base import money
from spancast.base.segments import writer_of
from spancast.base.store import Store
from spancast.bookkeeping import amendments, entries
from spancast.bookkeeping.entry import packed
from spancast.bookkeeping.known import Known
from spancast.bookkeeping.schema import MIGRATIONS
from spancast.records import early
from spancast.records.call import Call
from spancast.records.late import Late
from spancast.records.record import Record

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Call).decode


class Book:
    """The ledger of a home directory, which any number of processes may have open."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home / "ledger.db", MIGRATIONS)
        self._known = Known()

    def end(self, segment: str) -> int:
        """Return the offset up to which a segment is booked."""
        with self.reading() as connection:
            row = connection.execute("SELECT end FROM segments WHERE name = ?", (segment,)).fetchone()
        return row["end"] if row else 0

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Book what a segment holds up to the offset `end`, in one transaction.

        A call whose outcome is `None` is under way. The first record of a finished call stands, except that any
        replaces `killed`, which was only a conclusion. What is said late of a call waits for the call.
        """
        calls = [record for record in records if isinstance(record, Call)]
        finished = [call for call in calls if call.outcome is not None]
        known, self._known = self._known, Known()  # of a transaction that fails nothing is known
        with self._store.transaction() as connection:
            known.open(connection)
            entries.book(connection, finished, known)
            _follow(connection, writer_of(segment), calls)
            early.take(connection, [record for record in records if isinstance(record, Late)], amendments.fill)
            early.settle(connection, finished, amendments.fill)
            connection.execute(_REACHED, (segment, end))
            known.close(connection)
        self._known = known

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that is no more."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segments WHERE name = ?", (segment,))

    def orphans(self, living: Collection[str]) -> list[Call]:
        """Return the calls under way whose writer is not among the `living`: they will not be finished any more."""
        with self.reading() as connection:
            rows = connection.execute("SELECT writer, payload FROM in_flight").fetchall()
        return [_decode(row["payload"]) for row in rows if row["writer"] not in living]

    def damaged(self, segment: str, offsets: Iterable[int], what: str) -> None:
        """Note that what lay in a segment at these offsets could not be read."""
        rows = [(segment, at, what) for at in offsets]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO damage VALUES (?, ?, ?)", rows)

    def lost(self, writer: str, counts: Mapping[str, int], cost: Decimal) -> None:
        """Note how many records a writer has had to drop so far, by reason, and the dollars of them in all."""
        rows = [(writer, reason, count) for reason, count in counts.items()]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO lost VALUES (?, ?, ?)", rows)
            connection.execute("INSERT OR REPLACE INTO lost_cost VALUES (?, ?)", (writer, money.plain(cost)))

    def losses(self) -> tuple[dict[str, int], Decimal]:
        """Return how many records have never reached the journal, by reason, and the dollars of them in all."""
        with self.reading() as connection:
            counts = connection.execute("SELECT reason, sum(count) FROM lost GROUP BY reason ORDER BY reason")
            costs = connection.execute("SELECT cost_text FROM lost_cost")
            return dict(map(tuple, counts)), sum((Decimal(cost) for (cost,) in costs), Decimal(0))

    def damage(self) -> int:
        """Return how many damaged places the journal has had."""
        with self.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM damage").fetchone()[0])

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection for one short read."""
        return self._store.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Give a connection for one short transaction of what is kept beside the calls."""
        return self._store.transaction()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()


def _follow(connection: Connection, writer: str, calls: Sequence[Call]) -> None:
    """Note which calls are under way from now on, and which are not any more."""
    over = {call.call_id for call in calls if call.outcome is not None}
    begun = [call for call in calls if call.outcome is None and call.call_id not in over]
    connection.executemany(_OPEN, [(each.call_id, writer, _encode(each), packed(each.call_id)) for each in begun])
    if connection.execute("SELECT 1 FROM in_flight LIMIT 1").fetchone():
        connection.executemany("DELETE FROM in_flight WHERE call_id = ?", [(call_id,) for call_id in over])


_OPEN = """
    INSERT INTO in_flight SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM entries WHERE call_id = ?)
    ON CONFLICT(call_id) DO NOTHING
"""
_REACHED = """
    INSERT INTO segments VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET end = max(end, excluded.end)
"""
