"""Comet Opik, by OTLP over HTTP in protobuf (comet-ml/opik, `GenAIMappingRules`).

Opik reads the cost from `gen_ai.usage.cost`, also as text, so that every digit arrives. It reads all other attributes
under `gen_ai.usage.` as usage, and may refuse a text there, so other texts are left out. A span sent again replaces the
first: Opik derives its ids from ours (`OpenTelemetryMapper`), and its table keeps the newest row of an id. A request
with two spans of one id fails (`OpenTelemetryService`), and so does one without spans (`SpanService`), so that the
connection test requests the projects instead. Written from Opik's source, checked on a strict stub; not checked on Opik
itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import (
    Attribute,
    Encoded,
    Exporter,
    OtherSender,
    Probe,
    Reply,
    Request,
    Span,
    Traits,
)
from spancast_exporters import _backend, _facts, _json, _otlp

__all__ = ["Opik"]

_OTEL = "/v1/private/otel"
_PROJECTS = "/v1/private/projects?page=1&size=1"
"""The request that tests a connection (Opik, REST API, "Find projects")."""
_COST = f"{_facts.USAGE}cost"


@dataclass(frozen=True, kw_only=True)
class Opik(_backend.Backend):
    """Sends spans to a project. `endpoint` is Opik's API, http://HOST:5173/api of one's own, which needs no key."""

    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "variables": ("OPIK_API_KEY",),
            "where": "It is in Comet under Account settings, API Keys.",
            "unless": ("endpoint",),
        },
    )
    workspace: str | None = field(default=None, metadata={"variables": ("OPIK_WORKSPACE",)})
    project: str | None = field(default=None, metadata={"variables": ("OPIK_PROJECT_NAME",)})
    endpoint: str | None = field(default=None, metadata={"variables": ("OPIK_URL_OVERRIDE",)})

    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return _otlp.with_path(self._base + _OTEL)

    @property
    def _base(self) -> str:
        """The base URL of Opik's API; `endpoint` may include the path for spans."""
        base = (self.endpoint or "https://www.comet.com/opik/api").rstrip("/")
        return base.removesuffix(_otlp.PATH).removesuffix(_OTEL)

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        sdk = OtherSender(
            name="Opik's SDK",
            cure="Set OPIK_TRACK_DISABLE=true, or leave one of the two out.",
            packages=("opik",),
            variables={"OPIK_API_KEY": ()},
            unless={"OPIK_TRACK_DISABLE": ("true", "1")},
        )
        return (sdk, *super().also_sent_by)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return requests within Opik's limits; of several spans with one id, only the last."""
        return super().encode([*{(span.trace_id, span.span_id): span for span in spans}.values()], at)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request for a project of the workspace."""
        return Request(url=self._base + _PROJECTS, body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        wrong = super().diagnose(reply)
        if wrong is not None or b'"content"' in reply.body:
            return wrong
        return f"The answer of {self._base} is not one of Opik. Check OPIK_URL_OVERRIDE."

    def _headers(self) -> Mapping[str, str]:
        stated = {"authorization": self.api_key, "comet-workspace": self.workspace, "projectname": self.project}
        return {name: value for name, value in stated.items() if value}

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        drop = [
            key for key, value in span.attributes.items() if key.startswith(_facts.USAGE) and isinstance(value, str)
        ]
        cost = _facts.of(span).cost if _facts.kind(span) in _facts.MODELS else None
        if span.generation is not None and cost is None:
            drop.append(_COST)
        metadata = {**span.metadata, "user": span.user, "environment": span.environment, "release": span.release}
        known = _json.bounded({name: value for name, value in metadata.items() if value})
        add: dict[str, Attribute | None] = {
            _COST: None if cost is None else format(cost, "f"),
            "thread_id": span.session and _json.text(span.session),
            "opik.tags": _backend.tags(span) or None,
            "opik.metadata": _json.dumps(known) if known else None,
        }
        drop = [name for name in drop if add.get(name) is None]
        return {name: value for name, value in add.items() if value is not None}, [*drop, *_otlp.labels(span)]


_: tuple[type[Exporter], type[Probe]] = (Opik, Opik)
