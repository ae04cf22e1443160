"""`POST /analytics/query` aggregates usage; `GET /analytics/meta` lists the metrics and dimensions."""

import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec

from spancast.testing.simulator import answer, periods, query, reading
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.dimensions import DIMENSIONS
from spancast.testing.simulator.metrics import METRICS
from spancast.testing.simulator.query import Filter, Operator, Query
from spancast.testing.simulator.served import Served

_Group = tuple[datetime | None, tuple[Any, ...]]
_KEY = "api_key_id"


def ask(served: Served, account: Account) -> Answer:
    """Return a row per group; raise `RequestError` for an invalid query (400), or above the rate limit (429)."""
    account.allow_query(served.at)
    now = periods.at(served.at)
    asked = query.read(reading.json_object(served), now, account.config.analytics_rows)
    groups = _limited(_ordered(_grouped(_found(asked, now, account), asked), asked), asked)
    rows = [_row(group, of, asked) for group, of in groups[: asked.limit]]
    metadata = {"query_time_ms": 1, "row_count": len(rows), "truncated": len(groups) > asked.limit}
    data: dict[str, Any] = {"data": rows, "metadata": metadata}
    unknown = _unknown_keys(asked, account)
    return answer.json(msgspec.json.encode({"data": data | ({"warnings": unknown} if unknown else {})}))


def meta(_: Served, __: Account) -> Answer:
    """Return the metrics, dimensions, operators and granularities that a query can use."""
    data = {
        "metrics": [
            {"name": name, "display_label": each.label, "is_rate": False, "display_format": each.format}
            for name, each in METRICS.items()
        ],
        "dimensions": [{"name": name, "display_label": each.label} for name, each in DIMENSIONS.items()],
        "operators": [
            {"name": name, "value_type": "array" if name in {"in", "not_in"} else "scalar"}
            for name in get_args(Operator)
        ],
        "granularities": [{"name": name, "display_label": name.capitalize()} for name in query.GRANULARITIES],
    }
    return answer.json(msgspec.json.encode({"data": data}))


def _found(asked: Query, now: datetime, account: Account) -> list[Bill]:
    """Return the bills that match the query and are old enough to be visible."""
    span = asked.range(now)
    settled = now.timestamp() - account.config.ready_after
    return [
        bill
        for bill in account.bills
        if span.start <= periods.at(bill.created) < span.end
        and bill.created <= settled
        and all(_fits(bill, each) for each in asked.filters)
    ]


def _fits(bill: Bill, condition: Filter) -> bool:
    value = DIMENSIONS[condition.field].filtered(bill)
    if value is None:
        return condition.include_unset or condition.operator in {"neq", "not_in"}
    return bool(_OPERATIONS[condition.operator](value, condition.value))


_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _grouped(found: Sequence[Bill], asked: Query) -> dict[_Group, list[Bill]]:
    start = None if asked.granularity is None else periods.STARTS[asked.granularity]
    groups: dict[_Group, list[Bill]] = defaultdict(list)
    if start is None and not asked.dimensions:
        groups[None, ()] = []  # without bills, the total is a row of its own
    for bill in found:
        began = None if start is None else start(periods.at(bill.created))
        groups[began, tuple(DIMENSIONS[name].shown(bill) for name in asked.dimensions)].append(bill)
    return groups


def _ordered(groups: Mapping[_Group, list[Bill]], asked: Query) -> list[tuple[_Group, list[Bill]]]:
    """Return the groups in the requested order; by default the newest first if there is a granularity."""
    found = list(groups.items())
    field = asked.order_by.field if asked.order_by else "date" if asked.granularity else None
    if field is None:
        return found
    return sorted(found, key=lambda each: _place(each, field, asked), reverse=_descends(asked))


def _place(each: tuple[_Group, list[Bill]], field: str, asked: Query) -> Any:
    (began, values), of = each
    if field == "date":
        return began.timestamp() if began else 0.0
    if field in DIMENSIONS:
        value = values[asked.dimensions.index(field)]
        return (value is not None, value or "")
    return METRICS[field].order(of)


def _descends(asked: Query) -> bool:
    return asked.order_by is None or asked.order_by.direction == "desc"


def _limited(groups: list[tuple[_Group, list[Bill]]], asked: Query) -> list[tuple[_Group, list[Bill]]]:
    """Keep at most `group_limit` rows per combination of dimension values."""
    if asked.group_limit is None or not asked.dimensions:
        return groups
    kept, seen = [], Counter[tuple[Any, ...]]()
    for (began, values), of in groups:
        seen[values] += 1
        if seen[values] <= asked.group_limit:
            kept.append(((began, values), of))
    return kept


def _row(group: _Group, of: Sequence[Bill], asked: Query) -> dict[str, Any]:
    began, values = group
    time = {} if began is None else {asked.time_column: began.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    named = dict(zip(asked.dimensions, values, strict=True))
    return time | named | {name: METRICS[name].of(of) for name in asked.metrics}


def _unknown_keys(asked: Query, account: Account) -> list[str]:
    known = {request.key_hash for request in account.served}
    wanted = [each.value for each in asked.filters if each.field == _KEY]
    hashes = [value for each in wanted for value in (each if isinstance(each, list) else [each])]
    return [f"Could not resolve api_key_id hash: {value}" for value in hashes if value not in known]
