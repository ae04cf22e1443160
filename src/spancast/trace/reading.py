"""A call, read back from the attributes of its span: for those who are given spans alone, as OpenTelemetry's exporters.

What a span does not say stays unknown: an operation that shares its name with another is the more common one.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from spancast.base.money import stated
from spancast.contract import Attribute, Span
from spancast.records.call import Call, Modalities, Parameters
from spancast.trace import names
from spancast.trace.attributes import MODALITIES, OPERATIONS, OUTPUT_TYPES, PARAMETERS, STATED

_NANOSECONDS = 10**9
_MONEY = {
    names.COST_USD: "cost",
    names.UPSTREAM_COST_USD: "upstream_cost",
    names.INPUT_COST_USD: "upstream_input_cost",
    names.OUTPUT_COST_USD: "upstream_output_cost",
    names.UPSTREAM_INPUT_COST_USD: "upstream_input_cost",
    names.UPSTREAM_OUTPUT_COST_USD: "upstream_output_cost",
    names.SERVER_TOOL_COST_USD: "server_tool_cost",
}
_DURATIONS = {names.TIME_TO_HEADERS: "time_to_headers", names.TIME_TO_FIRST_CHUNK: "time_to_first_token"}


def call_of(span: Span) -> Call | None:
    """Return the call that a span of ours is of; `None` for one that states none, or something else by our names."""
    said = span.attributes
    if names.CALL_ID not in said:
        return None
    known: dict[str, Any] = {
        "call_id": said[names.CALL_ID],
        "operation": _operation(said),
        "started_at": span.start,
        "duration": span.end - span.start,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "error_message": span.status_message,
        "resource": dict(span.resource),
        "request_model": said.get(names.REQUEST_MODEL),
        "response_id": said.get(names.RESPONSE_ID),
        "server_address": said.get(names.SERVER_ADDRESS),
        "server_port": said.get(names.SERVER_PORT),
        "user": said.get(names.USER),
        "session": said.get(names.SESSION),
        "streamed": said.get(names.STREAM) is True,
        "finish_reasons": said.get(names.FINISH_REASONS),
        "native_finish_reasons": _known(said.get(names.NATIVE_FINISH_REASONS)),
        "tags": _prefixed(names.TAG, said),
        "metadata": _prefixed(names.METADATA, said),
        **STATED.back(said),
        **{field: _amount(said[name]) for name, field in _MONEY.items() if name in said},
        **{field: _nanoseconds(said[name]) for name, field in _DURATIONS.items() if name in said},
    }
    try:
        known["parameters"] = _group(Parameters, PARAMETERS.back(said) | _beside(said))
        known["modalities"] = _group(Modalities, MODALITIES.back(said))
        return msgspec.convert(known, Call)
    except msgspec.ValidationError:
        return None


def _known(words: Attribute | None) -> object:
    """Return words with `None` for one that is not known, which an attribute cannot hold."""
    return tuple(word or None for word in words) if isinstance(words, list | tuple) else words


def _group(kind: type[Any], stated_fields: Mapping[str, Attribute]) -> Any:
    return msgspec.convert(dict(stated_fields), kind) if stated_fields else None


def _beside(said: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return the parameters that are written another way than they are kept."""
    found: dict[str, Attribute] = {}
    if names.CHOICE_COUNT in said:
        found["choice_count"] = said[names.CHOICE_COUNT]
    formats = said.get(names.ENCODING_FORMATS)
    if isinstance(formats, list | tuple) and formats and isinstance(formats[0], str):
        found["encoding_format"] = formats[0]
    return found


def _operation(said: Mapping[str, Attribute]) -> str:
    stated_name, output = said.get(names.OPERATION), said.get(names.OUTPUT_TYPE)
    sharing = [ours for ours, name in OPERATIONS.items() if name == stated_name]
    making = (ours for ours in sharing if OUTPUT_TYPES.get(ours) == output)
    return next(making, sharing[0] if sharing else str(stated_name or "unknown"))


def _amount(value: Attribute) -> Decimal | None:
    try:
        return stated(Decimal(str(value)))
    except InvalidOperation:
        return None


def _nanoseconds(value: Attribute) -> int | None:
    return round(value * _NANOSECONDS) if isinstance(value, int | float) else None


def _prefixed(prefix: str, said: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name.removeprefix(prefix): value for name, value in said.items() if name.startswith(prefix)}
