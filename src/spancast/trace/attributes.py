"""The attributes of a Call: one function makes them, for the live span and for the record that is sent later."""

from spancast.call import Call, Parameters
from spancast.contract import Attribute
from spancast.trace import names

PROVIDER = "openrouter"
"""`gen_ai.provider.name`: the API that was spoken. The conventions have no value for a gateway and allow one's own."""

OPERATIONS = {"chat": "chat"}
"""`gen_ai.operation.name` of each operation."""

Attributes = dict[str, Attribute]


def request_attributes(call: Call) -> Attributes:
    """Return what is known before the answer; samplers see it."""
    found: dict[str, Attribute | None] = {
        names.OPERATION: OPERATIONS.get(call.operation, call.operation),
        names.GENAI_PROVIDER: PROVIDER,
        names.REQUEST_MODEL: call.request_model,
        names.SERVER_ADDRESS: call.server_address,
        names.SERVER_PORT: call.server_port,
        names.USER: call.user,
        names.SESSION: call.session,
        names.CALL_ID: call.call_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def answer_attributes(call: Call) -> Attributes:
    """Return what the answer and its end have added."""
    found: dict[str, Attribute | None] = {
        names.STREAM: call.streamed or None,
        names.REQUEST_MODELS: call.request_models or None,
        names.RESPONSE_ID: call.response_id or call.generation_id,
        names.RESPONSE_MODEL: call.response_model,
        names.FINISH_REASONS: _reasons(call.finish_reasons),
        names.TIME_TO_FIRST_CHUNK: _seconds(call.time_to_first_token),
        names.INPUT_TOKENS: call.input_tokens,
        names.OUTPUT_TOKENS: call.output_tokens,
        names.CACHED_TOKENS: call.cached_tokens,
        names.CACHE_WRITE_TOKENS: call.cache_write_tokens,
        names.REASONING_TOKENS: call.reasoning_tokens,
        names.COST: None if call.cost is None else float(call.cost),
        names.COST_USD: None if call.cost is None else format(call.cost, "f"),
        names.UPSTREAM_COST_USD: None if call.upstream_cost is None else format(call.upstream_cost, "f"),
        names.IS_BYOK: call.is_byok,
        names.HTTP_STATUS: call.http_status,
        names.ERROR_TYPE: call.error_type,
        names.GENERATION_ID: call.generation_id,
        names.PROVIDER: call.provider,
        names.NATIVE_FINISH_REASONS: _reasons(call.native_finish_reasons),
        names.OUTCOME: call.outcome,
    }
    if call.parameters is not None:
        found |= _parameters(call.parameters)
    found |= {names.TAG + tag.replace(".", "_"): value for tag, value in call.tags.items()}
    return {name: value for name, value in found.items() if value is not None}


def span_name(call: Call) -> str:
    """Return `chat openai/gpt-5`, as the conventions have it."""
    operation = OPERATIONS.get(call.operation, call.operation)
    return f"{operation} {call.request_model}" if call.request_model else operation


def _parameters(seen: Parameters) -> dict[str, Attribute | None]:
    return {
        names.MAX_TOKENS: seen.max_tokens,
        names.TEMPERATURE: seen.temperature,
        names.TOP_P: seen.top_p,
        names.TOP_K: seen.top_k,
        names.FREQUENCY_PENALTY: seen.frequency_penalty,
        names.PRESENCE_PENALTY: seen.presence_penalty,
        names.SEED: seen.seed,
        names.CHOICE_COUNT: seen.choice_count if seen.choice_count != 1 else None,
        names.STOP: seen.stop,
        names.REASONING_LEVEL: seen.reasoning_level,
    }


def _reasons(seen: tuple[str | None, ...] | None) -> Attribute | None:
    """Return one reason a choice; `error` stands for one that was expected and never came, as the conventions say."""
    return None if seen is None else tuple(reason or "error" for reason in seen)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
