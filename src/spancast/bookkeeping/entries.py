"""The rows of calls in the ledger, and the sums beside them, which change together or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from sqlite3 import Connection

import msgspec

from spancast.bookkeeping import latencies, paged, rollups, texts
from spancast.bookkeeping.entry import Entry, Kind, entry_of, kind_of, packed, texts_of
from spancast.bookkeeping.posted import POSTED, Posted, posted, read
from spancast.bookkeeping.rollups import NOBODY, Posting, day_of
from spancast.bookkeeping.sums import Sums
from spancast.call import Call


def book(connection: Connection, calls: Sequence[Call]) -> None:
    """Book finished calls. The first record of a call stands; any replaces `killed`, which was only a conclusion."""
    new, replacing = _unbooked(connection, calls)
    for seq, call in replacing.items():
        _remove(connection, seq)
        _insert(connection, [(seq, call)])
    _insert(connection, [(None, call) for call in new])


def find(connection: Connection, where: str, values: Mapping[str, object]) -> tuple[int, Entry, Kind] | None:
    """Return the first row that is meant, with its number."""
    found = connection.execute(f"{_WHOLE} WHERE {where} ORDER BY entries.seq LIMIT 1", values).fetchone()
    if found is None:
        return None
    seq, *columns = found
    return seq, Entry(*columns[: len(Entry._fields)]), _truths(Kind(*columns[len(Entry._fields) :]))


def change(connection: Connection, seq: int, entry: Entry, kind: Kind) -> None:
    """Write a row anew."""
    _remove(connection, seq)
    _write(connection, [(seq, kind, entry._replace(kind=_kinds(connection, [kind])[kind]))])


def postings(calls: Iterable[Posted]) -> Iterator[Posting]:
    """Yield what entries add to the sums."""
    for call in calls:
        if call.outsize is None:
            yield Posting(day_of(call.started_at), call.kind, call.user or NOBODY, Sums.of(call, call.cost))


def _truths(kind: Kind) -> Kind:
    """Return the kind with truth values, which SQLite keeps as numbers."""
    is_byok = None if kind.is_byok is None else bool(kind.is_byok)
    return kind._replace(streamed=bool(kind.streamed), is_byok=is_byok, sampled=bool(kind.sampled))


def _unbooked(connection: Connection, calls: Sequence[Call]) -> tuple[list[Call], dict[int, Call]]:
    """Return the calls that are new, and those that take the place of a row."""
    standing = _standing(connection, [call.call_id for call in calls])
    fresh: dict[str, Call] = {}
    replacing: dict[int, Call] = {}
    for call in calls:
        seq, outcome = standing.get(packed(call.call_id), (None, None))
        if seq is None:
            first = fresh.get(call.call_id)
            if first is None or (first.outcome == "killed" and call.outcome != "killed"):
                fresh[call.call_id] = call
        elif outcome == "killed" and call.outcome != "killed":
            replacing.setdefault(seq, call)
    return list(fresh.values()), replacing


def _standing(connection: Connection, ids: Sequence[str]) -> dict[str | bytes, tuple[int, str]]:
    rows = paged.rows(connection, _STANDING, [packed(each) for each in ids])
    return {call_id: (seq, outcome) for call_id, seq, outcome in rows}


def _insert(connection: Connection, calls: Sequence[tuple[int | None, Call]]) -> None:
    told = [(seq, call, kind_of(call), texts_of(call)) for seq, call in calls]
    numbers = texts.ids(connection, (text for *_, shared in told for text in shared))
    kinds = _kinds(connection, (kind for _, _, kind, _ in told))
    _write(connection, [(seq, kind, entry_of(call, kinds[kind], own, numbers)) for seq, call, kind, own in told])


def _write(connection: Connection, rows: Sequence[tuple[int | None, Kind, Entry]]) -> None:
    connection.executemany(_INSERT, [(seq, *entry) for seq, _, entry in rows])
    calls = [posted(entry, kind) for _, kind, entry in rows]
    rollups.post(connection, postings(calls))
    latencies.post(connection, (reading for call in calls for reading in latencies.readings(call)))


def _remove(connection: Connection, seq: int) -> None:
    """Remove an entry, and what it says out of the sums."""
    call = read(connection.execute(f"{POSTED} WHERE seq = ?", (seq,)).fetchone())
    rollups.post(connection, postings([call]), -1)
    latencies.post(connection, latencies.readings(call), -1)
    connection.execute("DELETE FROM entries WHERE seq = ?", (seq,))


def _kinds(connection: Connection, kinds: Iterable[Kind]) -> dict[Kind, int]:
    """Return the number of each kind, given to it now where it has none."""
    wholes = {kind: msgspec.json.encode(kind).decode() for kind in dict.fromkeys(kinds)}
    known = _known(connection, list(wholes.values()))
    new = [(whole, *kind) for kind, whole in wholes.items() if whole not in known]
    if new:
        connection.executemany(_NEW_KIND, new)
        known |= _known(connection, [whole for whole, *_ in new])
    return {kind: known[whole] for kind, whole in wholes.items()}


def _known(connection: Connection, wholes: Sequence[str]) -> dict[str, int]:
    return dict(paged.rows(connection, _KINDS, wholes))


_WHOLE = f"""
    SELECT entries.seq, {", ".join(f"entries.{name}" for name in Entry._fields)},
        {", ".join(f"kinds.{name}" for name in Kind._fields)}
    FROM entries JOIN kinds ON kinds.id = entries.kind
"""  # noqa: S608 - made of the names above
_STANDING = """
    SELECT call_id, entries.seq, outcome FROM entries JOIN kinds ON kinds.id = entries.kind WHERE call_id IN ({})
"""
_KINDS = "SELECT whole, id FROM kinds WHERE whole IN ({})"
_INSERT = f"""
    INSERT INTO entries(seq, {", ".join(Entry._fields)}) VALUES ({", ".join("?" * (1 + len(Entry._fields)))})
"""  # noqa: S608 - made of the names above
_NEW_KIND = f"""
    INSERT INTO kinds(whole, {", ".join(Kind._fields)}) VALUES ({", ".join("?" * (1 + len(Kind._fields)))})
"""  # noqa: S608 - made of the names above
