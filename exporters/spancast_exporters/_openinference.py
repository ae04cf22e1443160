"""A span as OpenInference has it (openinference-semantic-conventions 0.1.42), which Phoenix and Arize AX show.

What another library has said of its own span by these names stays; the cost that was added to it, user, session, tags
and metadata are told beside. `llm.system` is the API that was called and `llm.provider` who served the call.
"""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spancast.contract import Attribute, Event, Generation, Span
from spancast_exporters import _backend, _facts, _json, _openinference_words, _otlp

PROJECT = "openinference.project.name"
"""The attribute of a resource that says to which project its spans belong."""
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
"""OpenInference's names of providers, where they are others than OpenRouter's in lower case."""
_SETTLED = ("llm.cost.", "metadata", "session.id", "tag.tags", "user.id")
"""What is told even where the span says it otherwise, or what such names begin with."""


@dataclass(frozen=True, kw_only=True)
class Reader(_backend.Backend, ABC):
    """A platform that reads OpenInference. Without `project` it is the resource's, else the platform's default."""

    project: str | None = field(default=None)

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        return attributes(span)

    def _fitted(self, span: Span) -> Span:
        return _shaped(span, self.project)


def attributes(span: Span) -> tuple[dict[str, Attribute], list[str]]:
    """Return what a span says by OpenInference's names, and the names that it is not to have beside them."""
    before, kind = {**span.attributes, **span.content}, _facts.kind(span)
    words, replaced = _openinference_words.words(span, kind)
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
    """Return the span with its project, what went wrong and when its answer began; the very same where it has them."""
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
    said = _metadata(span)
    return {
        "user.id": span.user and _json.text(span.user),
        "session.id": span.session and _json.text(span.session),
        "tag.tags": (*theirs, *_backend.tags(span)) or None,
        "metadata": _json.encoded(said).decode() if said else None,
    }


def _metadata(span: Span) -> dict[str, object]:
    """Return what OpenInference has no name for and people filter by; what the application calls so itself wins."""
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
    facts, asked = _facts.of(span), _json.bounded(_facts.parameters(span))
    embeds = kind == "embedding"
    return {
        "embedding.model_name" if embeds else "llm.model_name": _text(facts.model),
        "llm.system": _text(facts.provider),
        "embedding.invocation_parameters" if embeds else "llm.invocation_parameters": _json.encoded(asked).decode()
        if asked
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
    """Return the cost as the nearest doubles, which is what the conventions want; every digit is beside them."""
    costs = {"total": facts.cost, "prompt": facts.input_cost, "completion": facts.output_cost}
    known = {} if facts.cost is None else costs
    return {f"llm.cost.{name}": float(cost) for name, cost in known.items() if cost is not None}


def _called(call: Generation) -> dict[str, Attribute | None]:
    """Return what is known of a call of ours alone."""
    served = call.provider.lower() if call.provider else None
    return {
        "llm.provider": served and _json.text(_PROVIDERS.get(served, served)),
        "llm.request.model_name": _text(call.request_model),
        "llm.response.model_name": _text(call.response_model),
        "llm.finish_reason": _text(call.finish_reason),
    }


def _of_work(before: Mapping[str, Attribute], kind: str | None) -> dict[str, Attribute | None]:
    """Return what an agent or a tool is called, of a span by the conventions for GenAI."""
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


def _text(value: str | None) -> str | None:
    return _json.text(value) if value else None
