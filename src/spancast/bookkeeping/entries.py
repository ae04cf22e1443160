"""The rows of calls in the ledger, and the sums beside them, which change together or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from sqlite3 import Connection

import msgspec

from spancast.bookkeeping import latencies, paged, rollups, texts
from spancast.bookkeeping.entry import Entry, Kind, entry_of, kind_of, packed, texts_of, traits, unpacked
from spancast.bookkeeping.known import Kinds, Known, Numbered
from spancast.bookkeeping.posted import POSTED, Posted, posted, read
from spancast.bookkeeping.rollups import NOBODY, Posting, day_of
from spancast.bookkeeping.rows import insert
from spancast.bookkeeping.sums import addends
from spancast.records.call import Call


def book(connection: Connection, calls: Sequence[Call], known: Known) -> None:
    """Book finished calls. The first record of a call stands; any replaces `killed`, which was only a conclusion."""
    new, replacing = _unbooked(connection, calls)
    for seq, call in replacing.items():
        _remove(connection, seq)
        _insert(connection, [(seq, call)], known)
    _insert(connection, [(None, call) for call in new], known)


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
    _write(connection, [(seq, kind, entry._replace(kind=_kinds(connection, [kind])[kind]))], Known())


def postings(calls: Iterable[Posted]) -> Iterator[Posting]:
    """Yield what entries add to the sums."""
    for call in calls:
        if call.outsize is None:
            yield Posting(day_of(call.started_at), call.kind, call.user or NOBODY, addends(call, call.cost))


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
        stands = standing.get(call.call_id)
        if stands is None:
            first = fresh.setdefault(call.call_id, call)
            if first.outcome == "killed" != call.outcome:
                fresh[call.call_id] = call
        elif stands[1] == "killed" != call.outcome:
            replacing.setdefault(stands[0], call)
    return list(fresh.values()), replacing


def _standing(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    """Return the number and the outcome of the calls that are booked, by `call_id`."""
    rows = paged.rows(connection, _STANDING, [*map(packed, ids)])
    return {unpacked(call_id): (seq, outcome) for call_id, seq, outcome in rows}


def _insert(connection: Connection, calls: Sequence[tuple[int | None, Call]], known: Known) -> None:
    told = [texts_of(call, known.settings) for _, call in calls]
    texts.number(connection, chain.from_iterable(told), known.texts)
    kinds = _kinds_of(connection, [call for _, call in calls], known.kinds)
    number_of = known.texts.get  # of no text there is none
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    rows = [
        (last + number if seq is None else seq, kind.kind, entry_of(call, kind.number, [*map(number_of, own)]))  # type: ignore[arg-type]  # of no text there is no number
        for number, ((seq, call), kind, own) in enumerate(zip(calls, kinds, told, strict=True), 1)
    ]
    _write(connection, rows, known)


def _write(connection: Connection, rows: Sequence[tuple[int, Kind, Entry]], known: Known) -> None:
    insert(connection, "entries", _COLUMNS, [(seq, *entry) for seq, _, entry in rows])
    calls = [posted(entry, kind) for _, kind, entry in rows]
    rollups.post(connection, postings(calls))
    readings = chain.from_iterable(map(latencies.readings, calls))
    latencies.post(connection, readings, known=known.texts)


def _remove(connection: Connection, seq: int) -> None:
    """Remove an entry, and what it says out of the sums."""
    call = read(connection.execute(f"{POSTED} WHERE seq = ?", (seq,)).fetchone())
    rollups.post(connection, postings([call]), -1)
    latencies.post(connection, latencies.readings(call), -1)
    connection.execute("DELETE FROM entries WHERE seq = ?", (seq,))


def _kinds_of(connection: Connection, calls: Sequence[Call], known: Kinds) -> list[Numbered]:
    """Return the kind of each call; what was `known` of it is not looked up."""
    keys = [*map(traits, calls)]
    unknown = {key: kind_of(call) for key, call in zip(keys, calls, strict=True) if key not in known}
    if unknown:
        numbers = _kinds(connection, unknown.values())
        known |= {key: Numbered(numbers[kind], kind) for key, kind in unknown.items()}
    return [known[key] for key in keys]


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
    SELECT call_id, entries.seq, outcome FROM entries LEFT JOIN kinds ON kinds.id = entries.kind WHERE call_id IN ({})
"""
_KINDS = "SELECT whole, id FROM kinds WHERE whole IN ({})"
_COLUMNS = ("seq", *Entry._fields)
_NEW_KIND = f"""
    INSERT INTO kinds(whole, {", ".join(Kind._fields)}) VALUES ({", ".join("?" * (1 + len(Kind._fields)))})
"""  # noqa: S608 - made of the names above
