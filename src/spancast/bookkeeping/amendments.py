"""Applies late facts to a booked call: fills its row as `spancast.records.late.filled` fills the record."""

from sqlite3 import Connection

import msgspec

from spancast.bookkeeping import entries, narrow
from spancast.bookkeeping.entry import Entry, Kind, packed
from spancast.records.call import Call
from spancast.records.late import LateFacts, filled


def fill(connection: Connection, late: LateFacts) -> bool:
    """Fill the row that late facts are about; return whether there is one."""
    found = entries.find(connection, *_row_condition(late))
    if found is None:
        return False
    seq, entry, kind = found
    before = _call(entry, kind)
    after = filled(before, late)
    if after != before or late.status is not None:
        entries.change(connection, seq, _entry(entry, after, late.status), _kind(kind, after))
    if late.call_id is not None and late.cost is not None and late.source != "prices":
        connection.execute("DELETE FROM lookups WHERE call_id = ?", (late.call_id,))
    return True


def _row_condition(late: LateFacts) -> tuple[str, dict[str, object]]:
    """Return the SQL condition of the row. A job that was polled several times is billed once, in its first row."""
    if late.call_id is not None:
        return "call_id = :call_id", {"call_id": packed(late.call_id)}
    return "job AND response_id = :job_id", {"job_id": late.job_id}


_OF_KIND = ("outcome", "provider", "response_model", "error_type", "is_byok", "cost_source")
"""Fields of a kind that late facts fill or depend on."""


def _call(entry: Entry, kind: Kind) -> Call:
    """Return the call with the fields that late facts fill or depend on."""
    return Call(
        call_id="",
        operation=kind.operation,
        started_at=entry.started_at,
        generation_id=entry.generation_id,
        **narrow.call_fields(entry._asdict()),
        **{name: getattr(kind, name) for name in _OF_KIND},
    )


def _entry(entry: Entry, call: Call, status: str | None) -> Entry:
    more = entry.more
    if status is not None:
        more = msgspec.json.encode(msgspec.json.decode(more or "{}") | {"status": status}).decode()
    return entry._replace(**narrow.columns(call)._asdict(), generation_id=call.generation_id, more=more)


def _kind(kind: Kind, call: Call) -> Kind:
    return kind._replace(**{name: getattr(call, name) for name in _OF_KIND})
