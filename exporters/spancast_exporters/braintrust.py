"""Braintrust, by OTLP over HTTP in protobuf, with its own attributes, which take precedence over what it infers.

Of its APIs only OTLP accepts a project by name. `estimated_cost`, which takes precedence over its price list, is JSON,
so that every digit arrives. Checked on a strict stub, written after Braintrust's documentation and its specification of
instrumentations (braintrust-spec); not checked on Braintrust itself. Braintrust documents that rows with the same id
are one row; this is assumed to hold for OTLP, whose rows have the span's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import metadata
from itertools import islice
from typing import Any
from urllib.parse import quote

from spancast.contract import (
    Attribute,
    Encoded,
    Event,
    OtherSender,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _facts, _json, _openai, _options, _otlp, _refusal

__all__ = ["Braintrust"]

_TRACES = "/otel/v1/traces"
_NO_PROJECT = "project_name:default-otel-project"
"""The default project of Braintrust's own OTLP exporters."""
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
_WORDS = (_facts.INPUT, _facts.OUTPUT, _facts.INSTRUCTIONS, _facts.TOOLS)
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
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://api.braintrust.dev")
        _options.check_key("api_key", self.api_key)
        if not (self._place.isascii() and self._place.isprintable()):
            raise ValueError(
                f"{self._place!r} cannot be sent in a header. Give the project by its id: BRAINTRUST_PROJECT_ID."
            )

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return self._base + _TRACES

    @property
    def _base(self) -> str:
        """The base URL of the API; `endpoint` may include the path for OTLP."""
        return self.endpoint.rstrip("/").removesuffix("/v1/traces").removesuffix("/otel")

    @property
    def _place(self) -> str:
        if self.parent:
            return self.parent
        named = f"project_name:{self.project}" if self.project else _NO_PROJECT
        return f"project_id:{self.project_id}" if self.project_id else named

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        sdk = OtherSender(
            name="Braintrust's SDK",
            cure="Where it traces the client, leave one of the two out.",
            packages=("braintrust",),
            variables={"BRAINTRUST_API_KEY": ()},
        )
        return (sdk, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP has no such time
        """Return requests of at most 10 MB before compression."""
        headers = {"authorization": f"Bearer {self.api_key}", "x-bt-parent": self._place}
        parts = ((span.span_id, self._encoded(span)) for span in spans)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in _otlp.batches(parts, _ROOM)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; a success needs an OTLP answer."""
        return _otlp.judge_with_reason(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request that reads the project. One given by name need not exist yet."""
        kind, _, place = self._place.partition(":")
        if kind in ("project_id", "experiment_id") and place:
            path = f"/v1/{kind.removesuffix('_id')}/{quote(place, safe='')}"
        else:
            path = "/v1/project?limit=1"
        headers = {"authorization": f"Bearer {self.api_key}"}
        return Request(url=self._base + path, body=b"", headers=headers, method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        reason = _refusal.reason(reply)
        if reply.status in (400, 404) and not self._place.startswith("project_name:"):
            return f"{self._base} has no {self._place} ({reason}). Check BRAINTRUST_PARENT, BRAINTRUST_API_URL."
        wrong = _refusal.diagnose_status(
            reply, self._base, "Check BRAINTRUST_API_URL; it is the address without a path."
        )
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"Braintrust refuses the API key ({reason}). Check that BRAINTRUST_API_KEY belongs to the organization "
                f"at {self._base} (BRAINTRUST_API_URL), and has access to {self._place}."
            )
        if not isinstance(_json.decoded(reply), dict):
            return f"The answer of {self._base} is not one of Braintrust ({reason}). Check BRAINTRUST_API_URL."
        return _refusal.doubt(reply)

    def _encoded(self, span: Span) -> bytes:
        own = {name: _json.dumps(value) for name, value in self._fields(span).items() if value}
        add: dict[str, Attribute] = {f"braintrust.{name}": written for name, written in own.items()}
        if tags := [
            _json.text(f"{key}:{value}")[:_LONGEST_TAG] for key, value in islice(span.tags.items(), _MOST_TAGS)
        ]:
            add["braintrust.tags"] = tags
        shown = [name for name in _WORDS if "braintrust.input_json" in add or "braintrust.output_json" in add]
        return _otlp.encoded(_with_exception_event(span), add, shown)

    def _fields(self, span: Span) -> dict[str, object]:
        """Return the fields of a row of Braintrust's that are JSON (braintrust-spec, "Span Data Model")."""
        kind = _facts.kind(span)
        modelled = kind in _facts.MODELS
        return {
            "span_attributes": _json.without_none({"name": _facts.shown_name(span), "type": _TYPES.get(kind or "")}),
            "input_json": _input(span) if modelled else _json_or_text(_facts.input_text(span)),
            "output_json": _output(span) if modelled else _json_or_text(_facts.output_text(span)),
            "metadata": _metadata(span, modelled=modelled),
            "metrics": {**_metrics(_facts.of(span)), **_media(span)} if modelled else None,
            "context_json": {"span_origin": self._origin(span)},
        }

    def _origin(self, span: Span) -> dict[str, object]:
        where = _json.without_none({"type": self.environment_type, "name": self.environment_name})
        instrumentation = {"name": span.scope[0]}
        origin = {"name": "spancast", "version": _SPANCAST, "instrumentation": instrumentation}
        return _json.without_none({**origin, "environment": where or None})


def _input(span: Span) -> object:
    if _facts.kind(span) == "embedding":
        return _embedded(span)
    words = _facts.conversation(span)
    return _openai.input_messages(words) or _json_or_text(_facts.input_text(span))


def _embedded(span: Span) -> object:
    """Return the embedded inputs one by one (braintrust-spec, "Embedding APIs")."""
    written = _facts.input_text(span)
    contents = [message["content"] for message in _openai.messages(written) or () if message["content"]]
    if not contents:
        return _json_or_text(written)
    size = _facts.parameters(span).get("dimensions")
    inputs = [{"content": each} for content in contents for each in _inputs(content)]
    return _json.without_none({"inputs": inputs, "output_dimensions": size})


def _inputs(content: str | list[dict[str, Any]]) -> list[Any]:
    """Return each text part as an input; a message with other parts is a single input."""
    if isinstance(content, str) or any(part["type"] != "text" for part in content):
        return [content]
    return [part["text"] for part in content]


def _output(span: Span) -> object:
    output = _facts.output_text(span)
    return _openai.choices(output) or _json_or_text(output)


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
        "tools": _openai.tools(_facts.content_text(span, _facts.TOOLS)) if modelled else None,
    }
    return _json.bounded({**_json.without_none(ours), **span.metadata, **_json.without_none(ours)})


def _metrics(facts: _facts.Facts) -> dict[str, object]:
    """Return the numbers of a call (braintrust-spec, "Token and cost metrics")."""
    return _json.without_none(
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
    """Return audio and image tokens, which are included in the other counts."""
    seen = None if span.generation is None else span.generation.modalities
    if seen is None:
        return {}
    return _json.without_none(
        {
            "prompt_audio_tokens": seen.audio_input,
            "completion_audio_tokens": seen.audio_output,
            "completion_image_tokens": seen.image_output,
        }
    )


def _with_exception_event(span: Span) -> Span:
    """Return a failed span with the exception event from which Braintrust reads the error."""
    failure = _facts.failure(span)
    if failure is None or any(each.name == "exception" for each in span.events):
        return span
    event = Event(
        name="exception", time=span.end, attributes={f"exception.{name}": text for name, text in failure.items()}
    )
    return replace(span, events=(*span.events, event))
