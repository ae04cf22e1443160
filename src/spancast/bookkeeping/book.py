"""`ledger.db`: one row a call, whatever became of it, and the calls that are still under way.

`call_id` is the only key: a replay of any records in any order leaves the same rows. Costs stand twice, as stated
(`cost_text`) and in integer pico-dollars (`cost`, NULL beyond 64 bits), so that sums are exact and quick.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from spancast import early, money
from spancast.bookkeeping import amendments
from spancast.call import Call
from spancast.late import Late
from spancast.record import Record
from spancast.store import Store

WITHOUT_COST = "(cost_text IS NULL OR cost_source = 'prices')"
"""Of a row: that OpenRouter has not stated its cost. An index has it, word for word."""

MIGRATIONS = (
    """
    CREATE TABLE calls(
        seq INTEGER PRIMARY KEY,
        call_id TEXT NOT NULL UNIQUE,
        operation TEXT NOT NULL,
        started_at INTEGER NOT NULL, -- nanoseconds
        outcome TEXT NOT NULL,
        server_address TEXT,
        server_port INTEGER,
        http_status INTEGER,
        error_type TEXT,
        error_message TEXT,
        duration INTEGER, -- nanoseconds
        time_to_headers INTEGER,
        time_to_first_token INTEGER,
        streamed INTEGER NOT NULL,
        request_model TEXT,
        request_models TEXT NOT NULL, -- a JSON array
        generation_id TEXT,
        response_id TEXT,
        response_model TEXT,
        provider TEXT,
        finish_reason TEXT,
        native_finish_reason TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        total_tokens INTEGER,
        cached_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost INTEGER, -- pico-dollars
        cost_text TEXT, -- as stated; NULL is unknown
        upstream_cost INTEGER,
        upstream_cost_text TEXT,
        is_byok INTEGER,
        cost_source TEXT,
        user TEXT,
        session TEXT,
        tags TEXT NOT NULL, -- a JSON object
        app TEXT,
        key_hash TEXT,
        more TEXT NOT NULL, -- a JSON object of what is stated besides
        trace_id TEXT,
        span_id TEXT,
        parent_span_id TEXT,
        sampled INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_time ON calls(started_at);
    CREATE INDEX calls_by_user ON calls(user, started_at);
    CREATE INDEX calls_by_session ON calls(session) WHERE session IS NOT NULL;
    CREATE INDEX calls_by_generation ON calls(generation_id) WHERE generation_id IS NOT NULL;
    CREATE INDEX calls_by_job ON calls(response_id) WHERE operation IN ('video', 'batch');
    CREATE TABLE late(seq INTEGER PRIMARY KEY, key TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
    CREATE TABLE in_flight(call_id TEXT PRIMARY KEY, writer TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
    CREATE TABLE segments(name TEXT PRIMARY KEY, end INTEGER NOT NULL) STRICT;
    CREATE TABLE damage(segment TEXT, at INTEGER, what TEXT NOT NULL, PRIMARY KEY(segment, at)) STRICT;
    """,
    f"""
    CREATE INDEX calls_without_cost ON calls(started_at) WHERE {WITHOUT_COST};
    CREATE TABLE lookups(
        call_id TEXT PRIMARY KEY,
        misses INTEGER NOT NULL,
        next_at INTEGER NOT NULL, -- nanoseconds
        given_up TEXT -- why; NULL while it is tried
    ) STRICT;
    {early.INDEX};
    """,
    """
    CREATE TABLE lost(writer TEXT, reason TEXT, count INTEGER NOT NULL, PRIMARY KEY(writer, reason)) STRICT;
    CREATE TABLE lost_cost(writer TEXT PRIMARY KEY, cost_text TEXT NOT NULL) STRICT;
    """,
)
"""The versions of the ledger."""

_BIGGEST = 2**63 - 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Call).decode
_json = msgspec.json.Encoder().encode


class Book:
    """The ledger of a home directory, which any number of processes may have open."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home / "ledger.db", MIGRATIONS)

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
        finished = [_row(call) for call in calls if call.outcome is not None]
        writer = writer_of(segment)
        opened = [(call.call_id, writer, _encode(call), call.call_id) for call in calls if call.outcome is None]
        with self._store.transaction() as connection:
            connection.executemany(_BOOK, finished)
            connection.executemany(_OPEN, opened)
            connection.executemany("DELETE FROM in_flight WHERE call_id = ?", [(row.call_id,) for row in finished])
            early.take(connection, [record for record in records if isinstance(record, Late)], amendments.fill)
            early.settle(connection, finished, amendments.fill)
            connection.execute(_REACHED, (segment, end))

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that is no more."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segments WHERE name = ?", (segment,))

    def orphans(self, living: Collection[str]) -> list[Call]:
        """Return the calls under way whose writer is not among the `living`: they will not be finished any more."""
        with self.reading() as connection:
            rows = connection.execute("SELECT writer, payload FROM in_flight").fetchall()
        return [_decode(row["payload"]) for row in rows if row["writer"] not in living]

    def damaged(self, segment: str, at: int, what: str) -> None:
        """Note that what lay in a segment at the offset `at` could not be read."""
        with self._store.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO damage VALUES (?, ?, ?)", (segment, at, what))

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

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give a connection for one short read."""
        return self._store.reading()

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give a connection for one short transaction of what is kept beside the calls."""
        return self._store.transaction()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()


def writer_of(segment: str) -> str:
    """Return the writer whose segment it is (`<writer>-<number>.seg`)."""
    return segment.rpartition("-")[0]


class _Row(NamedTuple):
    """The columns of `calls`, but for `seq`."""

    call_id: str
    operation: str
    started_at: int
    outcome: str | None
    server_address: str | None
    server_port: int | None
    http_status: int | None
    error_type: str | None
    error_message: str | None
    duration: int | None
    time_to_headers: int | None
    time_to_first_token: int | None
    streamed: bool
    request_model: str | None
    request_models: str
    generation_id: str | None
    response_id: str | None
    response_model: str | None
    provider: str | None
    finish_reason: str | None
    native_finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None
    cost_text: str | None
    upstream_cost: int | None
    upstream_cost_text: str | None
    is_byok: bool | None
    cost_source: str | None
    user: str | None
    session: str | None
    tags: str
    app: str | None
    key_hash: str | None
    more: str
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    sampled: bool


def _row(call: Call) -> _Row:
    cost, upstream_cost = money.stated(call.cost), money.stated(call.upstream_cost)
    return _Row(
        call_id=call.call_id,
        operation=call.operation,
        started_at=_held(call.started_at) or 0,
        outcome=call.outcome,
        server_address=call.server_address,
        server_port=_held(call.server_port),
        http_status=_held(call.http_status),
        error_type=call.error_type,
        error_message=call.error_message,
        duration=_held(call.duration),
        time_to_headers=_held(call.time_to_headers),
        time_to_first_token=_held(call.time_to_first_token),
        streamed=call.streamed,
        request_model=call.request_model,
        request_models=_json(call.request_models).decode(),
        generation_id=call.generation_id,
        response_id=call.response_id,
        response_model=call.response_model,
        provider=call.provider,
        finish_reason=call.finish_reason,
        native_finish_reason=_joined(call.native_finish_reasons),
        input_tokens=_held(call.input_tokens),
        output_tokens=_held(call.output_tokens),
        total_tokens=_held(call.total_tokens),
        cached_tokens=_held(call.cached_tokens),
        cache_write_tokens=_held(call.cache_write_tokens),
        reasoning_tokens=_held(call.reasoning_tokens),
        cost=money.column(cost),
        cost_text=_text(cost),
        upstream_cost=money.column(upstream_cost),
        upstream_cost_text=_text(upstream_cost),
        is_byok=call.is_byok,
        cost_source=None if cost is None else call.cost_source,
        user=call.user,
        session=call.session,
        tags=_json(call.tags).decode(),
        app=_app(call),
        key_hash=call.key_hash,
        more=_json(_more(call)).decode(),
        trace_id=call.trace_id,
        span_id=call.span_id,
        parent_span_id=call.parent_span_id,
        sampled=call.sampled,
    )


MORE = (
    "status",
    "service_tier",
    "region",
    "request_id",
    "cache_hit",
    "routing",
    "error_provider",
    "previous_errors",
    "retry_after",
    "attempt_of",
    "retry",
    "tool_calls",
    "server_tool_calls",
    "web_searches",
    "citations",
    "output_chunks",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "modalities",
    "search_units",
    "audio_seconds",
    "upstream_input_cost",
    "upstream_output_cost",
    "server_tool_cost",
    "app_url",
    "app_title",
    "app_categories",
    "parameters",
    "trace_name",
    "span_name",
    "generation_name",
    "environment",
    "release",
    "metadata",
    "request_trace_id",
    "request_parent_span_id",
)
"""Fields of a Call that have no column: nobody sums or groups by them, and most calls state few of them."""


def _more(call: Call) -> dict[str, object]:
    found = {name: value for name in MORE if (value := getattr(call, name)) not in (None, (), {})}
    return {name: _text(value) if isinstance(value, Decimal) else value for name, value in found.items()}


def _held(number: int | None) -> int | None:
    """Return the number, or `None` where the column cannot hold it: one absurd count may not stop the booking."""
    return number if number is not None and abs(number) <= _BIGGEST else None


def _text(cost: Decimal | None) -> str | None:
    return None if cost is None else money.plain(cost)


def _joined(reasons: Iterable[str | None] | None) -> str | None:
    return ",".join(reason for reason in reasons or () if reason is not None) or None


def _app(call: Call) -> str | None:
    """Return `service.name`, unless it is what OpenTelemetry puts where nobody named the service."""
    name = call.resource.get("service.name")
    return name if isinstance(name, str) and name and not name.startswith("unknown_service") else None


def _assignments() -> Iterator[str]:
    return (f"{column} = excluded.{column}" for column in _Row._fields if column != "call_id")


_BOOK = f"""
    INSERT INTO calls({", ".join(_Row._fields)}) VALUES ({", ".join("?" * len(_Row._fields))})
    ON CONFLICT(call_id) DO UPDATE SET {", ".join(_assignments())}
    WHERE calls.outcome = 'killed' AND excluded.outcome <> 'killed'
"""  # noqa: S608 - made of the names above
_OPEN = """
    INSERT INTO in_flight SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM calls WHERE call_id = ?)
    ON CONFLICT(call_id) DO NOTHING
"""
_REACHED = """
    INSERT INTO segments VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET end = max(end, excluded.end)
"""
