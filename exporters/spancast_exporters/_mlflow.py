"""A span as MLflow reads it (mlflow 3.17, `tracing/otel/translation`, `SqlAlchemyStore.log_spans`).

MLflow's own attributes take precedence: with `mlflow.llm.cost`, MLflow computes no cost of its own. It reads tags, the
name and the rest that describes a trace from the root span; user and session from any span.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import accumulate, islice
from typing import Any

from spancast.contract import Attribute, Span
from spancast_exporters import _backend, _facts, _json, _openai

_DEEPEST = 200
"""Levels of nesting. Python's parser stops at 1000, the server's own calls included; then the whole request fails."""
_TOO_DEEP = "[too deep]"
_BRACKETS = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""Brackets of JSON, and strings, so that brackets within strings do not count."""
_LONGEST = 250
"""Characters of a user or a session; a longer one fails the whole request (`MAX_CHARS_IN_TRACE_INFO_METADATA`)."""
_LONGEST_NAME = 250
_LONGEST_TAG = 8_000
"""Characters of a tag (`MAX_TRACE_TAG_VAL_LENGTH`)."""
_MOST_TAGS = 100
_SESSIONS = ("session.id", "gen_ai.conversation.id")
_TAG, _NAME = "mlflow.traceTag.", "mlflow.traceTag.mlflow.traceName"
_KINDS = {
    "llm": "LLM",
    "embedding": "EMBEDDING",
    "agent": "AGENT",
    "tool": "TOOL",
    "retrieval": "RETRIEVER",
    "workflow": "WORKFLOW",
    "task": "TASK",
}
_CHATS = ("chat", "responses", "message")
"""Operations of which MLflow shows a conversation (`SpanType.CHAT_MODEL`)."""
_FIGURES = ("mlflow.llm.cost", "mlflow.chat.tokenUsage")
_KIND = "mlflow.spanType"
_THEIRS = (_KIND, "openinference.span.kind", "traceloop.span.kind")
"""Attributes from which MLflow reads the kind of another library's span."""

_KINDS_READ = (
    *_THEIRS,
    *("gen_ai.operation.name", "langfuse.observation.type", "lmnr.span.type", "ai.operationId", "span.type"),
)
"""All attributes in which MLflow looks for a kind (`SPAN_KIND_ATTRIBUTE_KEY` of its translators)."""

Found = dict[str, Attribute | None]


def attributes(span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
    """Return the attributes for MLflow, and the names of those that they replace."""
    words, replaced = _words(span)
    found = {
        _KIND: _kind(span),
        **_whose(span),
        **(_labels(span) if span.parent_span_id is None else {}),
        **(_of_model(span) if _facts.kind(span) in _facts.MODELS else {}),
        **words,
    }
    stated = span.attributes
    broken = [name for name in _FIGURES if name in stated and not _are_figures(stated[name])]
    broken += [name for name in _KINDS_READ if name in stated and not _is_word(stated[name])]
    return {name: value for name, value in found.items() if value is not None}, [*replaced, *broken]


def _are_figures(stated: Attribute) -> bool:
    """Whether an attribute is a JSON object of numbers; anything else makes MLflow refuse the whole request."""
    figures = _json.read(stated)
    return isinstance(figures, dict) and all(type(each) in (int, float) for each in figures.values())


def _is_word(stated: Attribute) -> bool:
    """Whether an attribute is text and not JSON; any other kind makes MLflow refuse the whole request."""
    return isinstance(stated, str) and _json.read(stated) is None


def shaped(span: Span) -> Span:
    """Return the span with texts that MLflow can parse, and its error in the status; the same object if unchanged."""
    found: dict[str, Any] = {"attributes": _shallow(span.attributes), "content": _shallow(span.content)}
    failure = _facts.failure(span)
    if failure is not None and not span.status_message:
        found["status_message"] = failure.get("message") or failure.get("type") or "error"
    changed = {part: value for part, value in found.items() if value is not getattr(span, part)}
    return replace(span, **changed) if changed else span


def _shallow(stated: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    deep = {name: _TOO_DEEP for name, value in stated.items() if isinstance(value, str) and _is_deep(value)}
    return {**stated, **deep} if deep else stated


def _is_deep(text: str) -> bool:
    """Whether a text would be JSON nested too deeply to parse; MLflow tries to parse every text."""
    if text.count("[") + text.count("{") <= _DEEPEST or not text.lstrip().startswith(("[", "{")):
        return False
    steps = (1 if found in "[{" else -1 for found in _BRACKETS.findall(text) if not found.startswith('"'))
    return any(level > _DEEPEST for level in accumulate(steps))


def _kind(span: Span) -> str | None:
    call, kind = span.generation, _facts.kind(span)
    if call is None:
        theirs = any(_is_word(span.attributes[name]) for name in _THEIRS if name in span.attributes)
        return None if theirs else _KINDS.get(kind or "")
    if call.operation == "rerank":
        return "RERANKER"
    return "CHAT_MODEL" if call.operation in _CHATS else _KINDS.get(kind or "")


def _whose(span: Span) -> Found:
    """Return the user and the session; long ones are shortened by a hash and so stay distinct."""
    stated = {name: span.attributes.get(name) for name in _SESSIONS}
    odd = {name: _fitting(str(value)) for name, value in stated.items() if value and _is_odd(str(value))}
    known = {"user.id": span.user and _fitting(span.user), "session.id": span.session and _fitting(span.session)}
    return {**odd, **{name: value for name, value in known.items() if value}}


def _is_odd(session: str) -> bool:
    return len(session) > _LONGEST or "\0" in session


def _text(value: str) -> str:
    """Return a text that any of MLflow's databases can store."""
    return _backend.without_nul(_json.text(value))


def _fitting(value: str) -> str:
    text = _text(value)
    digest = sha256(text.encode()).hexdigest()[:16]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - len(digest)]}{digest}"


def _labels(span: Span) -> Found:
    """Return the tags of the trace, without names that begin with `mlflow.`, which are MLflow's own."""
    place = {"environment": span.environment, "release": span.release}
    labels = {**span.tags, **{name: value for name, value in place.items() if value and name not in span.tags}}
    labels |= {name: value for name, value in span.metadata.items() if name not in labels}
    own = ((name, value) for name, value in labels.items() if name and value and not name.startswith("mlflow."))
    tags: Found = {f"{_TAG}{_text(name)}": _text(value)[:_LONGEST_TAG] for name, value in islice(own, _MOST_TAGS)}
    return {**tags, _NAME: _text(span.trace_name)[:_LONGEST_NAME] if span.trace_name else None}


def _of_model(span: Span) -> Found:
    """Return the token counts, and the costs to their last digit."""
    facts = _facts.of(span)
    counts = {
        "input_tokens": facts.input_tokens,
        "output_tokens": facts.output_tokens,
        "total_tokens": facts.total_tokens,
        "cache_read_input_tokens": facts.cached_tokens,
        "cache_creation_input_tokens": facts.cache_write_tokens,
        "cache_creation_input_tokens_above_1hr": facts.cache_write_1h_tokens,
    }
    costs = {"input_cost": facts.input_cost, "output_cost": facts.output_cost, "total_cost": facts.cost}
    return {
        "mlflow.chat.tokenUsage": _json.dumps_known(counts),
        "mlflow.llm.cost": _json.dumps_known(costs) if facts.cost is not None else None,
        "mlflow.llm.model": facts.model and _json.text(facts.model),
        "mlflow.llm.provider": facts.provider and _json.text(facts.provider),
    }


def _words(span: Span) -> tuple[Found, Sequence[str]]:
    """Return input and output as in OpenAI's API, which MLflow shows as a conversation."""
    if not span.content:
        return {}, ()
    asked, answered = _openai.input_messages(span.content), _openai.choices(span.content.get(_facts.OUTPUT))
    offered = _openai.tools(span.content.get(_facts.TOOLS))
    if asked is None and not answered and offered is None:
        return {}, ()
    other = _facts.INPUT in span.content and _openai.messages(span.content[_facts.INPUT]) is None
    given = {"messages": asked, "model": _facts.of(span).model, **_facts.parameters(span), "tools": offered}
    found: Found = {
        "mlflow.spanInputs": _json.optional_text(span.content.get(_facts.INPUT))
        if other or not asked
        else _json.dumps_known(given),
        "mlflow.spanOutputs": _json.dumps_known({"choices": answered})
        if answered
        else _json.optional_text(span.content.get(_facts.OUTPUT)),
        "mlflow.message.format": "openai",
        "mlflow.chat.tools": _json.dumps(offered) if offered else None,
    }
    read = {_facts.INSTRUCTIONS: asked is not None and not other, _facts.TOOLS: offered is not None}
    return found, [_facts.INPUT, _facts.OUTPUT, *(name for name, done in read.items() if done)]
