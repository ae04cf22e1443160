"""Comet Opik, by OTLP over HTTP in protobuf (comet-ml/opik, `GenAIMappingRules`).

Opik takes `gen_ai.usage.cost` for the cost, as text, too: every digit arrives. It makes usage of all else under
`gen_ai.usage.`, and may refuse a text there, so other texts are left out. Written from Opik's source, checked on a
strict stub; not checked on Opik itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import Attribute, Exporter, Probe, Span
from spancast_exporters import _backend, _facts, _json, _otlp

__all__ = ["Opik"]

_OTEL = "/v1/private/otel"
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

    @property
    def url(self) -> str:
        """Where the spans go."""
        base = (self.endpoint or "https://www.comet.com/opik/api").rstrip("/").removesuffix(_otlp.PATH)
        return _otlp.with_path(base.removesuffix(_OTEL) + _OTEL)

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
