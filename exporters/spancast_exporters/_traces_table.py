"""A span as a row of OPENROUTER_TRACES, the table that OpenRouter's own Broadcast fills in a warehouse.

Names are OpenRouter's, so that its documented queries run unchanged (OpenRouter, "ClickHouse", "Snowflake", "Google
BigQuery"). The complete DDL is shown only in OpenRouter's dashboard: TRACE_ID to TOTAL_COST and the JSON columns are
known from the documented queries, the others from its pages and from users. ORGANIZATION_ID, ENTITY_ID and
PROVIDER_SLUG, which only OpenRouter knows, are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Literal

from spancast.contract import Span
from spancast_exporters import _facts, _json, _openai

Kind = Literal["id", "time", "word", "name", "text", "count", "money", "json", "texts"]
"""What a column holds.

`id` is any text, never NULL; `word` one of few texts, never NULL; `name` one of few texts; `text` any text; `json` JSON
text; `time` is text such as 2026-09-21T12:00:00.123456Z; `count` a whole number; `money` US dollars, a
`Decimal`; `texts` a list.
"""
Value = str | int | Decimal | list[str] | None
"""A value of a row; `None` is unknown."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str
    kind: Kind
    documented: bool = True
    """Whether a documented query of OpenRouter's uses it, so that every such table has it."""


COLUMNS = (
    Column("TRACE_ID", "id"),
    Column("SPAN_ID", "id"),
    Column("PARENT_SPAN_ID", "text", documented=False),
    Column("TIMESTAMP", "time"),
    Column("START_TIME", "time", documented=False),
    Column("END_TIME", "time", documented=False),
    Column("DURATION_MS", "count"),
    Column("SPAN_TYPE", "word"),
    Column("STATUS", "word"),
    Column("LEVEL", "word"),
    Column("USER_ID", "text"),
    Column("SESSION_ID", "text"),
    Column("API_KEY_NAME", "name"),
    Column("MODEL", "name"),
    Column("PROVIDER_NAME", "name"),
    Column("FINISH_REASON", "name"),
    Column("PROMPT_TOKENS", "count"),
    Column("COMPLETION_TOKENS", "count"),
    Column("TOTAL_TOKENS", "count"),
    Column("CACHED_TOKENS", "count", documented=False),
    Column("CACHE_WRITE_TOKENS", "count", documented=False),
    Column("REASONING_TOKENS", "count", documented=False),
    Column("INPUT_COST", "money", documented=False),
    Column("OUTPUT_COST", "money", documented=False),
    Column("TOTAL_COST", "money"),
    Column("INPUT", "json"),
    Column("OUTPUT", "json"),
    Column("METADATA", "json"),
    Column("MODEL_PARAMETERS", "json"),
    Column("ATTRIBUTES", "json"),
    Column("RESOURCE_ATTRIBUTES", "json", documented=False),
    Column("TAGS", "texts", documented=False),
)
NAME = "OPENROUTER_TRACES"
"""The default name of the table (OpenRouter, Broadcast's defaults)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 2**63 - 1
"""Unix nanoseconds; in the year 2262."""
_EXACT = Context(prec=250, rounding=ROUND_HALF_EVEN)


def row(span: Span) -> dict[str, Value]:
    """Return a span as values for all `COLUMNS`, in their order."""
    modelled = _facts.kind(span) in _facts.MODELS
    start = _within(span.start)
    found: dict[str, Value] = {
        "TRACE_ID": span.trace_id,
        "SPAN_ID": span.span_id,
        "PARENT_SPAN_ID": span.parent_span_id,
        "TIMESTAMP": _time(start),
        "START_TIME": _time(start),
        "END_TIME": _time(_within(span.end)),
        "DURATION_MS": max(0, span.end - span.start) // 1_000_000,
        "SPAN_TYPE": "GENERATION" if modelled else "SPAN",
        "STATUS": "error" if span.status == "error" else "ok",
        "LEVEL": "ERROR" if span.status == "error" else "DEFAULT",
        "USER_ID": _json.optional_text(span.user),
        "SESSION_ID": _json.optional_text(span.session),
        **(_of_model(span) if modelled else {}),
        **_words(span, modelled=modelled),
        "METADATA": _written(_metadata(span, modelled=modelled)),
        "ATTRIBUTES": _written(_attributes(span, modelled=modelled)),
        "RESOURCE_ATTRIBUTES": _written(span.resource),
        "TAGS": [_json.text(f"{name}:{value}") for name, value in span.tags.items()],
    }
    return {column.name: found.get(column.name) for column in COLUMNS}


def rounded(amount: Decimal, decimals: int, digits: int = 38) -> Decimal | None:
    """Return dollars rounded half-even to `decimals`; `None` where they have more than `digits` digits.

    ATTRIBUTES has every digit of an amount that is rounded.
    """
    try:
        fitting = amount.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    except InvalidOperation:
        return None
    return (amount if amount == fitting else fitting) if fitting.adjusted() < digits - decimals else None


def _of_model(span: Span) -> dict[str, Value]:
    facts, call = _facts.of(span), span.generation
    return {
        "API_KEY_NAME": None if call is None else call.key_hash,
        "MODEL": _json.optional_text(facts.model),
        "PROVIDER_NAME": _json.optional_text(facts.provider if call is None else call.provider),
        "FINISH_REASON": _json.optional_text(_finish_reason(span)),
        "PROMPT_TOKENS": facts.input_tokens,
        "COMPLETION_TOKENS": facts.output_tokens,
        "TOTAL_TOKENS": facts.total_tokens,
        "CACHED_TOKENS": facts.cached_tokens,
        "CACHE_WRITE_TOKENS": facts.cache_write_tokens,
        "REASONING_TOKENS": facts.reasoning_tokens,
        "INPUT_COST": facts.input_cost,
        "OUTPUT_COST": facts.output_cost,
        "TOTAL_COST": facts.cost,
        "MODEL_PARAMETERS": _written(_facts.parameters(span)),
    }


def _finish_reason(span: Span) -> str | None:
    if span.generation is not None:
        return span.generation.finish_reason
    stated = span.attributes.get("gen_ai.response.finish_reasons")
    return ",".join(map(str, stated)) if isinstance(stated, list | tuple) else None


def _words(span: Span, *, modelled: bool) -> dict[str, Value]:
    """Return input and output, of a model call in the format of OpenRouter's rows: `messages`, `completion`."""
    given, output = _facts.input_text(span), _facts.output_text(span)
    messages = _openai.input_messages(_facts.conversation(span)) if modelled else None
    choices = _openai.choices(output) if modelled else None
    return {
        "INPUT": _written({"messages": messages}) if messages else _as_json(given),
        "OUTPUT": _written(_completion([each["message"] for each in choices])) if choices else _as_json(output),
    }


def _completion(messages: list[_openai.Message]) -> dict[str, object]:
    """Return an answer in the format of OpenRouter's rows; with several choices, also `choices`."""
    first = messages[0]
    known = {"completion": first.get("content"), "reasoning": first.get("reasoning")}
    called = {"toolCalls": first["tool_calls"]} if first.get("tool_calls") else {}
    return {
        **{name: value for name, value in known.items() if value is not None},
        **called,
        **({"choices": messages} if len(messages) > 1 else {}),
    }


def _metadata(span: Span, *, modelled: bool) -> dict[str, object]:
    """Return the application's metadata, and fields that have no column: names, environment, release, error."""
    failure = _facts.failure(span) or {}
    ours = {
        **_facts.names(span),
        "span_name": None if modelled else span.name,
        "environment": span.environment,
        "release": span.release,
        "error_type": failure.get("type"),
        "error_message": failure.get("message"),
    }
    return {**_json.bounded(span.metadata), **{name: value for name, value in ours.items() if value}}


def _attributes(span: Span, *, modelled: bool) -> dict[str, object]:
    """Return all attributes, and the content that is in no column."""
    instructions = _facts.content_text(span, _facts.INSTRUCTIONS) if modelled else None
    shown = (_facts.input_text(span), _facts.output_text(span), instructions)
    return {**span.attributes, **{name: value for name, value in span.content.items() if value not in shown}}


def _as_json(text: str | None) -> str | None:
    """Return text as JSON: unchanged in meaning where it is JSON, else as a JSON string."""
    if text is None:
        return None
    meant = _json.read(text)
    return _written(text if meant is None else meant)


def _written(value: object) -> str | None:
    """Return a value as JSON text; `None` for an empty mapping."""
    return None if isinstance(value, Mapping) and not value else _json.dumps(value)


def _within(time: int) -> int:
    return min(max(time, 0), _LATEST)


def _time(at: int) -> str:
    """Return Unix nanoseconds as text, in UTC and to the microsecond."""
    return (_EPOCH + timedelta(microseconds=at // 1000)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
