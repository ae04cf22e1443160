"""Spans as exporters are given them: of calls made by hand, of recorded ones, and of the application's own making."""

import json
from decimal import Decimal
from typing import Any

import msgspec

from spancast.capture.content.buffer import ContentBuffer
from spancast.contract import Event, Span
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call, Parameters
from spancast.records.content import Content
from spancast.spans.export import export_call
from tests.support.exchanges import answered, streamed
from tests.support.recordings import Recording, recordings

AT = 1_790_000_000_000_000_000
"""A moment, in Unix nanoseconds."""
SECOND = 1_000_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
VERSION = "1.2.3"
RESOURCE = {"service.name": "shop", "service.version": "7.1", "deployment.environment.name": "staging"}

RECORDED = (
    ("rig/streaming_gpt41_nested_agent#0", "chat", "0.0000764"),
    ("dd-trace-py/chat_completion_openrouter_byok#0", "chat", "0.0000063"),
    ("open_router_enhanced/smart_complete_structured#3", "chat", "0"),
    ("activeagent/user_tracking#0", "chat", None),
    ("rig/single_text_convenience#0", "embeddings", "0.00000018"),
    ("llm-openrouter/test_tool_calls#1", "responses", "0.000036"),
)
"""Recorded exchanges, how they are asked, and their dollars as OpenRouter stated them; `None` where it did not."""


def of_call(content: Content | None = None, **facts: Any) -> Span:
    """Return the span of a call that says everything, but for what `facts` say otherwise."""
    known: dict[str, Any] = {
        "call_id": "c" * 32,
        "operation": "chat",
        "started_at": AT,
        "outcome": "completed",
        "duration": 2 * SECOND,
        "time_to_first_token": SECOND // 4,
        "http_status": 200,
        "streamed": True,
        "request_model": "openai/gpt-5-mini",
        "response_model": "openai/gpt-5-mini-2025-08-07",
        "parameters": Parameters(max_tokens=256, temperature=0.2, stop=("END",), reasoning_level="low", tool_count=1),
        "generation_id": "gen-1764000000-abcdefghij0123456789",
        "provider": "Azure",
        "finish_reasons": ("tool_calls",),
        "tool_calls": 1,
        "input_tokens": 1200,
        "output_tokens": 80,
        "total_tokens": 1280,
        "cached_tokens": 1000,
        "cache_write_tokens": 50,
        "reasoning_tokens": 30,
        "cost": Decimal("0.000106000000000001"),
        "cost_source": "response",
        "upstream_cost": Decimal("0.000106000000000001"),
        "upstream_input_cost": Decimal("0.0001"),
        "upstream_output_cost": Decimal("0.000006000000000001"),
        "is_byok": False,
        "user": "u_42",
        "session": "s_7",
        "tags": {"feature": "search"},
        "metadata": {"team": "blue"},
        "trace_name": "checkout",
        "trace_id": TRACE,
        "span_id": "b7ad6b7169203331",
        "parent_span_id": "00f067aa0ba902b7",
        "resource": RESOURCE,
    }
    return export_call(Call(**{**known, **facts}), OtlpEncoder(), VERSION, content)


def of_application(name: str, **facts: Any) -> Span:
    """Return a span that another library made, in the same trace."""
    known: dict[str, Any] = {
        "name": name,
        "trace_id": TRACE,
        "span_id": "00f067aa0ba902b7",
        "parent_span_id": None,
        "kind": "internal",
        "start": AT - SECOND,
        "end": AT + 4 * SECOND,
        "status": "unset",
        "status_message": None,
        "attributes": {},
        "user": "u_42",
        "session": "s_7",
        "trace_name": "checkout",
        "tags": {"feature": "search"},
        "environment": "staging",
        "release": "7.1",
        "resource": RESOURCE,
        "scope": ("agents", "2.0"),
        "generation": None,
        "encoder": OtlpEncoder(),
    }
    return Span(**{**known, **facts})


WORDS = Content(
    call_id="c" * 32,
    system_instructions=json.dumps([{"type": "text", "content": "You are terse."}]),
    input_messages=json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "What is the weather in Paris?"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "call_0", "name": "get_place", "arguments": {"name": "Paris"}}],
            },
            {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "id": "call_0", "response": {"lat": 48.9, "lon": 2.3}}],
            },
        ]
    ),
    output_messages=json.dumps(
        [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "A tool knows."},
                    {"type": "text", "content": "Let me check."},
                    {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}},
                ],
                "finish_reason": "tool_calls",
            }
        ]
    ),
    tool_definitions=json.dumps(
        [
            {
                "type": "function",
                "name": "get_weather",
                "description": "Tells the weather.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            }
        ]
    ),
)


def a_trace() -> list[Span]:
    """Return an agent's trace: the agent, a streamed call that asks for a tool, the tool and a call that fail."""
    agent = of_application(
        "invoke_agent weather",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"},
        content={"input.value": "What is the weather in Paris?", "output.value": "I do not know."},
    )
    tool = of_application(
        "execute_tool get_weather",
        span_id="53995c3f42cd8ad8",
        parent_span_id=agent.span_id,
        start=AT + 2 * SECOND,
        end=AT + 3 * SECOND,
        status="error",
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"},
        content={"gen_ai.tool.call.arguments": '{"city": "Paris"}'},
        events=(
            Event(
                name="exception",
                time=AT + 3 * SECOND,
                attributes={
                    "exception.type": "TimeoutError",
                    "exception.message": "no answer",
                    "exception.stacktrace": "Traceback …",
                },
            ),
        ),
    )
    refused = of_call(
        call_id="d" * 32,
        span_id="ec71ae3c4e1f5a10",
        started_at=AT + 3 * SECOND,
        duration=SECOND,
        outcome="error",
        http_status=429,
        error_type="rate_limit_exceeded",
        error_message="Rate limit exceeded",
        generation_name="second try",
        **dict.fromkeys(_ANSWERED),
    )
    return [agent, of_call(WORDS), tool, refused]


_ANSWERED = (
    *("time_to_first_token", "response_model", "generation_id", "provider", "finish_reasons", "tool_calls"),
    *("input_tokens", "output_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    *("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost", "is_byok"),
)


def of_recording(name: str, operation: str = "chat", **facts: Any) -> Span:
    """Return the span, with its words, of what OpenRouter really answered."""
    recording = next(each for each in recordings(operation) if each.id == name)
    call = msgspec.structs.replace(
        _call(recording),
        **{"started_at": AT, "duration": SECOND, "trace_id": TRACE, "span_id": "b7ad6b7169203331", **facts},
    )
    return export_call(call, OtlpEncoder(), VERSION, _words(recording))


def _call(recording: Recording) -> Call:
    path = recording.request["path"].removeprefix("/api/v1")
    sent = {"status": recording.response["status"], "headers": recording.headers, "body": recording.request_body}
    if recording.stream:
        return streamed(path, recording.chunks, **sent)
    return answered(path, b"".join(recording.chunks), **sent)


def _words(recording: Recording) -> Content:
    words = ContentBuffer(recording.expect["operation"], recording.request_body)
    append = words.start(recording.response["status"], "", streamed=recording.stream)
    for chunk in recording.chunks if recording.stream else ():
        append(chunk)
    if not recording.stream:
        words.set_body(b"".join(recording.chunks))
    return words.content("0" * 32, None)
