"""Arize AX, by OTLP over HTTP in protobuf with OpenInference's attributes (arize-otel 0.14.1).

Where a span says `llm.cost.total` Arize AX keeps it, and looks up no price (Arize AX, "How cost tracking works"); the
cost of which nothing is known is left out, and Arize AX then infers one. What it makes of a span that arrives twice is
not known, so one whose answer was lost is not sent again. Written from documentation and from Arize's own library,
checked on a strict stub; not checked on Arize AX itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spancast.contract import Exporter, Probe, Span
from spancast_exporters import _openinference, _otlp

__all__ = ["Arize"]

_DEFAULT = "default"
"""The project of spans that name none: Arize AX takes no span without one."""
_WHERE = "It is in Arize AX under Settings, API Keys."


@dataclass(frozen=True, kw_only=True)
class Arize(_openinference.Reader):
    """Sends spans to a project of a space. `endpoint` is https://otlp.eu-west-1a.arize.com in Europe."""

    api_key: str = field(repr=False, metadata={"variables": ("ARIZE_API_KEY",), "where": _WHERE})
    space_id: str = field(metadata={"variables": ("ARIZE_SPACE_ID",), "where": _WHERE})
    endpoint: str = field(default="https://otlp.arize.com", metadata={"variables": ("ARIZE_COLLECTOR_ENDPOINT",)})
    project: str | None = field(default=None, metadata={"variables": ("ARIZE_PROJECT_NAME",)})

    @property
    def url(self) -> str:
        """The URL that spans are sent to. Arize's own library takes an address that ends in /v1."""
        return _otlp.with_path(self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix("/v1"))

    def _headers(self) -> Mapping[str, str]:
        """Return what Arize's own library sends, under the old names too."""
        return {
            "authorization": self.api_key,
            "api_key": self.api_key,
            "arize-space-id": self.space_id,
            "space_id": self.space_id,
            "arize-interface": "otel",
        }

    def _fitted(self, span: Span) -> Span:
        fitted = super()._fitted(span)
        if fitted.resource.get(_openinference.PROJECT):
            return fitted
        return replace(fitted, resource={**fitted.resource, _openinference.PROJECT: _DEFAULT})


_: tuple[type[Exporter], type[Probe]] = (Arize, Arize)
