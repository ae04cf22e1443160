"""Braintrust, by OTLP over HTTP in protobuf, with the attributes that are its own: they win over what it guesses.

Only OTLP takes a project by its name, and `estimated_cost`, the dollars that win over its price list, is JSON there as
elsewhere, so every digit arrives. Checked on a strict stub, written after Braintrust's documentation and its
specification of instrumentations (braintrust-spec), that answers as it says; not checked on Braintrust itself. That a
span sent again is one row there is said of rows with an id, and taken to hold for OTLP, whose rows have the span's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import metadata
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit

from spancast.contract import (
    Another,
    Attribute,
    Encoded,
    Event,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
    shown_url,
)
from spancast_exporters import _facts, _json, _openai, _otlp, _refusal

__all__ = ["Braintrust"]

_TRACES = "/otel/v1/traces"
_NO_PROJECT = "project_name:default-otel-project"
"""Where Braintrust's own OTLP exporters send what nobody has a place for."""
_ROOM = 10_000_000
"""Bytes of one request (Braintrust, "OTLP traces endpoint payload limits")."""
_MOST_TAGS = 100
_LONGEST_TAG = 200
_TYPES = {
    **dict.fromkeys(("llm", "embedding"), "llm"),
    **dict.fromkeys(("agent", "workflow", "task"), "task"),
    **dict.fromkeys(("tool", "retrieval"), "tool"),
}
"""`span_attributes.type` of what a span is (braintrust-spec, "Span types")."""
_WORDS = ("gen_ai.input.messages", "gen_ai.output.messages", _facts.INSTRUCTIONS, _facts.TOOLS)
_SPANCAST = metadata.version("spancast")


@dataclass(frozen=True, kw_only=True)
class Braintrust:
    """Sends every span that is given to it.

    `parent` is where to, as `project_name:…`, `project_id:…` or `experiment_id:…`; else `project_id`, else `project`,
    by its name. `environment_type` (`ci`, `server`, `local`) and `environment_name` say where the program runs.
    """

    api_key: str = field(
        repr=False,
        metadata={
            "variables": ("BRAINTRUST_API_KEY",),
            "where": "Create one in Braintrust under Settings, API keys.",
        },
    )
    endpoint: str = field(default="https://api.braintrust.dev", metadata={"variables": ("BRAINTRUST_API_URL",)})
    parent: str | None = field(default=None, metadata={"variables": ("BRAINTRUST_PARENT",)})
    project_id: str | None = field(default=None, metadata={"variables": ("BRAINTRUST_PROJECT_ID",)})
    project: str | None = field(default=None, metadata={"variables": ("BRAINTRUST_PROJECT",)})
    environment_type: str | None = field(default=None, metadata={"variables": ("BRAINTRUST_ENVIRONMENT_TYPE",)})
    environment_name: str | None = field(default=None, metadata={"variables": ("BRAINTRUST_ENVIRONMENT_NAME",)})
    traits: Traits = field(default=Traits(max_bytes=_ROOM, resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        _otlp.refuse_user(self.endpoint)
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ValueError(
                f"endpoint cannot be {shown_url(self.endpoint)!r}. Give a URL such as https://api.braintrust.dev."
            )
        if not (self.api_key.isascii() and self.api_key.isprintable()) or " " in self.api_key:
            raise ValueError("api_key holds characters that no key has. Copy it once more.")
        if not (self._place.isascii() and self._place.isprintable()):
            raise ValueError(f"{self._place!r} is no header. Give the project by its id: BRAINTRUST_PROJECT_ID.")

    @property
    def url(self) -> str:
        """Where the spans go."""
        return self._base + _TRACES

    @property
    def _base(self) -> str:
        """Where Braintrust's API is; some know it by where OTLP goes."""
        return self.endpoint.rstrip("/").removesuffix("/v1/traces").removesuffix("/otel")

    @property
    def _place(self) -> str:
        if self.parent:
            return self.parent
        named = f"project_name:{self.project}" if self.project else _NO_PROJECT
        return f"project_id:{self.project_id}" if self.project_id else named

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there."""
        sdk = Another(
            who="Braintrust's SDK",
            cure="Where it traces the client, leave one of the two out.",
            packages=("braintrust",),
            variables={"BRAINTRUST_API_KEY": ()},
        )
        return (sdk, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP tells no such time
        """Return requests of at most 10 MB before compression."""
        headers = {"authorization": f"Bearer {self.api_key}", "x-bt-parent": self._place}
        parts = ((span.span_id, self._encoded(span)) for span in spans)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in _otlp.batches(parts, _ROOM)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says, and believe no success that says something else."""
        return _otlp.judge_worded(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that reads the project; a name is looked for, and need not be there yet."""
        kind, _, place = self._place.partition(":")
        if kind in ("project_id", "experiment_id") and place:
            path = f"/v1/{kind.removesuffix('_id')}/{quote(place, safe='')}"
        else:
            path = "/v1/project?limit=1"
        headers = {"authorization": f"Bearer {self.api_key}"}
        return Request(url=self._base + path, body=b"", headers=headers, method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        reason = _refusal.reason(reply)
        if reply.status in (400, 404) and not self._place.startswith("project_name:"):
            return f"{self._base} knows no {self._place} ({reason}). See BRAINTRUST_PARENT, BRAINTRUST_API_URL."
        wrong = _refusal.unwell(reply, self._base, "See BRAINTRUST_API_URL; it is the address without a path.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"Braintrust refuses the API key ({reason}). Is BRAINTRUST_API_KEY of the organization at {self._base}"
                f" (BRAINTRUST_API_URL), and does it see {self._place}?"
            )
        if not isinstance(_json.read(reply.body.decode("utf-8", "replace")), dict):
            return f"{self._base} is no Braintrust ({reason}). See BRAINTRUST_API_URL."
        return _refusal.doubt(reply)

    def _encoded(self, span: Span) -> bytes:
        own = {name: _json.encoded(value).decode() for name, value in self._fields(span).items() if value}
        add: dict[str, Attribute] = {f"braintrust.{name}": written for name, written in own.items()}
        if tags := [
            _json.text(f"{key}:{value}")[:_LONGEST_TAG] for key, value in islice(span.tags.items(), _MOST_TAGS)
        ]:
            add["braintrust.tags"] = tags
        shown = [name for name in _WORDS if "braintrust.input_json" in add or "braintrust.output_json" in add]
        return _otlp.encoded(_told(span), add, shown)

    def _fields(self, span: Span) -> dict[str, object]:
        """Return the fields of a row of Braintrust's that are JSON (braintrust-spec, "Span Data Model")."""
        kind = _facts.kind(span)
        modelled = kind in _facts.MODELS
        return {
            "span_attributes": _known({"name": _name(span), "type": _TYPES.get(kind or "")}),
            "input_json": _input(span) if modelled else _json_or_text(_facts.asked(span)),
            "output_json": _output(span) if modelled else _json_or_text(_facts.said(span)),
            "metadata": _metadata(span, modelled=modelled),
            "metrics": {**_metrics(_facts.of(span)), **_media(span)} if modelled else None,
            "context_json": {"span_origin": self._origin(span)},
        }

    def _origin(self, span: Span) -> dict[str, object]:
        where = _known({"type": self.environment_type, "name": self.environment_name})
        instrumentation = {"name": span.scope[0]}
        origin = {"name": "spancast", "version": _SPANCAST, "instrumentation": instrumentation}
        return _known({**origin, "environment": where or None})


def _name(span: Span) -> str:
    """Return what the request calls the span; a trace is shown by the name of its root (OpenRouter, Broadcast)."""
    called = _facts.names(span)
    of_trace = called.get("trace_name") if span.parent_span_id is None else None
    return of_trace or called.get("generation_name") or span.name


def _input(span: Span) -> object:
    if _facts.kind(span) == "embedding":
        return _embedded(span)
    words = {name: _facts.words(span, name) for name in (_facts.INSTRUCTIONS, "gen_ai.input.messages")}
    return _openai.asked(words) or _json_or_text(_facts.asked(span))


def _embedded(span: Span) -> object:
    """Return what was embedded, input by input (braintrust-spec, "Embedding APIs")."""
    written = _facts.asked(span)
    contents = [message["content"] for message in _openai.messages(written) or () if message["content"]]
    if not contents:
        return _json_or_text(written)
    size = _facts.parameters(span).get("dimensions")
    inputs = [{"content": each} for content in contents for each in _inputs(content)]
    return _known({"inputs": inputs, "output_dimensions": size})


def _inputs(content: str | list[dict[str, Any]]) -> list[Any]:
    """Return each of the texts, which are the parts of a message; what has other parts was one input."""
    if isinstance(content, str) or any(part["type"] != "text" for part in content):
        return [content]
    return [part["text"] for part in content]


def _output(span: Span) -> object:
    said = _facts.said(span)
    return _openai.choices(said) or _json_or_text(said)


def _json_or_text(written: str | None) -> object:
    meant = _json.read(written)
    return written if meant is None else meant


def _metadata(span: Span, *, modelled: bool) -> dict[str, object]:
    facts = _facts.of(span)
    ours = {
        "model": facts.model if modelled else None,
        "provider": facts.provider if modelled else None,
        **(_facts.parameters(span) if modelled else {}),
        "user_id": span.user or None,
        "session_id": span.session or None,
        "environment": span.environment or None,
        "release": span.release or None,
        **_facts.names(span),
        "tools": _openai.tools(_facts.words(span, _facts.TOOLS)) if modelled else None,
    }
    return _json.bounded({**_known(ours), **span.metadata, **_known(ours)})


def _metrics(facts: _facts.Facts) -> dict[str, object]:
    """Return the numbers of a call (braintrust-spec, "Token and cost metrics")."""
    return _known(
        {
            "prompt_tokens": facts.input_tokens,
            "completion_tokens": facts.output_tokens,
            "tokens": facts.total_tokens,
            "prompt_cached_tokens": facts.cached_tokens,
            "prompt_cache_creation_tokens": facts.cache_write_tokens,
            "prompt_cache_creation_5m_tokens": facts.cache_write_5m_tokens,
            "prompt_cache_creation_1h_tokens": facts.cache_write_1h_tokens,
            "completion_reasoning_tokens": facts.reasoning_tokens,
            "time_to_first_token": facts.time_to_first_token,
            "estimated_cost": facts.cost,
        }
    )


def _media(span: Span) -> dict[str, object]:
    """Return tokens of sound and pictures, which are parts of the others."""
    seen = None if span.generation is None else span.generation.modalities
    if seen is None:
        return {}
    return _known(
        {
            "prompt_audio_tokens": seen.audio_input,
            "completion_audio_tokens": seen.audio_output,
            "completion_image_tokens": seen.image_output,
        }
    )


def _known(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _told(span: Span) -> Span:
    """Return a span that failed with the event by which Braintrust shows it."""
    failure = _facts.failure(span)
    if failure is None or any(each.name == "exception" for each in span.events):
        return span
    event = Event(
        name="exception", time=span.end, attributes={f"exception.{name}": text for name, text in failure.items()}
    )
    return replace(span, events=(*span.events, event))
