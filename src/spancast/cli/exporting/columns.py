"""What an exported file says of a call, in columns that the formats share."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from spancast import money
from spancast.bookkeeping.answers.calls import CallRow

Kind = Literal["text", "count", "seconds", "flag", "money", "time", "texts", "tags", "json"]
Value = str | int | float | bool | Decimal | datetime | Sequence[str] | Mapping[str, object] | None

_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Column(NamedTuple):
    """A column of a file."""

    name: str
    kind: Kind
    read: Callable[[CallRow], Value]


def summed(cost: Decimal | None) -> Decimal | None:
    """Return an amount as the sums have it, to the pico-dollar: what is exported adds up to what `costs` says."""
    return None if cost is None else money.dollars(money.pico(cost))


def at(nanoseconds: int) -> datetime:
    """Return an instant in UTC, to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _stated(cost: Decimal | None) -> str | None:
    return None if cost is None else money.plain(cost)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _SECOND


COLUMNS = (
    Column("call_id", "text", lambda row: row.call_id),
    Column("started_at", "time", lambda row: at(row.started_at)),
    Column("operation", "text", lambda row: row.operation),
    Column("request_model", "text", lambda row: row.request_model),
    Column("request_models", "texts", lambda row: row.request_models),
    Column("response_model", "text", lambda row: row.response_model),
    Column("provider", "text", lambda row: row.provider),
    Column("user", "text", lambda row: row.user),
    Column("session", "text", lambda row: row.session),
    Column("tags", "tags", lambda row: row.tags),
    Column("app", "text", lambda row: row.app),
    Column("key_hash", "text", lambda row: row.key_hash),
    Column("outcome", "text", lambda row: row.outcome),
    Column("http_status", "count", lambda row: row.http_status),
    Column("error_type", "text", lambda row: row.error_type),
    Column("error_message", "text", lambda row: row.error_message),
    Column("finish_reason", "text", lambda row: row.finish_reason),
    Column("native_finish_reason", "text", lambda row: row.native_finish_reason),
    Column("streamed", "flag", lambda row: row.streamed),
    Column("duration_s", "seconds", lambda row: _seconds(row.duration)),
    Column("time_to_first_token_s", "seconds", lambda row: _seconds(row.time_to_first_token)),
    Column("input_tokens", "count", lambda row: row.input_tokens),
    Column("output_tokens", "count", lambda row: row.output_tokens),
    Column("cached_tokens", "count", lambda row: row.cached_tokens),
    Column("cache_write_tokens", "count", lambda row: row.cache_write_tokens),
    Column("reasoning_tokens", "count", lambda row: row.reasoning_tokens),
    Column("cost_usd", "money", lambda row: summed(row.cost)),
    Column("cost_stated_usd", "text", lambda row: _stated(row.cost)),
    Column("cost_source", "text", lambda row: row.cost_source),
    Column("upstream_cost_usd", "money", lambda row: summed(row.upstream_cost)),
    Column("spent_usd", "money", lambda row: summed(row.spent)),
    Column("is_byok", "flag", lambda row: row.is_byok),
    Column("generation_id", "text", lambda row: row.generation_id),
    Column("response_id", "text", lambda row: row.response_id),
    Column("server_address", "text", lambda row: row.server_address),
    Column("trace_id", "text", lambda row: row.trace_id),
    Column("span_id", "text", lambda row: row.span_id),
    Column("more", "json", lambda row: row.more),
)
"""The names are those of `spancast calls --json`, but that `cost_usd` has the twelve decimals of the sums, and
`cost_stated_usd` every digit that OpenRouter stated; what is not asked for often is in `more`, an object."""
