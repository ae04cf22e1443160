"""Writes calls and the sums beside them, always in the same transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from sqlite3 import Connection

import msgspec

from spancast.bookkeeping import latencies, paged, rollups, texts
from spancast.bookkeeping.entry import Entry, Kind, entry_of, kind_of, packed, texts_of, traits, unpacked
from spancast.bookkeeping.id_cache import IdCache, Kinds, StoredKind
from spancast.bookkeeping.posted import POSTED, Posted, posted, read
from spancast.bookkeeping.rollups import NO_USER, Posting, day_of
from spancast.bookkeeping.rows import insert
from spancast.bookkeeping.sums import addends
from spancast.records.call import Call


def book(connection: Connection, calls: Sequence[Call], cache: IdCache) -> None:
    """Book finished calls. The first record of a call stands, but any other replaces an inferred `killed`."""
    new, replacing = _unbooked(connection, calls)
    for seq, call in replacing.items():
        _remove(connection, seq)
        _insert(connection, [(seq, call)], cache)
    _insert(connection, [(None, call) for call in new], cache)


def find(connection: Connection, where: str, values: Mapping[str, object]) -> tuple[int, Entry, Kind] | None:
    """Return the first row that matches, with its `seq` and its kind."""
    found = connection.execute(f"{_WHOLE} WHERE {where} ORDER BY entries.seq LIMIT 1", values).fetchone()
    if found is None:
        return None
    seq, *columns = found
    return seq, Entry(*columns[: len(Entry._fields)]), _with_booleans(Kind(*columns[len(Entry._fields) :]))


def change(connection: Connection, seq: int, entry: Entry, kind: Kind) -> None:
    """Replace a row."""
    _remove(connection, seq)
    _write(connection, [(seq, kind, entry._replace(kind=_kinds(connection, [kind])[kind]))], IdCache())


def postings(calls: Iterable[Posted]) -> Iterator[Posting]:
    """Yield what these calls add to the sums; nothing for outsize ones."""
    for call in calls:
        if call.outsize is None:
            yield Posting(day_of(call.started_at), call.kind, call.user or NO_USER, addends(call, call.cost))


def _with_booleans(kind: Kind) -> Kind:
    """Return the kind with booleans, which SQLite stores as integers."""
    is_byok = None if kind.is_byok is None else bool(kind.is_byok)
    return kind._replace(streamed=bool(kind.streamed), is_byok=is_byok, sampled=bool(kind.sampled))


def _unbooked(connection: Connection, calls: Sequence[Call]) -> tuple[list[Call], dict[int, Call]]:
    """Return the new calls, and by `seq` the calls that replace a row."""
    booked = _booked(connection, [call.call_id for call in calls])
    new: dict[str, Call] = {}
    replacing: dict[int, Call] = {}
    for call in calls:
        row = booked.get(call.call_id)
        if row is None:
            first = new.setdefault(call.call_id, call)
            if first.outcome == "killed" != call.outcome:
                new[call.call_id] = call
        elif row[1] == "killed" != call.outcome:
            replacing.setdefault(row[0], call)
    return list(new.values()), replacing


def _booked(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    """Return the `seq` and the outcome of the calls that are already booked, by `call_id`."""
    rows = paged.rows(connection, _BOOKED, [*map(packed, ids)])
    return {unpacked(call_id): (seq, outcome) for call_id, seq, outcome in rows}


def _insert(connection: Connection, calls: Sequence[tuple[int | None, Call]], cache: IdCache) -> None:
    shared = [texts_of(call, cache.settings) for _, call in calls]
    texts.assign_ids(connection, chain.from_iterable(shared), cache.texts)
    kinds = _kinds_of(connection, [call for _, call in calls], cache.kinds)
    id_of = cache.texts.get  # `None` for `None`
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    rows = [
        (last + number if seq is None else seq, kind.kind, entry_of(call, kind.number, [*map(id_of, own)]))  # type: ignore[arg-type]  # a text may be `None`
        for number, ((seq, call), kind, own) in enumerate(zip(calls, kinds, shared, strict=True), 1)
    ]
    _write(connection, rows, cache)


def _write(connection: Connection, rows: Sequence[tuple[int, Kind, Entry]], cache: IdCache) -> None:
    insert(connection, "entries", _COLUMNS, [(seq, *entry) for seq, _, entry in rows])
    calls = [posted(entry, kind) for _, kind, entry in rows]
    rollups.post(connection, postings(calls))
    measurements = chain.from_iterable(map(latencies.measurements, calls))
    latencies.post(connection, measurements, ids=cache.texts)


def _remove(connection: Connection, seq: int) -> None:
    """Delete an entry, and subtract it from the sums."""
    call = read(connection.execute(f"{POSTED} WHERE seq = ?", (seq,)).fetchone())
    rollups.post(connection, postings([call]), -1)
    latencies.post(connection, latencies.measurements(call), -1)
    connection.execute("DELETE FROM entries WHERE seq = ?", (seq,))


def _kinds_of(connection: Connection, calls: Sequence[Call], known: Kinds) -> list[StoredKind]:
    """Return the stored kind of each call; only those that are not `known` are looked up."""
    keys = [*map(traits, calls)]
    unknown = {key: kind_of(call) for key, call in zip(keys, calls, strict=True) if key not in known}
    if unknown:
        numbers = _kinds(connection, unknown.values())
        known |= {key: StoredKind(numbers[kind], kind) for key, kind in unknown.items()}
    return [known[key] for key in keys]


def _kinds(connection: Connection, kinds: Iterable[Kind]) -> dict[Kind, int]:
    """Return the id of each kind, inserting those that are new."""
    json_by_kind = {kind: msgspec.json.encode(kind).decode() for kind in dict.fromkeys(kinds)}
    known = _kind_ids(connection, list(json_by_kind.values()))
    new = [(whole, *kind) for kind, whole in json_by_kind.items() if whole not in known]
    if new:
        connection.executemany(_NEW_KIND, new)
        known |= _kind_ids(connection, [whole for whole, *_ in new])
    return {kind: known[whole] for kind, whole in json_by_kind.items()}


def _kind_ids(connection: Connection, json_by_kind: Sequence[str]) -> dict[str, int]:
    return dict(paged.rows(connection, _KINDS, json_by_kind))


_WHOLE = f"""
    SELECT entries.seq, {", ".join(f"entries.{name}" for name in Entry._fields)},
        {", ".join(f"kinds.{name}" for name in Kind._fields)}
    FROM entries JOIN kinds ON kinds.id = entries.kind
"""  # noqa: S608 - made of the names above
_BOOKED = """
    SELECT call_id, entries.seq, outcome FROM entries LEFT JOIN kinds ON kinds.id = entries.kind WHERE call_id IN ({})
"""
_KINDS = "SELECT whole, id FROM kinds WHERE whole IN ({})"
_COLUMNS = ("seq", *Entry._fields)
_NEW_KIND = f"""
    INSERT INTO kinds(whole, {", ".join(Kind._fields)}) VALUES ({", ".join("?" * (1 + len(Kind._fields)))})
"""  # noqa: S608 - made of the names above
