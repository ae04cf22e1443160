"""A span as Weave's Agents view reads it (weave 0.53.12, `genai_extraction.py`): GenAI conventions, the rest beside.

Weave has no place for user, tags, metadata, environment, release, the name of a trace and the time to the first token;
they are attributes of their own there, by which it filters. A cost is one, too, and never becomes the cost that Weave
shows: that is computed from its table of prices when somebody looks, for models that are in it.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from spancast.contract import Attribute, Event, Span
from spancast_exporters import _facts, _json, _otlp
from spancast_exporters._weave_tree import READ, placed, settled

_INPUT, _OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_ARGUMENTS, _RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
_HEARD = (_INPUT, "gen_ai.prompt", "weave.input.messages", "weave.prompt")
_TOLD = (_OUTPUT, "gen_ai.completion", "weave.output.messages", "weave.completion")
"""Where Weave finds words itself, or what such names begin with."""
_AGENT, _AGENT_NAME = "invoke_agent ", "gen_ai.agent.name"
_MOST_LABELS = 100
_LARGEST = 2**63


def otlp(span: Span, entity: str, project: str) -> bytes:
    """Return the span in OTLP, for a project."""
    before = {**span.attributes, **span.content}
    labels = set(_otlp.labels(span))
    said = {name: value for name, value in before.items() if name not in labels}
    wanted = _wanted(span, said)
    after = settled(placed(said | wanted), READ | wanted.keys())
    add = {name: value for name, value in after.items() if name not in before or before[name] is not value}
    drop = [name for name in before if name not in after]
    return _shaped(span).otlp(add=add, drop=drop, resource={"wandb.entity": entity, "wandb.project": project})


def name(span: Span) -> str:
    """Return what the request calls the span; a trace is shown by the name of its root (OpenRouter, Broadcast)."""
    of_trace = span.trace_name if span.parent_span_id is None else None
    of_call = None if span.generation is None else span.generation.generation_name
    return of_trace or of_call or span.name


def _wanted(span: Span, said: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return what Weave looks for that the span does not say by that name, or says otherwise."""
    kind = _facts.kind(span)
    wanted = {**_labels(span), **_words(span, kind, said), **_whose(span), **_work(span, kind)}
    return {key: value for key, value in wanted.items() if value is not None and said.get(key) != value}


def _whose(span: Span) -> dict[str, Attribute | None]:
    failure = _facts.failure(span) or {}
    agent = span.name.removeprefix(_AGENT).strip() if span.name.startswith(_AGENT) else None
    return {
        "gen_ai.conversation.id": span.session or None,
        "user.id": span.user or None,
        "trace_name": span.trace_name or None,
        "environment": span.environment or None,
        "release": span.release or None,
        "error.type": failure.get("type"),
        _AGENT_NAME: None if _AGENT_NAME in span.attributes else agent or None,
    }


def _labels(span: Span) -> dict[str, Attribute | None]:
    each = (("tags", span.tags), ("metadata", span.metadata))
    return {
        f"{kind}.{_json.text(key)}": value
        for kind, labels in each
        for key, value in islice(labels.items(), _MOST_LABELS)
        if key
    }


def _work(span: Span, kind: str | None) -> dict[str, Attribute | None]:
    """Return the tokens and the dollars of a model's work, by the names that Weave knows."""
    if kind not in _facts.MODELS:
        return {}
    facts = _facts.of(span)
    counts = {
        "input_tokens": facts.input_tokens,
        "output_tokens": facts.output_tokens,
        "cache_read.input_tokens": facts.cached_tokens,
        "cache_creation.input_tokens": facts.cache_write_tokens,
        "reasoning.output_tokens": facts.reasoning_tokens,
    }
    fitting = {name: count for name, count in counts.items() if count is not None and count < _LARGEST}
    return {
        "gen_ai.provider.name": facts.provider,
        **{f"{_facts.USAGE}{name}": count for name, count in fitting.items()},
        f"{_facts.USAGE}cost": _dollars(facts.cost),
        "openrouter.spent_usd": None if facts.cost is None else format(facts.cost, "f"),
    }


def _dollars(cost: Decimal | None) -> float | None:
    """Return the nearest double, which is what Weave can sum; the exact amount is beside it."""
    return None if cost is None else float(cost)


def _words(span: Span, kind: str | None, said: Mapping[str, Attribute]) -> dict[str, Attribute | None]:
    """Return the words of other libraries' spans where Weave looks for them."""
    if kind == "tool":
        return {
            _ARGUMENTS: said.get(_ARGUMENTS) or _facts.asked(span),
            _RESULT: said.get(_RESULT) or _facts.said(span),
        }
    heard = any(each.startswith(_HEARD) for each in said)
    told = any(each.startswith(_TOLD) for each in said)
    return {_INPUT: None if heard else _facts.asked(span), _OUTPUT: None if told else _facts.said(span)}


def _shaped(span: Span) -> Span:
    """Return the span with a name, events and a resource that Weave reads; the very same where it does."""
    changed: dict[str, object] = {}
    if name(span) != span.name:
        changed["name"] = name(span)
    events = [_event(each) for each in span.events]
    if any(one is not other for one, other in zip(events, span.events, strict=True)):
        changed["events"] = events
    elsewhere = {
        key: value
        for key, value in span.resource.items()
        if key != "wandb" and not key.startswith(("wandb.entity", "wandb.project"))
    }
    resource = settled(span.resource if len(elsewhere) == len(span.resource) else elsewhere)
    if resource is not span.resource:
        changed["resource"] = resource
    failure = _facts.failure(span)
    if failure is not None and not span.status_message:
        changed["status_message"] = failure.get("message") or failure.get("type") or "error"
    return replace(span, **changed) if changed else span  # type: ignore[arg-type]  # fields by their names


def _event(event: Event) -> Event:
    attributes = settled(event.attributes)
    return event if attributes is event.attributes else replace(event, attributes=attributes)
