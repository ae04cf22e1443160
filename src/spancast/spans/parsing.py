"""A Call, parsed from the attributes of its span, for exporters that get spans alone, such as OpenTelemetry's.

What a span does not state stays unknown. Where several operations share a name, the most common one is assumed.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from spancast.base.money import valid
from spancast.base.units import NS_PER_SECOND
from spancast.contract import Attribute, Span
from spancast.records.call import Call, Modalities, Parameters
from spancast.semconv import names
from spancast.spans.attributes import CALL_FIELDS, MODALITY_FIELDS, OPERATIONS, OUTPUT_TYPES, PARAMETER_FIELDS

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


def call_from_span(span: Span) -> Call | None:
    """Return the call of one of our spans; `None` if the span has no call id, or its attributes are not valid."""
    stated = span.attributes
    if names.CALL_ID not in stated:
        return None
    fields: dict[str, Any] = {
        "call_id": stated[names.CALL_ID],
        "operation": _operation(stated),
        "started_at": span.start,
        "duration": span.end - span.start,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "error_message": span.status_message,
        "resource": dict(span.resource),
        "request_model": stated.get(names.REQUEST_MODEL),
        "response_id": stated.get(names.RESPONSE_ID),
        "server_address": stated.get(names.SERVER_ADDRESS),
        "server_port": stated.get(names.SERVER_PORT),
        "user": stated.get(names.USER),
        "session": stated.get(names.SESSION),
        "streamed": stated.get(names.STREAM) is True,
        "finish_reasons": stated.get(names.FINISH_REASONS),
        "native_finish_reasons": _with_unknowns(stated.get(names.NATIVE_FINISH_REASONS)),
        "tags": _prefixed(names.TAG, stated),
        "metadata": _prefixed(names.METADATA, stated),
        **CALL_FIELDS.fields_of(stated),
        **{field: _amount(stated[name]) for name, field in _MONEY.items() if name in stated},
        **{field: _nanoseconds(stated[name]) for name, field in _DURATIONS.items() if name in stated},
    }
    try:
        fields["parameters"] = _converted(Parameters, PARAMETER_FIELDS.fields_of(stated) | _other_parameters(stated))
        fields["modalities"] = _converted(Modalities, MODALITY_FIELDS.fields_of(stated))
        return msgspec.convert(fields, Call)
    except msgspec.ValidationError:
        return None


def _with_unknowns(reasons: Attribute | None) -> object:
    """Return reasons with `None` for each empty one, since an attribute cannot hold `None`."""
    return tuple(reason or None for reason in reasons) if isinstance(reasons, list | tuple) else reasons


def _converted(kind: type[Any], fields: Mapping[str, Attribute]) -> Any:
    return msgspec.convert(dict(fields), kind) if fields else None


def _other_parameters(stated: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return the parameters whose attributes have another form than their fields."""
    found: dict[str, Attribute] = {}
    if names.CHOICE_COUNT in stated:
        found["choice_count"] = stated[names.CHOICE_COUNT]
    formats = stated.get(names.ENCODING_FORMATS)
    if isinstance(formats, list | tuple) and formats and isinstance(formats[0], str):
        found["encoding_format"] = formats[0]
    return found


def _operation(stated: Mapping[str, Attribute]) -> str:
    name, output_type = stated.get(names.OPERATION), stated.get(names.OUTPUT_TYPE)
    candidates = [operation for operation, its_name in OPERATIONS.items() if its_name == name]
    matching = (operation for operation in candidates if OUTPUT_TYPES.get(operation) == output_type)
    return next(matching, candidates[0] if candidates else str(name or "unknown"))


def _amount(value: Attribute) -> Decimal | None:
    try:
        return valid(Decimal(str(value)))
    except InvalidOperation:
        return None


def _nanoseconds(value: Attribute) -> int | None:
    return round(value * NS_PER_SECOND) if isinstance(value, int | float) else None


def _prefixed(prefix: str, stated: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name.removeprefix(prefix): value for name, value in stated.items() if name.startswith(prefix)}
