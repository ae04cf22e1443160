"""A call as the ledger stores it: its kind and texts, which it shares with other calls, and a narrow row of its own."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

import msgspec

from spancast.base import money
from spancast.bookkeeping import narrow
from spancast.bookkeeping.narrow import storable
from spancast.records.call import Call, Parameters
from spancast.records.late import JOBS
from spancast.records.resource import service_of

SETTING = (
    "service_tier",
    "region",
    "parameters",
    "app_url",
    "app_title",
    "app_categories",
    "environment",
    "release",
)
"""Fields of a `Call` without a column of their own whose values many calls share."""

MORE = (
    *SETTING,
    "status",
    "request_id",
    "cache_hit",
    "routing",
    "error_provider",
    "previous_errors",
    "retry_after",
    "attempt_of",
    "retry",
    "tool_calls",
    "server_tool_calls",
    "web_searches",
    "citations",
    "output_chunks",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "modalities",
    "search_units",
    "audio_seconds",
    "upstream_input_cost",
    "upstream_output_cost",
    "server_tool_cost",
    "trace_name",
    "span_name",
    "generation_name",
    "metadata",
    "request_trace_id",
    "request_parent_span_id",
)
"""Fields of a `Call` that the view `calls` has in its JSON column `more`, since most calls state few of them."""

SAME_AS_GENERATION_ID = 1
"""Stored in `response_id` where it equals the generation id."""

_encoded = msgspec.json.Encoder().encode
_setting = attrgetter(*SETTING)
_counted = attrgetter("started_at", "duration", "time_to_headers", "time_to_first_token", "output_chunks")
_traits = attrgetter(
    "operation",
    "outcome",
    "server_address",
    "server_port",
    "http_status",
    "error_type",
    "streamed",
    "request_model",
    "request_models",
    "response_model",
    "provider",
    "finish_reasons",
    "native_finish_reasons",
    "is_byok",
    "cost_source",
    "key_hash",
    "sampled",
)
_REST = tuple(name for name in MORE if name not in (*SETTING, *narrow.COST_PARTS, "output_chunks"))
_rest = attrgetter(*_REST)
_BLANK = _rest(Call(call_id="", operation="", started_at=0))


class Kind(NamedTuple):
    """The fields that many calls have in common; a row of `kinds`."""

    operation: str
    outcome: str
    server_address: str | None
    server_port: int | None
    http_status: int | None
    error_type: str | None
    streamed: bool
    request_model: str | None
    request_models: str
    response_model: str | None
    provider: str | None
    finish_reason: str | None
    native_finish_reason: str | None
    is_byok: bool | None
    cost_source: str | None
    app: str | None
    key_hash: str | None
    sampled: bool


class Texts(NamedTuple):
    """The texts of a call that many calls share, which `entries` refers to by their ids in `texts`."""

    user: str | None
    session: str | None
    tags: str | None
    setting: str | None


class Entry(NamedTuple):
    """A row of `entries`, without `seq`."""

    call_id: str | bytes | bytearray
    kind: int
    started_at: int
    duration: int | None
    time_to_headers: int | None
    time_to_first_token: int | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None
    cost_text: str | None
    upstream_cost: int | None
    upstream_cost_text: str | None
    upstream_input_cost: int | None
    upstream_output_cost: int | None
    awaits_cost: int | None
    outsize: int | None
    output_chunks: int | None
    user: int | None
    session: int | None
    tags: int | None
    setting: int | None
    generation_id: str | None
    response_id: str | int | None
    error_message: str | None
    more: str | None
    trace_id: str | bytes | bytearray | None
    span_id: str | bytes | bytearray | None
    parent_span_id: str | bytes | bytearray | None
    job: int | None


def traits(call: Call) -> Hashable:
    """Return the values that determine a call's kind."""
    has_source = call.cost_source is not None and money.valid(call.cost) is not None
    return _traits(call), service_of(call.resource), has_source


def kind_of(call: Call) -> Kind:
    """Return the kind of a finished call."""
    return Kind(
        operation=call.operation,
        outcome=call.outcome or "",
        server_address=call.server_address,
        server_port=storable(call.server_port),
        http_status=storable(call.http_status),
        error_type=call.error_type,
        streamed=call.streamed,
        request_model=call.request_model,
        request_models=_encoded(call.request_models).decode() if call.request_models else "[]",
        response_model=call.response_model,
        provider=call.provider,
        finish_reason=call.finish_reason,
        native_finish_reason=_joined(call.native_finish_reasons),
        is_byok=call.is_byok,
        cost_source=None if money.valid(call.cost) is None else call.cost_source,
        app=service_of(call.resource),
        key_hash=call.key_hash,
        sampled=call.sampled,
    )


def texts_of(call: Call, settings: dict[Hashable, str | None]) -> Texts:
    """Return the texts of a call that many calls share; `settings` caches the encoded settings."""
    tags = _encoded(call.tags).decode() if call.tags else None
    key = _setting(call)
    if key not in settings:
        settings[key] = _json_object(_shared(call))
    return Texts(call.user, call.session, tags, settings[key])


def entry_of(call: Call, kind: int, texts: Sequence[int | None]) -> Entry:
    """Return the row of a finished call, given the ids of its kind and of its `Texts`."""
    columns = narrow.columns(call)
    generation_id, response_id = call.generation_id, call.response_id
    started_at, duration, headers, first_token, chunks = _storable(_counted(call))
    return Entry._make(
        (
            packed(call.call_id),
            kind,
            max(0, started_at or 0),
            duration,
            headers,
            first_token,
            *columns,
            chunks,
            *texts,
            generation_id,
            SAME_AS_GENERATION_ID if response_id is not None and response_id == generation_id else response_id,
            call.error_message,
            _json_object(_unshared(call, with_parts=columns.upstream_input_cost is None)),
            None if call.trace_id is None else packed(call.trace_id),
            None if call.span_id is None else packed(call.span_id),
            None if call.parent_span_id is None else packed(call.parent_span_id),
            1 if call.operation in JOBS else None,
        )
    )


def _storable(numbers: Sequence[int | None]) -> Sequence[int | None]:
    """Apply `narrow.storable` to each number."""
    one, two, three, four, five = numbers
    # Nearly all are non-negative and small enough, which one comparison of their bitwise OR shows.
    if 0 <= (one or 0) | (two or 0) | (three or 0) | (four or 0) | (five or 0) < narrow.COLUMN_LIMIT:
        return numbers
    return [*map(storable, numbers)]


def packed(text: str) -> str | bytearray:
    """Return an id as bytes where they represent it exactly, else as text."""
    try:
        short = bytearray.fromhex(text)
    except ValueError:
        return text
    return short if short.hex() == text and short else text


def unpacked(packed_id: str | bytes) -> str:
    """Return the text of a `packed` id."""
    return packed_id if isinstance(packed_id, str) else packed_id.hex()


def _shared(call: Call) -> dict[str, object]:
    """Return the fields that other calls are likely to share."""
    found = _stated(SETTING, _setting(call))
    if _is_unique(call.parameters):
        del found["parameters"]
    return found


def _unshared(call: Call, *, with_parts: bool) -> dict[str, object]:
    """Return the other fields that have no column."""
    values = _rest(call)
    found = {} if values == _BLANK else _stated(_REST, values)
    if with_parts and call.upstream_input_cost is not None:
        found["upstream_input_cost"] = call.upstream_input_cost
    if with_parts and call.upstream_output_cost is not None:
        found["upstream_output_cost"] = call.upstream_output_cost
    return found | {"parameters": call.parameters} if _is_unique(call.parameters) else found


def _stated(names: Iterable[str], values: Iterable[object]) -> dict[str, object]:
    given = zip(names, values, strict=True)
    return {name: value for name, value in given if value or not (value is None or value in ((), {}))}


def _json_object(found: Mapping[str, object]) -> str | None:
    if not found:
        return None
    plain = {name: money.plain(value) if isinstance(value, Decimal) else value for name, value in found.items()}
    return _encoded(plain).decode()


def _is_unique(parameters: Parameters | None) -> bool:
    return parameters is not None and not (parameters.seed is None and parameters.previous_response_id is None)


def _joined(reasons: Iterable[str | None] | None) -> str | None:
    return ",".join(reason for reason in reasons or () if reason is not None) or None
