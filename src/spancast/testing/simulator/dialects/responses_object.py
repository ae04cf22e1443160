"""The Responses object, initial and final. Its members are in the recorded order."""

from typing import Any

from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.generation import Failure, Generation
from spancast.testing.simulator.identity import derived
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.search import Source
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.usage import Usage

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by chat's finish reason."""


def begun(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the object of a response that is in progress."""
    return _object(order, made) | {"status": "in_progress", "service_tier": "auto", "usage": None}


def ended(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the object of a response that is completed, incomplete or failed."""
    stated = {"usage": usage(made.usage)} if made.usage_stated else {}
    routed = {"openrouter_metadata": made.routing} if made.routing else {}
    return _object(order, made) | _end(made) | {"service_tier": made.model.tier or "default"} | stated | routed


def output(made: Generation[TextOutput]) -> list[dict[str, Any]]:
    """Return the output items: the reasoning, then the message or the tool calls."""
    said = made.output
    items = [reasoning(made, "".join(said.thought))] if said.thought else []
    if said.tool_calls:
        return [*items, *(call(made, index) for index in range(len(said.tool_calls)))]
    return [*items, message(made, said.text, annotations(said.sources, said.text))] if said.content else items


def reasoning(made: Generation[TextOutput], text: str, status: str = "completed") -> dict[str, Any]:
    """Return the reasoning item."""
    item = {"id": derived("rs_", made.id), "type": "reasoning", "status": status, "summary": []}
    if status != "completed":
        return item
    return item | {"content": [{"type": "reasoning_text", "text": text}], "format": made.model.native.reasoning}


def message(
    made: Generation[TextOutput], text: str, cited: list[dict[str, Any]], status: str = "completed"
) -> dict[str, Any]:
    """Return the message item."""
    content = [] if status != "completed" else [part(text, cited)]
    return {
        "id": derived("msg_", made.id),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def part(text: str, cited: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the text part of a message."""
    return {"type": "output_text", "text": text, "annotations": cited, "logprobs": []}


def call(made: Generation[TextOutput], index: int, status: str = "completed") -> dict[str, Any]:
    """Return the item of a tool call."""
    called = made.output.tool_calls[index]
    return {
        "id": derived("fc_", made.id, index),
        "type": "function_call",
        "status": status,
        "call_id": called.id,
        "name": called.name,
        "arguments": called.arguments if status == "completed" else "",
    }


def annotations(sources: tuple[Source, ...], text: str) -> list[dict[str, Any]]:
    """Return the citations of the text; each one spans all of it."""
    return [
        {
            "type": "url_citation",
            "url": source.url,
            "title": source.title,
            "content": source.excerpt,
            "start_index": 0,
            "end_index": len(text),
        }
        for source in sources
    ]


def usage(usage: Usage) -> dict[str, Any]:
    """Return `usage`, whose cost fields have other names than in chat."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
        **costs.charged(usage),
        "cost_details": costs.details(usage, "input", "output"),
        **costs.server_tools(usage),
    }


def _end(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the final status and output of a response."""
    done = {"completed_at": made.created, "output": output(made)}
    if made.failure is not None:
        return done | {"status": "failed", "completed_at": None} | _failure(made.failure)
    reason = _INCOMPLETE.get(made.finish_reason or "")
    if reason is not None:
        return done | {"status": "incomplete", "completed_at": None, "incomplete_details": {"reason": reason}}
    return done | {"status": "completed"}


def _failure(failure: Failure) -> dict[str, Any]:
    return {"error": {"code": "server_error", "message": failure.message}, "error_type": failure.error_type}


def _object(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> dict[str, Any]:
    body = order.fields.body
    return {
        "id": made.id,
        "object": "response",
        "created_at": made.created,
        "model": made.model.slug,
        "status": None,
        "completed_at": None,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "tools": body.get("tools", []),
        "tool_choice": body.get("tool_choice", "auto"),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "max_output_tokens": body.get("max_output_tokens"),
        "temperature": body.get("temperature", 1),
        "top_p": body.get("top_p", 1),
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_logprobs": 0,
        "max_tool_calls": None,
        "metadata": body.get("metadata", {}),
        "background": False,
        "previous_response_id": None,
        "service_tier": None,
        "truncation": "disabled",
        "store": False,
        "instructions": body.get("instructions"),
        "text": body.get("text", {"format": {"type": "text"}}),
        "reasoning": body.get("reasoning"),
        "safety_identifier": body.get("safety_identifier"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_options": None,
    }
