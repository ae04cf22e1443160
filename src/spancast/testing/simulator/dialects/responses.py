"""`POST /responses`: the request and the plain response. `responses_stream` has the streamed response.

The response is as recorded in August 2026: its id is the generation's, and it does not name the provider.
"""

from typing import Any

import msgspec

from spancast.testing.simulator import errors, prompt, reading, search, text_output
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import responses_object, responses_stream
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt, Tools
from spancast.testing.simulator.text_output import TextOutput

_COMMENT = b": \n\n"


def _read(body: dict[str, Any]) -> Prompt:
    if body.get("previous_response_id") is not None:
        raise errors.bad_request("previous_response_id must be null: the Responses API is stateless")
    messages = _messages(body)
    reading.check_temperature(body)
    offered = reading.objects(body.get("tools"))
    return Prompt(
        messages=messages,
        tools=_tools(body, offered),
        max_tokens=reading.limit(body, "max_output_tokens"),
        reasoning=_reasoning(body),
        cache_ttl=prompt.cache_ttl(body),
        search=search.made(body, offered, prompt.last_said(messages)),
        tokens=prompt.token_count(messages, offered),
        body=body,
    )


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the instructions and the input as chat messages."""
    asked = body.get("input")
    said = (
        [{"role": "user", "content": asked}] if isinstance(asked, str) else list(map(_message, reading.objects(asked)))
    )
    if not said or not asked:
        raise errors.RequestError(errors.NO_MESSAGES)
    instructions = reading.text(body.get("instructions"))
    return [{"role": "system", "content": instructions}, *said] if instructions else said


def _message(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("type") == "function_call":
        return {"role": "assistant", "content": None, "tool_calls": [item]}
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item.get("output")}
    return {"role": item.get("role"), "content": item.get("content")}


def _tools(body: dict[str, Any], offered: list[dict[str, Any]]) -> Tools:
    choice = body.get("tool_choice")
    return prompt.tools(
        [tool for tool in offered if tool.get("type") == "function"],
        choice=choice,
        named=reading.member(choice, "name"),
        parallel=body.get("parallel_tool_calls") is not False,
    )


def _reasoning(body: dict[str, Any]) -> prompt.Reasoning:
    effort = reading.member(body.get("reasoning"), "effort")
    return prompt.reasoning(effort, asked=bool(body.get("reasoning")) and effort != "none")


def _whole(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    return (Piece(msgspec.json.encode(responses_object.ended(order, made)), settles=True),)


RESPONSES = Dialect[Prompt](
    operation="responses",
    read=_read,
    make=text_output.write,
    end=text_output.end,
    whole=_whole,
    stream=responses_stream.stream,
    states_failure=True,
    paddings=1,
    comment=_COMMENT,
    comments=1,
    cacheable=True,
)
