"""What the ledger says: the single calls, and sums over them by user, model, day or whatever else was asked for.

Sums of money are exact: of the stated amounts to 12 decimals, rounded half-even per call beyond. A call of unknown cost
is counted as such and adds nothing. Times are UTC, as OpenRouter's own activity and limits are.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Self

import msgspec

from spancast import money
from spancast.bookkeeping.book import Book
from spancast.call import spent
from spancast.errors import ConfigurationError

_MODEL = "coalesce(response_model, request_model)"
_SECONDS = "started_at / 1000000000, 'unixepoch'"
DIMENSIONS: Mapping[str, str] = {
    "user": "user",
    "session": "session",
    "model": _MODEL,
    "requested_model": "request_model",
    "provider": "provider",
    "operation": "operation",
    "app": "app",
    "key": "key_hash",
    "error_type": "error_type",
    "hour": f"strftime('%Y-%m-%dT%H:00Z', {_SECONDS})",
    "day": f"strftime('%Y-%m-%d', {_SECONDS})",
    "week": f"strftime('%Y-%m-%d', {_SECONDS}, 'weekday 0', '-6 days')",
    "month": f"strftime('%Y-%m', {_SECONDS})",
}
"""What costs can be summed by, besides `tag:KEY`. `model` is the one that answered, else the one asked for; `app` is
the resource's `service.name`; `key` the hash of the API key; a week is called by its Monday."""

TAG = "tag:"
"""What a dimension begins with that is the value of a tag."""

REFUSED = frozenset(range(400, 500)) - {408, 499}
"""The HTTP statuses of a refusal. A request that timed out (408), or was given up (499), may have been run."""

PAGE = 1000
"""Calls read at a time, so that no reader holds the file's log for long."""

_LIMB = 10**9
"""Sums are of two limbs, since SQLite's `sum` raises beyond 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which calls are meant: those that are all that is given."""

    since: datetime | None = None
    """The first instant."""
    until: datetime | None = None
    """The instant after the last."""
    user: str | None = None
    session: str | None = None
    model: str | None = None
    """The model that answered or the one asked for."""
    provider: str | None = None
    operation: str | None = None
    app: str | None = None
    outcome: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """The sums of one group. Tokens and cost are `None` where no call of the group states them."""

    group: Mapping[str, str | None]
    """Its values, by dimension."""
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    """US dollars of the calls whose cost is known."""
    errors: int
    """Calls that failed."""
    unknown_cost_calls: int
    """Calls that may have cost something of which nobody knows how much."""
    refused_calls: int
    """Calls without a cost that OpenRouter refused, so that no model was run; see `REFUSED`."""
    estimated_calls: int
    """Calls whose cost is an estimate by the list of prices, and is in the sum."""

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums over no calls."""
        return cls(
            group={},
            calls=0,
            input_tokens=None,
            output_tokens=None,
            cached_tokens=None,
            reasoning_tokens=None,
            cost=None,
            errors=0,
            unknown_cost_calls=0,
            refused_calls=0,
            estimated_calls=0,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Sums by group, dearest first and unknown cost last, and over all."""

    rows: tuple[CostRow, ...]
    total: CostRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call, as booked."""

    call_id: str
    generation_id: str | None
    response_id: str | None
    operation: str
    request_model: str | None
    request_models: tuple[str, ...]
    response_model: str | None
    provider: str | None
    server_address: str | None
    finish_reason: str | None
    native_finish_reason: str | None
    outcome: str
    http_status: int | None
    error_type: str | None
    error_message: str | None
    streamed: bool
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    """US dollars, every digit as OpenRouter stated it."""
    upstream_cost: Decimal | None
    is_byok: bool | None
    cost_source: str | None
    key_hash: str | None
    user: str | None
    session: str | None
    tags: Mapping[str, str]
    started_at: int
    """Unix time in nanoseconds."""
    duration: int | None
    """Nanoseconds."""
    time_to_first_token: int | None
    """Nanoseconds."""
    trace_id: str | None
    span_id: str | None
    more: Mapping[str, object]
    """What else is known, by the names in `book.MORE`, as JSON has it; money is a decimal string."""

    @property
    def refused(self) -> bool:
        """Whether it has no cost since OpenRouter refused it; see `REFUSED`."""
        return self.cost is None and self.http_status in REFUSED

    @property
    def spent(self) -> Decimal | None:
        """US dollars that left any account; see `spancast.call.spent`."""
        return spent(self.cost, self.upstream_cost, is_byok=self.is_byok)


def is_dimension(name: str) -> bool:
    """Return whether costs can be summed by it."""
    return name in DIMENSIONS or (name.startswith(TAG) and name != TAG)


def costs(book: Book, by: Sequence[str], chosen: Filter) -> Report:
    """Return the sums of the `chosen` calls by the dimensions `by`; raise `ConfigurationError` for an unknown one."""
    parameters: dict[str, object] = {}
    groups = [_dimension(name, number, parameters) for number, name in enumerate(by)]
    where = _where(chosen, parameters)
    with book.reading() as connection:
        _teach(connection)
        summed = connection.execute(_sums(groups, where), parameters).fetchall()
        huge = connection.execute(_huge(groups, where), parameters).fetchall()
    tallies: defaultdict[tuple[str | None, ...], _Tally] = defaultdict(_Tally)
    for row in summed:
        tallies[tuple(row)[: len(by)]].take(row)
    for row in huge:
        tallies[tuple(row)[: len(by)]].picos += money.pico(Decimal(row["cost_text"]))
    rows = [tally.row(dict(zip(by, group, strict=True))) for group, tally in tallies.items()]
    return Report(tuple(sorted(rows, key=_dearest_first)), sum(tallies.values(), _Tally()).row({}))


def calls(book: Book, chosen: Filter, limit: int | None = None) -> Iterator[CallRow]:
    """Yield the `chosen` calls, newest last; the newest `limit` of them where one is given."""
    parameters: dict[str, object] = {"started_at": -(2**63), "seq": 0, "page": PAGE}
    where = _where(chosen, parameters)
    if limit is not None:
        parameters |= _first_of_the_newest(book, where, parameters, limit)
    return islice(_pages(book, where, parameters), limit)


def _pages(book: Book, where: str, parameters: dict[str, object]) -> Iterator[CallRow]:
    page = f"""
        SELECT * FROM calls WHERE (started_at, seq) >= (:started_at, :seq) AND {where}
        ORDER BY started_at, seq LIMIT :page
    """  # noqa: S608 - made of the names above
    while True:
        with book.reading() as connection:
            _teach(connection)
            rows = connection.execute(page, parameters).fetchall()
        yield from map(_call_row, rows)
        if len(rows) < PAGE:
            return
        parameters |= {"started_at": rows[-1]["started_at"], "seq": rows[-1]["seq"] + 1}


def _first_of_the_newest(book: Book, where: str, parameters: dict[str, object], limit: int) -> dict[str, object]:
    query = f"""
        SELECT started_at, seq FROM calls WHERE {where} ORDER BY started_at DESC, seq DESC LIMIT 1 OFFSET :skipped
    """  # noqa: S608 - made of the names above
    with book.reading() as connection:
        _teach(connection)
        row = connection.execute(query, parameters | {"skipped": max(limit - 1, 0)}).fetchone()
    return dict(row) if row else {}


def _dimension(name: str, number: int, parameters: dict[str, object]) -> str:
    if not is_dimension(name):
        raise ConfigurationError.of("by", name, f"Give any of {', '.join(DIMENSIONS)}, or tag:KEY.")
    if name in DIMENSIONS:
        return DIMENSIONS[name]
    parameters[f"by{number}"] = name.removeprefix(TAG)
    return f"tag(tags, :by{number})"


def _where(chosen: Filter, parameters: dict[str, object]) -> str:
    """Return the condition, and put its values among the parameters."""
    conditions = ["1"]
    for name, condition in _CONDITIONS.items():
        value = getattr(chosen, name)
        if value is not None:
            conditions.append(condition)
            parameters[name] = _nanoseconds(value) if isinstance(value, datetime) else value
    for number, (key, value) in enumerate(chosen.tags.items()):
        conditions.append(f"tag(tags, :key{number}) = :value{number}")
        parameters |= {f"key{number}": key, f"value{number}": value}
    return " AND ".join(conditions)


_CONDITIONS = {
    "since": "started_at >= :since",
    "until": "started_at < :until",
    "user": "user = :user",
    "session": "session = :session",
    "model": ":model IN (response_model, request_model)",
    "provider": "provider = :provider",
    "operation": "operation = :operation",
    "app": "app = :app",
    "outcome": "outcome = :outcome",
}


def _nanoseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _sums(groups: Sequence[str], where: str) -> str:
    sums = (
        f"count({column}) AS {column}_known, sum({column} / {_LIMB}) AS {column}_high, "
        f"sum({column} % {_LIMB}) AS {column}_low"
        for column in _SUMMED
    )
    return f"""
        SELECT {"".join(f"{group}, " for group in groups)} count(*) AS calls, count(error_type) AS errors,
            count(cost_text) AS priced, count(iif({_REFUSED}, 1, NULL)) AS refused,
            count(iif(cost_source = 'prices', 1, NULL)) AS estimated, {", ".join(sums)}
        FROM calls WHERE {where} {_grouped(groups)}
    """  # noqa: S608 - made of the names above


_REFUSED = f"cost_text IS NULL AND http_status IN ({', '.join(map(str, sorted(REFUSED)))})"


def _huge(groups: Sequence[str], where: str) -> str:
    """Return the query for the amounts that do not fit into 64 bits of pico-dollars: more than nine million dollars."""
    return f"""
        SELECT {"".join(f"{group}, " for group in groups)} cost_text
        FROM calls WHERE cost IS NULL AND cost_text IS NOT NULL AND {where}
    """  # noqa: S608 - made of the names above


def _grouped(groups: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(len(groups)))}" if groups else ""


_SUMMED = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost")


@dataclass(slots=True)
class _Tally:
    """What is being added up of one group, in integers of any size."""

    calls: int = 0
    errors: int = 0
    priced: int = 0
    refused: int = 0
    estimated: int = 0
    picos: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    """By column; one that is absent was never stated."""

    def take(self, row: sqlite3.Row) -> None:
        self.calls, self.errors, self.priced, self.refused, self.estimated = (
            row[name] for name in ("calls", "errors", "priced", "refused", "estimated")
        )
        sums = {name: row[f"{name}_high"] * _LIMB + row[f"{name}_low"] for name in _SUMMED if row[f"{name}_known"]}
        self.picos = sums.pop("cost", 0)
        self.tokens = sums

    def __add__(self, other: "_Tally") -> "_Tally":
        names = self.tokens | other.tokens
        return _Tally(
            self.calls + other.calls,
            self.errors + other.errors,
            self.priced + other.priced,
            self.refused + other.refused,
            self.estimated + other.estimated,
            self.picos + other.picos,
            {name: self.tokens.get(name, 0) + other.tokens.get(name, 0) for name in names},
        )

    def row(self, group: Mapping[str, str | None]) -> CostRow:
        return CostRow(
            group=group,
            calls=self.calls,
            input_tokens=self.tokens.get("input_tokens"),
            output_tokens=self.tokens.get("output_tokens"),
            cached_tokens=self.tokens.get("cached_tokens"),
            reasoning_tokens=self.tokens.get("reasoning_tokens"),
            cost=money.dollars(self.picos) if self.priced else None,
            errors=self.errors,
            unknown_cost_calls=self.calls - self.priced - self.refused,
            refused_calls=self.refused,
            estimated_calls=self.estimated,
        )


def _dearest_first(row: CostRow) -> tuple[bool, Decimal, list[tuple[bool, str]]]:
    return row.cost is None, -(row.cost or Decimal()), [(value is None, value or "") for value in row.group.values()]


def _call_row(row: sqlite3.Row) -> CallRow:
    return CallRow(
        call_id=row["call_id"],
        generation_id=row["generation_id"],
        response_id=row["response_id"],
        operation=row["operation"],
        request_model=row["request_model"],
        request_models=tuple(msgspec.json.decode(row["request_models"], type=list[str])),
        response_model=row["response_model"],
        provider=row["provider"],
        server_address=row["server_address"],
        finish_reason=row["finish_reason"],
        native_finish_reason=row["native_finish_reason"],
        outcome=row["outcome"],
        http_status=row["http_status"],
        error_type=row["error_type"],
        error_message=row["error_message"],
        streamed=bool(row["streamed"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cached_tokens=row["cached_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        cost=_amount(row["cost_text"]),
        upstream_cost=_amount(row["upstream_cost_text"]),
        is_byok=None if row["is_byok"] is None else bool(row["is_byok"]),
        cost_source=row["cost_source"],
        key_hash=row["key_hash"],
        user=row["user"],
        session=row["session"],
        tags=_tags(row["tags"]),
        started_at=row["started_at"],
        duration=row["duration"],
        time_to_first_token=row["time_to_first_token"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        more=msgspec.json.decode(row["more"]),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_tags = msgspec.json.Decoder(dict[str, str]).decode


def _teach(connection: sqlite3.Connection) -> None:
    """Teach SQL to read a tag: its own JSON functions differ between versions where a key has a quote in it."""
    connection.create_function("tag", 2, _tag, deterministic=True)


def _tag(tags: str, key: str) -> str | None:
    return _tags(tags).get(key)
