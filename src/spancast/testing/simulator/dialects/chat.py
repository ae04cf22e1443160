"""`POST /chat/completions`: the request and the plain response. `chat_stream` has the streamed response."""

from typing import Any

import msgspec

from spancast.testing.simulator import errors, prompt, reading, search, text_output
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import chat_parts, chat_stream
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt, Reasoning, Tools
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.toolcalls import ToolCall


def _read(body: dict[str, Any]) -> Prompt:
    messages = reading.objects(body.get("messages"))
    if not messages:
        raise errors.RequestError(errors.NO_MESSAGES)
    reading.check_temperature(body)
    offered = reading.objects(body.get("tools"))
    return Prompt(
        messages=messages,
        tools=_tools(body, offered),
        max_tokens=reading.limit(body, "max_completion_tokens", "max_tokens"),
        reasoning=reasoning(body),
        cache_ttl=prompt.cache_ttl(body),
        search=search.made(body, offered, prompt.last_said(messages)),
        tokens=prompt.token_count(messages, offered),
        body=body,
    )


def _tools(body: dict[str, Any], offered: list[dict[str, Any]]) -> Tools:
    """Return the client's functions; OpenRouter's server tools (`openrouter:web_search`) are not among them."""
    functions = (tool.get("function") for tool in offered)
    return prompt.tools(
        [each for each in functions if isinstance(each, dict)],
        choice=body.get("tool_choice"),
        named=reading.member(reading.member(body.get("tool_choice"), "function"), "name"),
        parallel=body.get("parallel_tool_calls") is not False,
    )


def reasoning(body: dict[str, Any]) -> Reasoning:
    """Return the reasoning that a chat request, or a text completion, asks for."""
    stated = body.get("reasoning")
    options = stated if isinstance(stated, dict) else {}
    effort = options.get("effort") or body.get("reasoning_effort")
    refused = effort == "none" or options.get("enabled") is False
    asked = bool(options or effort or body.get("include_reasoning"))
    shown = options.get("exclude") is not True and body.get("include_reasoning") is not False
    return prompt.reasoning(effort, asked=asked and not refused, shown=shown)


def _whole(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    fingerprint = {"system_fingerprint": chat_parts.fingerprint(made), "service_tier": made.model.tier}
    body = chat_parts.head(made, "chat.completion") | fingerprint | {"choices": [_choice(made)]}
    return (Piece(msgspec.json.encode(body | chat_parts.tail(made)), settles=True),)


def _choice(made: Generation[TextOutput]) -> dict[str, Any]:
    failed = {"error": chat_parts.failure(made.failure)} if made.failure else {}
    return {
        "index": 0,
        "logprobs": None,
        "finish_reason": made.finish_reason,
        "native_finish_reason": made.native_finish_reason,
        "message": _message(made),
    } | failed


def _message(made: Generation[TextOutput]) -> dict[str, Any]:
    said = made.output
    thought = "".join(said.thought)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if said.tool_calls else said.text,
        "refusal": None,
        "reasoning": thought or None,
    }
    if thought:
        message["reasoning_details"] = chat_parts.reasoning_details(made, thought)
    if said.tool_calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(said.tool_calls)]
    if said.sources:
        message["annotations"] = chat_parts.annotations(said.sources, said.text)
    return message


def _call(index: int, call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"type": "function", "index": index, "id": call.id, "function": function}


CHAT = Dialect[Prompt](
    operation="chat",
    read=_read,
    make=text_output.write,
    end=text_output.end,
    whole=_whole,
    stream=chat_stream.stream,
    states_failure=True,
    paddings=2,
    cacheable=True,
)
