"""The facts of a model call in a span: from its `Generation` if it is ours, else from another library's attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, InvalidOperation

import msgspec

from spancast.contract import Attribute, Generation, Span
from spancast_exporters import _json

_EXACT = Context(prec=250)

_KINDS = {
    # gen_ai.operation.name (GenAI semantic conventions)
    **dict.fromkeys(("chat", "text_completion", "generate_content"), "llm"),
    # llm.request.type (OpenLLMetry before the conventions)
    "completion": "llm",
    "embeddings": "embedding",
    "execute_tool": "tool",
    **dict.fromkeys(("invoke_agent", "create_agent"), "agent"),
    "invoke_workflow": "workflow",
    "plan": "task",
    # openinference.span.kind, traceloop.span.kind, langfuse.observation.type
    **{kind: kind for kind in ("llm", "embedding", "tool", "agent", "workflow", "task", "retrieval")},
    "generation": "llm",
    "chain": "workflow",
    **dict.fromkeys(("retriever", "reranker"), "retrieval"),
    **dict.fromkeys(("guardrail", "evaluator"), "task"),
}
_KIND_NAMES = (
    "gen_ai.operation.name",
    "openinference.span.kind",
    "traceloop.span.kind",
    "langfuse.observation.type",
    "llm.request.type",
)

MODELS = ("llm", "embedding")
"""Kinds that have a model, tokens and a cost."""
INPUT = "gen_ai.input.messages"
OUTPUT = "gen_ai.output.messages"
INSTRUCTIONS = "gen_ai.system_instructions"
TOOLS = "gen_ai.tool.definitions"
_INPUT_NAMES = (INPUT, "gen_ai.tool.call.arguments", "input.value", "traceloop.entity.input")
_OUTPUT_NAMES = (OUTPUT, "gen_ai.tool.call.result", "output.value", "traceloop.entity.output")
_WITH_FIELDS = frozenset(
    {
        *_INPUT_NAMES,
        *_OUTPUT_NAMES,
        INSTRUCTIONS,
        TOOLS,
        "error.type",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.response.model",
        "gen_ai.response.time_to_first_chunk",
        *(f"openrouter.trace.{name}" for name in ("trace_name", "generation_name", "environment", "release")),
        "session.id",
        "user.id",
    }
)
"""Attributes that every platform has a field for."""

REQUEST = "gen_ai.request."
USAGE = "gen_ai.usage."
_PARAMETERS = {
    "choice_count": "n",
    "choice.count": "n",
    "reasoning_level": "reasoning_effort",
    "reasoning.level": "reasoning_effort",
    "stop_sequences": "stop",
    "encoding_formats": "encoding_format",
}
"""Parameters whose name in our spans, or in the conventions, differs from the API's."""


def kind(span: Span) -> str | None:
    """Return llm, embedding, agent, workflow, tool, retrieval or task; `None` for other spans."""
    if span.generation is not None:
        return "embedding" if span.generation.operation == "embeddings" else "llm"
    stated = (span.attributes.get(name) for name in _KIND_NAMES)
    known = (_KINDS.get(each.lower()) for each in stated if isinstance(each, str))
    return next((each for each in known if each is not None), None)


def spent(call: Generation) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return the total, input and output cost in US dollars; the parts only where they add up to the total exactly.

    With the account's own key (BYOK), the provider's bill is part of the total.
    """
    return _with_parts(call.spent, call.upstream_input_cost, call.upstream_output_cost)


def _with_parts(
    total: Decimal | None, input_cost: Decimal | None, output_cost: Decimal | None
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    if total is None or input_cost is None or output_cost is None or _EXACT.add(input_cost, output_cost) != total:
        return total, None, None
    return total, input_cost, output_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of a model call. Unknown is `None`."""

    model: str | None = None
    """The model that answered, else the one requested."""
    provider: str | None = None
    """Whose API was called; OpenRouter's for our own calls."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    time_to_first_token: float | None = None
    """Seconds."""
    cost: Decimal | None = None
    """US dollars charged to any account."""
    input_cost: Decimal | None = None
    output_cost: Decimal | None = None


def of(span: Span) -> Facts:
    """Return the facts of a span."""
    return _of_attributes(span.attributes) if span.generation is None else _of_call(span.generation)


def parameters(span: Span) -> dict[str, object]:
    """Return the parameters of the request, by their names in the API."""
    named: dict[str, object] = {}
    if span.generation is None:
        named |= {name.removeprefix(REQUEST): value for name, value in span.attributes.items() if _is_parameter(name)}
    else:
        stated = span.generation.parameters
        named |= {} if stated is None else msgspec.structs.asdict(stated)
        named["stream"] = True if span.generation.streamed else None
    return {_PARAMETERS.get(name, name): value for name, value in named.items() if value is not None}


def input_text(span: Span) -> str | None:
    """Return the input of a span as text, which may be JSON."""
    return content_text(span, *_INPUT_NAMES)


def output_text(span: Span) -> str | None:
    """Return the output of a span as text, which may be JSON."""
    return content_text(span, *_OUTPUT_NAMES)


def content_text(span: Span, *names: str) -> str | None:
    """Return the first text among the content and attributes with these names."""
    found = (span.content.get(name, span.attributes.get(name)) for name in names)
    return next((each for each in found if isinstance(each, str)), None)


def requested_names(span: Span) -> list[str]:
    """Return the names that the request gives: of the trace for its root span, then of the call."""
    of_trace = span.trace_name if span.parent_span_id is None else None
    of_call = None if span.generation is None else span.generation.generation_name
    return [name for name in (of_trace, of_call) if name]


def shown_name(span: Span) -> str:
    """Return the name to show: as requested (OpenRouter, Broadcast), else the span's own."""
    return next(iter(requested_names(span)), span.name)


def conversation(span: Span) -> dict[str, object]:
    """Return the instructions and the input messages, for `_openai.input_messages`."""
    return {name: content_text(span, name) for name in (INSTRUCTIONS, INPUT)}


def names(span: Span) -> dict[str, str]:
    """Return the names that the request gives the trace and the call."""
    of_call = None if span.generation is None else span.generation.generation_name
    stated = {"trace_name": span.trace_name, "generation_name": of_call}
    return {name: value for name, value in stated.items() if value}


def user_and_session(span: Span) -> dict[str, Attribute | None]:
    """Return the user and the session by the conventions' names, which other libraries' spans may lack."""
    known = {"user.id": span.user, "session.id": span.session}
    return {name: _json.text(value) if value else None for name, value in known.items()}


def with_environment(span: Span, environment: str | None, release: str | None) -> Span:
    """Return the span with the environment and release of a platform's own variables, unless the request states them.

    A destination's `environment` reaches its exporter in place of the variable.
    """
    where = environment if environment and not _by_request(span, "environment") else span.environment
    what = release if release and not _by_request(span, "release") else span.release
    return replace(span, environment=where, release=what)


def _by_request(span: Span, name: str) -> object:
    """Return what the request states; the span's own field may come from the resource."""
    call = span.generation
    return span.attributes.get(f"openrouter.trace.{name}") if call is None else getattr(call, name)


def other_attributes(span: Span) -> dict[str, object]:
    """Return the attributes that platforms have no field for."""
    known = parameters(span)
    shown = ("spancast.tag.", "spancast.metadata.", REQUEST, *((USAGE,) if kind(span) in MODELS else ()))
    return {
        name: value
        for name, value in {**span.attributes, **span.content}.items()
        if name not in _WITH_FIELDS
        and (not name.startswith(shown) or name == "gen_ai.request.model")
        and name.removeprefix("openrouter.request.") not in known
    }


def failure(span: Span) -> dict[str, str] | None:
    """Return the `type`, `message` and `stack` of an error, as far as known; `None` where there was no error."""
    if span.status != "error":
        return None
    event = next((each for each in reversed(span.events) if each.name == "exception"), None)
    raised = {} if event is None else event.attributes
    found = {
        "type": raised.get("exception.type") or span.attributes.get("error.type"),
        "message": span.status_message or raised.get("exception.message"),
        "stack": raised.get("exception.stacktrace"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _is_parameter(name: str) -> bool:
    return name.startswith(REQUEST) and name != "gen_ai.request.model"


def _of_call(call: Generation) -> Facts:
    cost, input_cost, output_cost = spent(call)
    first = call.time_to_first_token
    return Facts(
        model=call.response_model or call.request_model,
        provider="openrouter",
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        total_tokens=_total(call.total_tokens, call.input_tokens, call.output_tokens),
        cached_tokens=call.cached_tokens,
        cache_write_tokens=call.cache_write_tokens,
        cache_write_5m_tokens=call.cache_write_5m_tokens,
        cache_write_1h_tokens=call.cache_write_1h_tokens,
        reasoning_tokens=call.reasoning_tokens,
        time_to_first_token=None if first is None else _seconds(first / 1e9),
        cost=cost,
        input_cost=input_cost,
        output_cost=output_cost,
    )


def _of_attributes(stated: Mapping[str, Attribute]) -> Facts:
    counts = {name: _count(stated, names) for name, names in _COUNTS.items()}
    parts = (_first_amount(stated, names) for names in (_INPUT_COSTS, _OUTPUT_COSTS))
    cost, input_cost, output_cost = _with_parts(_cost(stated), *parts)
    return Facts(
        model=_first_text(stated, _MODEL_NAMES),
        provider=_first_text(stated, _PROVIDER_NAMES),
        total_tokens=_total(_count(stated, _TOTALS), counts["input_tokens"], counts["output_tokens"]),
        time_to_first_token=_seconds(stated.get("gen_ai.response.time_to_first_chunk")),
        cost=cost,
        input_cost=input_cost,
        output_cost=output_cost,
        **counts,
    )


# GenAI semantic conventions, and names they had before; OpenInference's
_MODEL_NAMES = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "embedding.model_name")
_PROVIDER_NAMES = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_OPENINFERENCE = "llm.token_count."
_COUNTS = {
    "input_tokens": (f"{USAGE}input_tokens", f"{USAGE}prompt_tokens", f"{_OPENINFERENCE}prompt"),
    "output_tokens": (f"{USAGE}output_tokens", f"{USAGE}completion_tokens", f"{_OPENINFERENCE}completion"),
    "cached_tokens": (
        f"{USAGE}cache_read.input_tokens",
        f"{USAGE}cache_read_input_tokens",
        f"{_OPENINFERENCE}prompt_details.cache_read",
    ),
    "cache_write_tokens": (
        f"{USAGE}cache_write.input_tokens",
        f"{USAGE}cache_creation.input_tokens",
        f"{_OPENINFERENCE}prompt_details.cache_write",
    ),
    "reasoning_tokens": (f"{USAGE}reasoning.output_tokens", f"{_OPENINFERENCE}completion_details.reasoning"),
}
_TOTALS = (f"{USAGE}total_tokens", "llm.usage.total_tokens", f"{_OPENINFERENCE}total")
_TOO_MANY = 2**63
_COSTS = ("openrouter.spent_usd", "openrouter.cost_usd", f"{USAGE}cost", "llm.cost.total")
_INPUT_COSTS = ("openrouter.input_cost_usd", "llm.cost.prompt")
_OUTPUT_COSTS = ("openrouter.output_cost_usd", "llm.cost.completion")
"""Attributes with the cost of another library's span, the most exact first."""


def _cost(stated: Mapping[str, Attribute]) -> Decimal | None:
    """Return the cost to any account; with the account's own key (BYOK), only where it is stated as such."""
    return _first_amount(stated, _COSTS[:1] if stated.get("openrouter.is_byok") is True else _COSTS)


def _first_amount(stated: Mapping[str, Attribute], names: tuple[str, ...]) -> Decimal | None:
    return next((found for name in names if (found := _amount(stated.get(name))) is not None), None)


def _count(stated: Mapping[str, Attribute], names: tuple[str, ...]) -> int | None:
    found = (stated.get(name) for name in names)
    return next((each for each in found if type(each) is int and 0 <= each < _TOO_MANY), None)


def _first_text(stated: Mapping[str, Attribute], names: tuple[str, ...]) -> str | None:
    found = (stated.get(name) for name in names)
    return next((each for each in found if isinstance(each, str) and each), None)


def _seconds(value: object) -> float | None:
    """Return a duration in seconds; `None` where the value is a timestamp, or in another unit."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return None
    return float(value) if 0 <= value <= _MAX_SECONDS else None


_MAX_SECONDS = 86_400.0
"""A day: any client gives up sooner."""


def _amount(value: object) -> Decimal | None:
    """Return an amount of money that is stated as text or as a double."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and amount >= 0 and abs(amount.adjusted()) <= _DIGITS else None


_DIGITS = 100
"""Digits on either side of the point; a longer number is not a price."""


def _total(stated: int | None, inputs: int | None, outputs: int | None) -> int | None:
    if stated is not None or inputs is None or outputs is None:
        return stated
    total = inputs + outputs
    return total if total <= _MAX_COUNT else None


_MAX_COUNT = 2**63 - 1
"""The largest number of tokens that platforms take."""
