"""The columns of an exported file, which the formats share."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Literal, NamedTuple

from spancast.base import money
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.output.call_json import more
from spancast.cli.output.instants import at

Kind = Literal["text", "count", "seconds", "flag", "money", "time", "texts", "tags", "json"]
Value = str | int | float | bool | Decimal | datetime | Sequence[str] | Mapping[str, object] | None


class Column(NamedTuple):
    """A column of a file."""

    name: str
    kind: Kind
    read: Callable[[CallRow], Value]


def summed(cost: Decimal | None) -> Decimal | None:
    """Return an amount to the pico-dollar, as the sums use it: exported costs add up to those of `costs`."""
    return None if cost is None else money.rounded(cost)


def _stated(cost: Decimal | None) -> str | None:
    return None if cost is None else money.plain(cost)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NS_PER_SECOND


COLUMNS = (
    Column("call_id", "text", attrgetter("call_id")),
    Column("started_at", "time", lambda row: at(row.started_at)),
    Column("operation", "text", attrgetter("operation")),
    Column("request_model", "text", attrgetter("request_model")),
    Column("request_models", "texts", attrgetter("request_models")),
    Column("response_model", "text", attrgetter("response_model")),
    Column("provider", "text", attrgetter("provider")),
    Column("user", "text", attrgetter("user")),
    Column("session", "text", attrgetter("session")),
    Column("tags", "tags", attrgetter("tags")),
    Column("app", "text", attrgetter("app")),
    Column("key_hash", "text", attrgetter("key_hash")),
    Column("outcome", "text", attrgetter("outcome")),
    Column("http_status", "count", attrgetter("http_status")),
    Column("error_type", "text", attrgetter("error_type")),
    Column("error_message", "text", attrgetter("error_message")),
    Column("finish_reason", "text", attrgetter("finish_reason")),
    Column("native_finish_reason", "text", attrgetter("native_finish_reason")),
    Column("streamed", "flag", attrgetter("streamed")),
    Column("duration_s", "seconds", lambda row: _seconds(row.duration)),
    Column("time_to_first_token_s", "seconds", lambda row: _seconds(row.time_to_first_token)),
    Column("input_tokens", "count", attrgetter("input_tokens")),
    Column("output_tokens", "count", attrgetter("output_tokens")),
    Column("cached_tokens", "count", attrgetter("cached_tokens")),
    Column("cache_write_tokens", "count", attrgetter("cache_write_tokens")),
    Column("reasoning_tokens", "count", attrgetter("reasoning_tokens")),
    Column("cost_usd", "money", lambda row: summed(row.cost)),
    Column("cost_stated_usd", "text", lambda row: _stated(row.cost)),
    Column("cost_source", "text", attrgetter("cost_source")),
    Column("upstream_cost_usd", "money", lambda row: summed(row.upstream_cost)),
    Column("spent_usd", "money", lambda row: summed(row.spent)),
    Column("is_byok", "flag", attrgetter("is_byok")),
    Column("generation_id", "text", attrgetter("generation_id")),
    Column("response_id", "text", attrgetter("response_id")),
    Column("server_address", "text", attrgetter("server_address")),
    Column("trace_id", "text", attrgetter("trace_id")),
    Column("span_id", "text", attrgetter("span_id")),
    Column("more", "json", more),
)
"""Named as in `spancast calls --json`, except that `cost_usd` has the twelve decimals of the sums, and
`cost_stated_usd` every digit that OpenRouter stated; less common fields are in `more`, an object."""
