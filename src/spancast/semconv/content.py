"""Which attributes of other libraries' spans hold content, that is prompts and completions: the one table of them.

OpenTelemetry's GenAI conventions, including deprecated ones; OpenInference; OpenLLMetry; Langfuse; LangSmith;
Braintrust; MLflow; Vercel's AI SDK; Pydantic AI and Logfire; LiveKit, which marks them. An exception's message may
quote content, for instance when an answer cannot be parsed.
"""

from collections.abc import Mapping
from typing import Any, Final

EXCEPTION_MESSAGE: Final = "exception.message"
"""The attribute of an exception event that holds the exception's message."""

CONTENT_KEYS: Final = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.description",
        "gen_ai.retrieval.documents",
        "gen_ai.retrieval.query.text",
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.event.content",
        "llm.input_messages",
        "llm.output_messages",
        "llm.prompts",
        "llm.completions",
        "llm.prompt_template",
        "llm.tools",
        "llm.function_call",
        "input",
        "output",
        "retrieval.documents",
        "reranker.input_documents",
        "reranker.output_documents",
        "reranker.query",
        "embedding.embeddings",
        "embedding.text",
        "tool.parameters",
        "tool.description",
        "tool.json_schema",
        "tool_call.function.arguments",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "langfuse.observation.input",
        "langfuse.observation.output",
        "langfuse.trace.input",
        "langfuse.trace.output",
        "braintrust.input",
        "braintrust.output",
        "braintrust.input_json",
        "braintrust.output_json",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "ai.prompt",
        "ai.response.text",
        "ai.response.object",
        "ai.response.toolCalls",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "ai.value",
        "ai.values",
        "ai.embedding",
        "ai.embeddings",
        "all_messages",
        "all_messages_events",
        "pydantic_ai.all_messages",
        "final_result",
        "tool_arguments",
        "tool_response",
        "request_data",
        "response_data",
        "prompt",
        "completion",
        "messages",
        "lk.pii",
        "lk.chat_ctx",
        "lk.instructions",
        "lk.user_input",
        "lk.user_transcript",
        "lk.input_text",
        "lk.response.text",
        "lk.response.function_calls",
        "lk.function_tool.arguments",
        "lk.function_tool.output",
        EXCEPTION_MESSAGE,
        "exception.stacktrace",
    }
)
"""Keys that hold content, and prefixes of the keys that it is spread over, as in `gen_ai.prompt.0.content`."""

_NOT_CONTENT: Final = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version", "input.mime_type", "output.mime_type"})
"""Keys below one of `CONTENT_KEYS` that hold no content."""

CONTENT_EVENT_PREFIXES: Final = ("gen_ai.", "ai.prompt", "message")
"""Prefixes of the names of events whose attributes are all content."""


def holds_content(key: str) -> bool:
    """Return whether an attribute of this name holds content."""
    if key in _NOT_CONTENT:
        return False
    above = key
    while above:
        if above in CONTENT_KEYS:
            return True
        above = above.rpartition(".")[0]
    return False


def without_exception_message(status: str | None, message: object, replacement: object = None) -> str | None:
    """Return a span's status description without the exception message, which the SDK appends to it."""
    if not status or not isinstance(message, str) or not message or not status.endswith(message):
        return status
    replaced = status.removesuffix(message) + (replacement if isinstance(replacement, str) else "")
    return replaced.rstrip(": ") or None


def split_content(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes that hold no content, and those that do."""
    plain: dict[str, Any] = {}
    content: dict[str, Any] = {}
    for key, value in attributes.items():
        (content if holds_content(key) else plain)[key] = value
    return plain, content
