"""Comet Opik, by OTLP over HTTP in protobuf (comet-ml/opik, `GenAIMappingRules`).

Opik takes `gen_ai.usage.cost` for the cost, as text, too: every digit arrives. It makes usage of all else under
`gen_ai.usage.`, and may refuse a text there, so other texts are left out. A span that comes again replaces the first:
Opik makes its ids of ours (`OpenTelemetryMapper`), and its table keeps the newest row of an id. Two of one id in one
request fail it (`OpenTelemetryService`), and so does a request without spans (`SpanService`), so that the test of a
connection asks for the projects instead. Written from Opik's source, checked on a strict stub; not checked on Opik
itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import (
    Another,
    Attribute,
    Encoded,
    Exporter,
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
"""What is asked for to test a connection (Opik, REST API, "Find projects")."""
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
        """Where the spans go."""
        return _otlp.with_path(self._base + _OTEL)

    @property
    def _base(self) -> str:
        """The address of Opik's API, of which people also give the part for spans."""
        base = (self.endpoint or "https://www.comet.com/opik/api").rstrip("/")
        return base.removesuffix(_otlp.PATH).removesuffix(_OTEL)

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there."""
        sdk = Another(
            who="Opik's SDK",
            cure="Set OPIK_TRACK_DISABLE=true, or leave one of the two out.",
            packages=("opik",),
            variables={"OPIK_API_KEY": ()},
            unless={"OPIK_TRACK_DISABLE": ("true", "1")},
        )
        return (sdk, *super().also_sent_by)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return requests of a size that Opik takes; of several spans with one id the last."""
        return super().encode([*{(span.trace_id, span.span_id): span for span in spans}.values()], at)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that asks for a project of the workspace."""
        return Request(url=self._base + _PROJECTS, body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        wrong = super().diagnose(reply)
        if wrong is not None or b'"content"' in reply.body:
            return wrong
        return f"{self._base} is no Opik. See OPIK_URL_OVERRIDE."

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
        said = {**span.metadata, "user": span.user, "environment": span.environment, "release": span.release}
        known = _json.bounded({name: value for name, value in said.items() if value})
        add: dict[str, Attribute | None] = {
            _COST: None if cost is None else format(cost, "f"),
            "thread_id": span.session and _json.text(span.session),
            "opik.tags": _backend.tags(span) or None,
            "opik.metadata": _json.encoded(known).decode() if known else None,
        }
        drop = [name for name in drop if add.get(name) is None]
        return {name: value for name, value in add.items() if value is not None}, [*drop, *_otlp.labels(span)]


_: tuple[type[Exporter], type[Probe]] = (Opik, Opik)
