"""What is said of a call after it was booked: it fills what the row leaves unknown, and changes nothing that it knows.

A word that comes before its call, from another process, say, is kept until the call is booked.
"""

from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Protocol

import msgspec

from spancast import money
from spancast.late import Late


class Booked(Protocol):
    """A row that has just been booked."""

    @property
    def call_id(self) -> str:
        """The call's own key."""
        ...

    @property
    def response_id(self) -> str | None:
        """The id of the job, where the call began one."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Late).decode


def take(connection: Connection, words: Iterable[Late]) -> None:
    """Fill the rows that the words are about; keep those whose call is not booked yet."""
    for late in words:
        if not _fill(connection, late):
            connection.execute("INSERT INTO late (key, payload) VALUES (?, ?)", (_key(late), _encode(late)))


def settle(connection: Connection, rows: Sequence[Booked]) -> None:
    """Fill the rows that words have been waiting for."""
    if connection.execute("SELECT 1 FROM late LIMIT 1").fetchone() is None:
        return
    for key in _keys(rows):
        for seq, payload in connection.execute("SELECT seq, payload FROM late WHERE key = ?", (key,)).fetchall():
            if _fill(connection, _decode(payload)):
                connection.execute("DELETE FROM late WHERE seq = ?", (seq,))


def _keys(rows: Sequence[Booked]) -> Iterator[str]:
    for row in rows:
        yield f"call {row.call_id}"
        if row.response_id is not None:
            yield f"job {row.response_id}"


def _key(late: Late) -> str:
    return f"job {late.job_id}" if late.call_id is None else f"call {late.call_id}"


def _fill(connection: Connection, late: Late) -> bool:
    """Fill the row; return whether there is one."""
    sets = ", ".join(f"{column} = coalesce({column}, :{column})" for column in _FILLED)
    where = "call_id = :call_id" if late.call_id is not None else _JOB
    values = {"call_id": late.call_id, "job_id": late.job_id, "status": late.status} | _values(late)
    return connection.execute(f"UPDATE calls SET {_COST}, {sets}, {_STATUS} WHERE {where}", values).rowcount > 0  # noqa: S608 - made of the names here


_FILLED = (
    "generation_id",
    "provider",
    "response_model",
    "error_type",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "upstream_cost",
    "upstream_cost_text",
    "is_byok",
)
_JOB = "response_id = :job_id AND operation IN ('video', 'batch')"
_BETTER = "(cost_text IS NULL OR (cost_source = 'prices' AND :cost_source <> 'prices')) AND :cost_text IS NOT NULL"
"""A cost that OpenRouter states takes the place of an estimate."""
_PRICE = ("cost", "cost_text", "cost_source")
_COST = ", ".join(f"{column} = CASE WHEN {_BETTER} THEN :{column} ELSE {column} END" for column in _PRICE)
_STATUS = "more = CASE WHEN :status IS NULL THEN more ELSE json_set(more, '$.status', :status) END"


def _values(late: Late) -> dict[str, object]:
    cost, upstream = money.stated(late.cost), money.stated(late.upstream_cost)
    plain = {column: getattr(late, column) for column in _FILLED if column in Late.__struct_fields__}
    return plain | {
        "cost": money.column(cost),
        "cost_text": None if cost is None else money.plain(cost),
        "cost_source": late.source,
        "upstream_cost": money.column(upstream),
        "upstream_cost_text": None if upstream is None else money.plain(upstream),
    }
