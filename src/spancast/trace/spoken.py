"""Which attributes of other libraries' spans hold what was asked and answered: the one table of them.

OpenTelemetry's GenAI conventions, also those it has left behind; OpenInference; OpenLLMetry; Langfuse; LangSmith;
Braintrust; MLflow; Vercel's AI SDK; Pydantic AI and Logfire; LiveKit, which marks them. What an exception says may
quote them, as where an answer could not be read.
"""

from collections.abc import Mapping
from typing import Any, Final

MESSAGE: Final = "exception.message"
"""What an exception says, on the event of it."""

WORDS: Final = frozenset(
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
        MESSAGE,
        "exception.stacktrace",
    }
)
"""Keys that hold words themselves, and those under which they are spread: `gen_ai.prompt.0.content`."""

_NOT_WORDS: Final = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version", "input.mime_type", "output.mime_type"})
"""What stands below one of them and holds none."""

SPOKEN_EVENTS: Final = ("gen_ai.", "ai.prompt", "message")
"""How the names of events begin whose attributes are words."""


def holds_words(key: str) -> bool:
    """Whether an attribute of this name holds words."""
    if key in _NOT_WORDS:
        return False
    above = key
    while above:
        if above in WORDS:
            return True
        above = above.rpartition(".")[0]
    return False


def without_message(status: str | None, message: object, instead: object = None) -> str | None:
    """Return the description of a span's status without what its exception says, which the SDK writes there, too."""
    if not status or not isinstance(message, str) or not message or not status.endswith(message):
        return status
    return (status.removesuffix(message) + (instead if isinstance(instead, str) else "")).rstrip(": ") or None


def parted(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes that hold no words, and those that do."""
    plain: dict[str, Any] = {}
    words: dict[str, Any] = {}
    for key, value in attributes.items():
        (words if holds_words(key) else plain)[key] = value
    return plain, words
