"""`POST /messages`: Anthropic's Messages, the request and the plain response. `messages_stream` has the stream.

There is no recorded response; the format follows OpenRouter's API description (MessagesResult).
"""

from typing import Any

import msgspec

from spancast.testing.simulator import errors, prompt, reading, search, text_output
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import messages_errors, messages_parts, messages_stream
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt, Tools
from spancast.testing.simulator.text_output import TextOutput

_SHALLOW = 2048
_DEEP = 8192
"""The largest thinking budgets, in tokens, that count as low and as medium effort."""


def _read(body: dict[str, Any]) -> Prompt:
    said = [part for message in reading.objects(body.get("messages")) for part in _messages(message)]
    if not said:
        raise errors.RequestError(errors.NO_MESSAGES)
    reading.check_temperature(body)
    offered = reading.objects(body.get("tools"))
    return Prompt(
        messages=_system(body) + said,
        tools=_tools(body, offered),
        max_tokens=reading.limit(body, "max_tokens"),
        reasoning=_reasoning(body),
        cache_ttl=prompt.cache_ttl(body),
        search=search.made(body, offered, prompt.last_said(said)),
        tokens=prompt.token_count(_system(body) + said, offered),
        body=body,
    )


def _system(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": body["system"]}] if body.get("system") else []


def _messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a message as chat messages: tool calls are a separate field, and tool results separate messages."""
    blocks = reading.objects(message.get("content"))
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    results = [{"role": "tool", "content": each.get("content")} for each in blocks if each.get("type") == "tool_result"]
    said = [block for block in blocks if block.get("type") not in {"tool_use", "tool_result"}]
    if results and not said:
        return results
    content = message.get("content") if not calls and not results else said
    return [*results, {"role": message.get("role"), "content": content} | ({"tool_calls": calls} if calls else {})]


def _tools(body: dict[str, Any], offered: list[dict[str, Any]]) -> Tools:
    choice = body.get("tool_choice")
    functions = [tool | {"parameters": tool["input_schema"]} for tool in offered if "input_schema" in tool]
    return prompt.tools(
        functions,
        choice=reading.member(choice, "type"),
        named=reading.member(choice, "name"),
        parallel=reading.member(choice, "disable_parallel_tool_use") is not True,
    )


def _reasoning(body: dict[str, Any]) -> prompt.Reasoning:
    thinking = body.get("thinking")
    effort = reading.member(body.get("output_config"), "effort") or _effort(reading.member(thinking, "budget_tokens"))
    return prompt.reasoning(effort, asked=reading.member(thinking, "type") in {"enabled", "adaptive"})


def _effort(budget: object) -> str:
    if not isinstance(budget, int):
        return "medium"
    return "low" if budget <= _SHALLOW else "medium" if budget <= _DEEP else "high"


def _whole(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    body = messages_parts.head(made) | {
        "content": messages_parts.blocks(made),
        **messages_parts.stop(made),
        **({"usage": messages_parts.usage(made)} if made.usage_stated else {}),
        **messages_parts.routing(made),
    }
    return (Piece(msgspec.json.encode(body), settles=True),)


MESSAGES = Dialect[Prompt](
    operation="message",
    read=_read,
    make=text_output.write,
    end=text_output.end,
    whole=_whole,
    stream=messages_stream.stream,
    refusal=messages_errors.body,
    paddings=2,
    done=messages_stream.DONE,
    cacheable=True,
)
