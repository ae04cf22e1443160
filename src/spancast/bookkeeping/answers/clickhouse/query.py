"""The query for costs in ClickHouse, over the table OPENROUTER_TRACES that destinations fill.

Every value is a bound parameter (ClickHouse, "Queries with parameters"): `{name:Type}` in the text.

Only rows with `spancast.call_id`, those of Spancast's own calls, count. A call with several rows counts once: a row
with a stated cost is preferred to one with an estimate, and that to one with an unknown cost. Money is the charge in
ATTRIBUTES; TOTAL_COST would add the provider's bill where the account's own key was used (BYOK).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from spancast.bookkeeping.answers.dimensions import DIMENSIONS, TAG, dimension
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.sums import REFUSED_STATUSES
from spancast.errors import ConfigurationError
from spancast.semconv import names

_ATTRIBUTES = {
    "call_id": (names.CALL_ID, "String"),
    "requested_model": (names.REQUEST_MODEL, "String"),
    "error_type": (names.ERROR_TYPE, "String"),
    "outcome": (names.OUTCOME, "String"),
    "cost_source": (names.COST_SOURCE, "String"),
    "stated_cost": (names.COST_USD, "String"),
    "http_status": (names.HTTP_STATUS, "Int64"),
    "cached_tokens": (names.CACHED_TOKENS, "Int64"),
    "reasoning_tokens": (names.REASONING_TOKENS, "Int64"),
}
"""The attributes that are read, in one pass, from the column ATTRIBUTES."""
_COLUMNS = {
    **{name: f"attrs.{at}" for at, name in enumerate(_ATTRIBUTES, 1)},
    "user": "nullIf(USER_ID, '')",
    "session": "nullIf(SESSION_ID, '')",
    "model": "nullIf(MODEL, '')",
    "provider": "nullIf(PROVIDER_NAME, '')",
    "key": "nullIf(API_KEY_NAME, '')",
    "app": "nullIf(if(startsWith(JSONExtractString(RESOURCE_ATTRIBUTES, 'service.name') AS app_name, "
    "'unknown_service'), '', app_name), '')",
    "hour": "formatDateTime(TIMESTAMP, '%Y-%m-%dT%H:00Z', 'UTC')",
    "day": "formatDateTime(TIMESTAMP, '%Y-%m-%d', 'UTC')",
    "week": "toString(toMonday(TIMESTAMP, 'UTC'))",
    "month": "formatDateTime(TIMESTAMP, '%Y-%m', 'UTC')",
    "input_tokens": "PROMPT_TOKENS",
    "output_tokens": "COMPLETION_TOKENS",
    "cost": "roundBankers(toDecimal256OrNull(ifNull(stated_cost, toString(TOTAL_COST)), 40), 12)",
}
"""SQL expressions by our field names. Costs have 12 decimals, as in the ledger's sums."""
_FILTERS = (
    *("user", "session", "model", "requested_model", "provider", "operation", "app", "key", "error_type", "outcome"),
)
"""Fields of a Filter that are compared."""
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_COUNTED = (
    "isNotNull(error_type)",
    "isNotNull(cost)",
    f"(isNull(cost) AND ifNull(http_status, 0) IN ({', '.join(map(str, sorted(REFUSED_STATUSES)))}))",
    "(isNotNull(cost) AND ifNull(cost_source, '') = 'prices')",
    *(f"isNotNull({name})" for name in _TOKENS),
)
"""Conditions that calls are counted by; each is a bit of one number, which takes `argMax` as long as one column."""
_PREFERENCE = "isNotNull(cost) * 2 + (ifNull(cost_source, '') != 'prices')"
"""Greatest in the row of a call that counts."""
_READ = ("call_id", "stated_cost", "error_type", "http_status", "cost_source", *_TOKENS, "cost")
"""Columns that are read besides the groups."""
_KEPT = {
    "flags": f"toUInt8({' + '.join(f'{2**bit} * {holds}' for bit, holds in enumerate(_COUNTED))})",
    **{f"kept_{name}": f"ifNull({name}, 0)" for name in (*_TOKENS, "cost")},
}
"""Columns of the row that counts, besides the groups. None is NULL, for which `argMax` would take another row's."""
SUMS = (
    "count()",
    *(f"countIf(bitTest(flags, {bit}))" for bit in range(len(_COUNTED))),
    *(f"toString(sum(toInt128(kept_{name})))" for name in _TOKENS),
    "toString(sum(kept_cost))",
)
"""The sums of each group, in the order of `Sums`."""
_EARLIEST, _LATEST = 0, 9_000_000_000_000
"""The range of a DateTime64 at any scale, in milliseconds since 1970; the latter is in the year 2255."""


@dataclass(slots=True)
class Query:
    """The text of a query, and its parameters."""

    sql: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def bound(self, name: str, value: str | int, kind: str = "String") -> str:
        """Bind a value, and return its placeholder."""
        self.parameters[name] = _escaped(value) if isinstance(value, str) else str(value)
        return f"{{{name}:{kind}}}"


def query(database: str, table: str, by: Sequence[str], chosen: Filter) -> Query:
    """Return the query whose rows are the values of the dimensions `by` and the sums of that group.

    Raises:
        ConfigurationError: A dimension is unknown, or the table lacks it.
    """
    made = Query()
    groups = [f"group_{at}" for at in range(len(by))]
    selected = [f"{_dimension_value(made, name, group)} AS {group}" for name, group in zip(by, groups, strict=True)]
    where = f"{made.bound('database', database, 'Identifier')}.{made.bound('table', table, 'Identifier')}"
    columns = [f"{_COLUMNS[name]} AS {name}" for name in _READ]
    conditions = " AND ".join(_conditions(made, chosen))
    rows = f"SELECT {_listed(_attributes(), *columns, *selected)} FROM {where} WHERE {conditions}"  # noqa: S608 - values are bound
    kept = _KEPT | {f"kept_{group}": f"ifNull({group}, '')" for group in groups}
    each = (f"argMax({value}, {_PREFERENCE}) AS {name}" for name, value in kept.items())
    calls = f"SELECT {_listed(*each)} FROM ({rows}) GROUP BY call_id"  # noqa: S608 - as above
    names_of = (f"nullIf(kept_{group}, '') AS {group}" for group in groups)
    grouped = f" GROUP BY {_listed(*groups)}" if groups else ""
    made.sql = f"SELECT {_listed(*names_of, *SUMS)} FROM ({calls}){grouped} FORMAT JSONCompact"  # noqa: S608 - as above
    return made


def _attributes() -> str:
    types = _listed(*(f"`{name}` Nullable({kind})" for name, kind in _ATTRIBUTES.values()))
    return f"JSONExtract(ATTRIBUTES, 'Tuple({types})') AS attrs"


def _conditions(made: Query, chosen: Filter) -> Iterator[str]:
    yield "SPAN_TYPE = 'GENERATION'"
    yield "isNotNull(call_id)"
    for bound, sign, at in (("since", ">=", chosen.since), ("until", "<", chosen.until)):
        if at is not None:
            yield f"TIMESTAMP {sign} fromUnixTimestamp64Milli({made.bound(bound, _milliseconds(at), 'Int64')})"
    for name in _FILTERS:
        value = getattr(chosen, name)
        if value is not None:
            value_sql = made.bound(name, value)
            any_model = f" OR {_COLUMNS['requested_model']} = {value_sql}" if name == "model" else ""
            yield f"({_column(name)} = {value_sql}{any_model})"
    for number, (key, value) in enumerate(chosen.tags.items()):
        yield f"has(TAGS, {made.bound(f'tag_{number}', f'{_key(key)}:{value}')})"


def _dimension_value(made: Query, name: str, group: str) -> str:
    """Return the SQL of the value of a dimension."""
    dimension(name)
    if name in DIMENSIONS:
        return _column(name)
    start = made.bound(f"of_{group}", f"{_key(name.removeprefix(TAG))}:")
    found = f"arrayFirst(tag -> startsWith(tag, {start}), TAGS)"
    return f"if({found} = '', NULL, substring({found}, length({start}) + 1))"


def _column(name: str) -> str:
    if name not in _COLUMNS:
        raise ConfigurationError(
            f"ClickHouse does not store the {name} of a call. Leave it out, or query the ledger, without --from."
        )
    return _COLUMNS[name]


def _key(key: str) -> str:
    """Return the key of a tag; raise `ConfigurationError` where it cannot be separated from the value."""
    if ":" in key:
        raise ConfigurationError(
            f"The tag {key!r} contains a colon, and ClickHouse stores tags as KEY:VALUE. "
            "Query the ledger, without --from."
        )
    return key


def _milliseconds(at: datetime) -> int:
    """Return Unix time in milliseconds, rounded up: rows have no finer times."""
    found = -((datetime(1970, 1, 1, tzinfo=UTC) - at) // timedelta(milliseconds=1))
    return max(_EARLIEST, min(found, _LATEST))


def _escaped(text: str) -> str:
    """Return text escaped for a parameter (ClickHouse, "HTTP Interface": as in TabSeparated)."""
    return text.translate({ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r", 0: "\\0"})


def _listed(*parts: str) -> str:
    return ", ".join(parts)
