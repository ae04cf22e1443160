"""A span as Weave's Agents view reads it (weave 0.53.12, `genai_extraction.py`), by the GenAI conventions.

Weave has no fields for user, tags, metadata, environment, release, the name of a trace and the time to the first token;
they become custom attributes, by which it can filter. So does the cost: the cost that Weave shows is always computed
from its price table when a page is viewed, for the models in it.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from spancast.contract import Attribute, Event, Span
from spancast_exporters import _facts, _json, _otlp
from spancast_exporters._weave_tree import READ, placed, settled

_ARGUMENTS, _RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
_INPUT_PREFIXES = (_facts.INPUT, "gen_ai.prompt", "weave.input.messages", "weave.prompt")
_OUTPUT_PREFIXES = (_facts.OUTPUT, "gen_ai.completion", "weave.output.messages", "weave.completion")
"""Attributes in which Weave finds content itself, or prefixes of their names."""
_AGENT, _AGENT_NAME = "invoke_agent ", "gen_ai.agent.name"
_MOST_LABELS = 100
_LARGEST = 2**63


def otlp(span: Span, entity: str, project: str) -> bytes:
    """Return the span in OTLP, for a project."""
    before = {**span.attributes, **span.content}
    labels = set(_otlp.labels(span))
    stated = {name: value for name, value in before.items() if name not in labels}
    wanted = _wanted(span, stated)
    after = settled(placed(stated | wanted), READ | wanted.keys())
    add = {name: value for name, value in after.items() if name not in before or before[name] is not value}
    drop = [name for name in before if name not in after]
    return _shaped(span).otlp(add=add, drop=drop, resource={"wandb.entity": entity, "wandb.project": project})


def _wanted(span: Span, stated: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return the attributes that Weave reads and the span lacks, or has with another value."""
    kind = _facts.kind(span)
    wanted = {**_labels(span), **_words(span, kind, stated), **_whose(span), **_work(span, kind)}
    return {key: value for key, value in wanted.items() if value is not None and stated.get(key) != value}


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
    """Return the token counts and the cost of a model call, by the names that Weave knows."""
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
    """Return the nearest double, which Weave can sum; `openrouter.spent_usd` has the exact amount."""
    return None if cost is None else float(cost)


def _words(span: Span, kind: str | None, stated: Mapping[str, Attribute]) -> dict[str, Attribute | None]:
    """Return the content of other libraries' spans under the names that Weave reads."""
    if kind == "tool":
        return {
            _ARGUMENTS: stated.get(_ARGUMENTS) or _facts.input_text(span),
            _RESULT: stated.get(_RESULT) or _facts.output_text(span),
        }
    has_input = any(each.startswith(_INPUT_PREFIXES) for each in stated)
    has_output = any(each.startswith(_OUTPUT_PREFIXES) for each in stated)
    return {
        _facts.INPUT: None if has_input else _facts.input_text(span),
        _facts.OUTPUT: None if has_output else _facts.output_text(span),
    }


def _shaped(span: Span) -> Span:
    """Return the span with a name, events and a resource that Weave reads; the same object where nothing changes."""
    changed: dict[str, object] = {}
    if _facts.shown_name(span) != span.name:
        changed["name"] = _facts.shown_name(span)
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
