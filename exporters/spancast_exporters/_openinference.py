"""A span as OpenInference has it (openinference-semantic-conventions 0.1.42), which Phoenix and Arize AX show.

Attributes that another library has set by these names stay; cost, user, session, tags and metadata are added.
`llm.system` is the API that was called, `llm.provider` the provider that served the call.
"""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spancast.contract import Attribute, Event, Generation, Span
from spancast_exporters import _backend, _facts, _json, _openinference_messages, _otlp

PROJECT = "openinference.project.name"
"""The resource attribute with the project of the spans."""
_KIND = "openinference.span.kind"
_FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 - the name of an event
"""The event by which OpenInference's own instrumentations tell it (openinference-instrumentation-openai)."""

_KINDS = {
    "llm": "LLM",
    "embedding": "EMBEDDING",
    "agent": "AGENT",
    "tool": "TOOL",
    "retrieval": "RETRIEVER",
    "workflow": "CHAIN",
    "task": "CHAIN",
}
_PROVIDERS = {
    "amazon bedrock": "aws",
    "google ai studio": "google",
    "google vertex": "google",
    "mistral": "mistralai",
    "moonshot ai": "moonshot",
    "z.ai": "zai",
}
"""OpenInference's names of providers that differ from OpenRouter's in lower case."""
_SETTLED = ("llm.cost.", "metadata", "session.id", "tag.tags", "user.id")
"""Attributes that replace the span's own, or prefixes of their names."""


@dataclass(frozen=True, kw_only=True)
class Reader(_backend.Backend, ABC):
    """A platform that reads OpenInference. Without `project` it is the resource's, else the platform's default."""

    project: str | None = field(default=None)

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        return attributes(span)

    def _fitted(self, span: Span) -> Span:
        return _shaped(span, self.project)


def attributes(span: Span) -> tuple[dict[str, Attribute], list[str]]:
    """Return the attributes by OpenInference's names, and the names of those that they replace."""
    before, kind = {**span.attributes, **span.content}, _facts.kind(span)
    words, replaced = _openinference_messages.messages(span, kind)
    found = {
        _KIND: _KINDS.get(kind or "", "CHAIN"),
        **_whose(span),
        **(_of_model(span, kind) if kind in _facts.MODELS else _of_work(before, kind)),
        **words,
    }
    theirs = {name for name in before if not name.startswith(_SETTLED)}
    if not isinstance(before.get(_KIND), str):
        theirs.discard(_KIND)
    add = {name: value for name, value in found.items() if value is not None and name not in theirs}
    return add, [*replaced, *_otlp.labels(span)]


def _shaped(span: Span, project: str | None) -> Span:
    """Return the span with its project, error and first-token event; the same object if unchanged."""
    changed: dict[str, object] = {}
    if project and span.resource.get(PROJECT) != project:
        changed["resource"] = {**span.resource, PROJECT: _json.text(project)}
    failure = _facts.failure(span)
    if failure is not None and not span.status_message:
        changed["status_message"] = failure.get("message") or failure.get("type") or "error"
    began = _began(span)
    if began is not None:
        changed["events"] = [*span.events, began]
    return replace(span, **changed) if changed else span  # type: ignore[arg-type]  # fields by their names


def _whose(span: Span) -> dict[str, Attribute | None]:
    before = span.attributes.get("tag.tags")
    theirs = tuple(tag for tag in before if isinstance(tag, str)) if isinstance(before, list | tuple) else ()
    metadata = _metadata(span)
    return {
        "user.id": span.user and _json.text(span.user),
        "session.id": span.session and _json.text(span.session),
        "tag.tags": (*theirs, *_backend.tags(span)) or None,
        "metadata": _json.dumps(metadata) if metadata else None,
    }


def _metadata(span: Span) -> dict[str, object]:
    """Return useful fields that OpenInference has no name for; the application's own metadata takes precedence."""
    theirs = _json.read(span.attributes.get("metadata"))
    ours = {
        "trace_name": span.trace_name,
        "environment": span.environment,
        "release": span.release,
        "error_type": (_facts.failure(span) or {}).get("type"),
        **(_shown(span.generation) if span.generation is not None else {}),
    }
    known = {name: value for name, value in ours.items() if value is not None and value != ""}
    return _json.bounded({**known, **(theirs if isinstance(theirs, dict) else {}), **span.metadata})


def _shown(call: Generation) -> dict[str, object]:
    return {
        "generation_id": call.generation_id,
        "cost_source": call.cost_source,
        "is_byok": call.is_byok,
        "outcome": call.outcome,
        "app": call.app_title or call.app_url,
    }


def _of_model(span: Span, kind: str | None) -> dict[str, Attribute | None]:
    """Return the model, the parameters, the tokens and the dollars."""
    facts, parameters = _facts.of(span), _json.bounded(_facts.parameters(span))
    embeds = kind == "embedding"
    return {
        "embedding.model_name" if embeds else "llm.model_name": _json.optional_text(facts.model),
        "llm.system": _json.optional_text(facts.provider),
        "embedding.invocation_parameters" if embeds else "llm.invocation_parameters": _json.dumps(parameters)
        if parameters
        else None,
        "llm.token_count.prompt": facts.input_tokens,
        "llm.token_count.completion": facts.output_tokens,
        "llm.token_count.total": facts.total_tokens,
        "llm.token_count.prompt_details.cache_read": facts.cached_tokens,
        "llm.token_count.prompt_details.cache_write": facts.cache_write_tokens,
        "llm.token_count.completion_details.reasoning": facts.reasoning_tokens,
        **_dollars(facts),
        **(_called(span.generation) if span.generation is not None else {}),
    }


def _dollars(facts: _facts.Facts) -> dict[str, Attribute | None]:
    """Return the costs as doubles, as the conventions require; `openrouter.cost_usd` has every digit."""
    costs = {"total": facts.cost, "prompt": facts.input_cost, "completion": facts.output_cost}
    known = {} if facts.cost is None else costs
    return {f"llm.cost.{name}": float(cost) for name, cost in known.items() if cost is not None}


def _called(call: Generation) -> dict[str, Attribute | None]:
    """Return the attributes that only our own calls have."""
    served = call.provider.lower() if call.provider else None
    return {
        "llm.provider": served and _json.text(_PROVIDERS.get(served, served)),
        "llm.request.model_name": _json.optional_text(call.request_model),
        "llm.response.model_name": _json.optional_text(call.response_model),
        "llm.finish_reason": _json.optional_text(call.finish_reason),
    }


def _of_work(before: Mapping[str, Attribute], kind: str | None) -> dict[str, Attribute | None]:
    """Return the agent's or tool's attributes from those of the GenAI conventions."""
    agent = before.get("gen_ai.agent.name")
    tool = {"name": "gen_ai.tool.name", "description": "gen_ai.tool.description", "id": "gen_ai.tool.call.id"}
    named = {f"tool.{name}": before.get(stated) for name, stated in tool.items()} if kind == "tool" else {}
    return {"agent.name": agent if kind == "agent" else None, **named}


def _began(span: Span) -> Event | None:
    """Return the event that says when the answer began."""
    seconds = _facts.of(span).time_to_first_token if _facts.kind(span) in _facts.MODELS else None
    if seconds is None or any(event.name == _FIRST_TOKEN for event in span.events):
        return None
    return Event(name=_FIRST_TOKEN, time=span.start + round(seconds * 1e9))
