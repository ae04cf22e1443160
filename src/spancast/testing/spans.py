"""Spans to test an exporter with: a call with every field, one with few, a whole agent trace, and hostile values.

Authors of exporters may use them in their own tests; their values do not change.
"""

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spancast.broadcast.safe import safe
from spancast.contract import Attribute, Event, Span
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call, Parameters
from spancast.records.content import Content
from spancast.spans.export import export_call

if TYPE_CHECKING:
    from collections.abc import Mapping

AT = 1_790_000_000_000_000_000
"""The start of the call; Unix time in nanoseconds."""
SECOND = 1_000_000_000
TRACE = "5b8efff798038103d269b633813fc60c"
COST = Decimal("0.000731400000000001")
"""US dollars of the call; a double cannot hold it."""
_VERSION = "0"
_RESOURCE = {"service.name": "shop", "service.version": "7.1", "deployment.environment.name": "staging"}
_AGENT = "eee19b7ec3c1b173"


def call_span(span_id: str = "eee19b7ec3c1b174", *, with_content: bool = True, **facts: Any) -> Span:
    """Return the span of a call with every field set; `facts` replace fields of `Generation`."""
    known: dict[str, Any] = {
        "call_id": span_id * 2,
        "operation": "chat",
        "started_at": AT,
        "outcome": "completed",
        "duration": 2 * SECOND,
        "time_to_first_token": SECOND // 4,
        "http_status": 200,
        "streamed": True,
        "request_model": "openai/gpt-5-mini",
        "response_model": "openai/gpt-5-mini-2025-08-07",
        "parameters": Parameters(max_tokens=256, temperature=0.2, stop=("END",)),
        "generation_id": f"gen-1764000000-{span_id}",
        "provider": "Azure",
        "finish_reasons": ("tool_calls",),
        "tool_calls": 1,
        "input_tokens": 1200,
        "output_tokens": 80,
        "total_tokens": 1280,
        "cached_tokens": 1000,
        "cache_write_tokens": 50,
        "reasoning_tokens": 30,
        "cost": COST,
        "cost_source": "response",
        "is_byok": False,
        "user": "u_42",
        "session": "s_7",
        "tags": {"feature": "search"},
        "metadata": {"team": "blue"},
        "trace_name": "checkout",
        "environment": "staging",
        "release": "7.1",
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": _AGENT,
        "resource": _RESOURCE,
    }
    return export_call(
        Call(**{**known, **facts}), OtlpEncoder(), _VERSION, _content(span_id * 2) if with_content else None
    )


def opened_call_span() -> Span:
    """Return the span of a call that was killed before anything of the response was known, including its cost."""
    names = (
        *("duration", "time_to_first_token", "http_status", "response_model", "generation_id", "provider"),
        *("finish_reasons", "tool_calls", "input_tokens", "output_tokens", "total_tokens", "cached_tokens"),
        *("cache_write_tokens", "reasoning_tokens", "cost", "cost_source", "is_byok"),
    )
    unknown: dict[str, Any] = dict.fromkeys(names)
    return call_span(with_content=False, outcome="killed", error_type="killed", **unknown)


def companion_span(name: str, **facts: Any) -> Span:
    """Return a span of the application's own, in the same trace; `facts` are fields of `Span`."""
    known: dict[str, Any] = {
        "name": name,
        "trace_id": TRACE,
        "span_id": _AGENT,
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
        "environment": "staging",
        "release": "7.1",
        "resource": _RESOURCE,
        "scope": ("agents", "2.0"),
        "generation": None,
        "encoder": OtlpEncoder(),
    }
    return Span(**{**known, **facts})


def trace_spans() -> list[Span]:
    """Return an agent's trace: the agent, a call that requests a tool, the tool, which fails, and a call that fails."""
    agent = companion_span(
        "invoke_agent weather",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"},
        content={"input.value": "What is the weather in Paris?", "output.value": "I do not know."},
    )
    raised: Mapping[str, Attribute] = {"exception.type": "TimeoutError", "exception.message": "no answer"}
    tool = companion_span(
        "execute_tool get_weather",
        span_id="eee19b7ec3c1b175",
        parent_span_id=_AGENT,
        start=AT + 2 * SECOND,
        end=AT + 3 * SECOND,
        status="error",
        status_message="no answer",
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"},
        content={"gen_ai.tool.call.arguments": '{"city": "Paris"}'},
        events=(Event(name="exception", time=AT + 3 * SECOND, attributes=raised),),
    )
    refused = call_span(
        "eee19b7ec3c1b176",
        with_content=False,
        started_at=AT + 3 * SECOND,
        outcome="error",
        http_status=429,
        error_type="rate_limit_exceeded",
        error_message="Rate limit exceeded",
        generation_name="second try",
        cost=None,
        cost_source=None,
    )
    return [agent, call_span(), tool, refused]


def hostile_spans() -> dict[str, Span]:
    """Return spans with values that are hard to send, by a description of the value.

    They are as the courier passes them on: an invalid attribute has become the nearest valid one
    (`exporters/README.md`).
    """
    odd: dict[str, Any] = {
        "lone surrogates": {"name": "\ud800", "attributes": {"a\udfff": "\udc00"}, "tags": {"\ud800": "\ud800"}},
        "numbers that are none": {"attributes": {"nan": float("nan"), "endless": (float("inf"), -float("inf"))}},
        "integers that no platform holds": {"attributes": {"a": 2**70, "b": [1, -(2**70)]}, "metadata": {"a": 2**70}},
        "values of no kind": {"attributes": {"a": {"b": {1, 2}}, "b": b"\xff", "c": object(), "d": None, "": 1}},
        "huge texts": {"attributes": {"a": "x" * 1_000_000}, "content": {"input.value": "\u20ac" * 1_000_000}},
        "ten thousand attributes": {"attributes": {f"a.{number}": number for number in range(10_000)}},
        "names that are prefixes": {"attributes": {"a": 1, "a.b": 2, "a.b.c": 3, "a.": 4, ".a": 5, "..": 6}},
        "nesting without end": {"content": {"input.value": "[" * 100_000, "output.value": '{"a":' * 10_000}},
        "words of another shape": {"content": _STRANGE},
        "control characters": {"name": "\0\n\x7f", "tags": {"a:b,c": "\r\n\0"}, "user": "\0", "session": "s" * 5_000},
        "times that are none": {"start": -5, "end": 2**80},
        "no name": {"name": "", "scope": ("", "")},
    }
    return {what: safe(companion_span(**{"name": what, **facts}))[0] for what, facts in odd.items()} | _hostile_calls()


_STRANGE = {
    "gen_ai.input.messages": '[1, null, {"role": 5, "parts": {"a": 1}}, {"parts": [null, 7, {"type": []}]}]',
    "gen_ai.output.messages": '{"role": "assistant", "content": [[]]}',
    "gen_ai.system_instructions": "no JSON",
    "gen_ai.tool.definitions": '[{"type": "function", "parameters": 1}, [], "x"]',
}


def _hostile_calls() -> dict[str, Span]:
    odd: dict[str, dict[str, Any]] = {
        "a call of nothing": {"request_model": None, "parameters": None, "trace_id": None, "finish_reasons": ()},
        "the smallest cost": {"cost": Decimal("1E-18"), "input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
        "a cost without end": {"cost": Decimal("123456789.123456789012345678901234567890")},
        "a call that cost nothing": {"cost": Decimal(0)},
        "tags that are prefixes": {"tags": {"a": "1", "a.b": "2", "a_b": "3"}, "metadata": {"a": "1", "a.b.c": "2"}},
        "names of ours": {"metadata": {"user_id": "x", "model": "y", "cost": "z", "trace_name": "t"}},
    }
    calls = {what: safe(call_span(**facts))[0] for what, facts in odd.items()}
    return {**calls, "a call with words of another shape": replace(call_span(), content=_STRANGE)}


def _content(call_id: str) -> Content:
    asked = {"role": "user", "parts": [{"type": "text", "content": "What is the weather in Paris?"}]}
    call = {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}
    answered = {"role": "assistant", "parts": [{"type": "text", "content": "Let me check."}, call]}
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    return Content(
        call_id=call_id,
        system_instructions=json.dumps([{"type": "text", "content": "You are terse."}]),
        input_messages=json.dumps([asked]),
        output_messages=json.dumps([{**answered, "finish_reason": "tool_calls"}]),
        tool_definitions=json.dumps([tool]),
    )
