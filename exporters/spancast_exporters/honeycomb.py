"""Honeycomb, by OTLP over HTTP in protobuf: every attribute is a column, `service.name` the dataset.

Honeycomb prices nothing: the cost is the column `gen_ai.usage.cost`, in US dollars, to be summed; `openrouter.cost_usd`
has every digit. Written from documentation, checked on a strict stub; not checked on Honeycomb itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spancast.contract import Exporter, Probe, Span
from spancast_exporters import _backend, _otlp

__all__ = ["Honeycomb"]

_LIMITS = _backend.Limits(text=16_000)
"""So few, that a text stays below the 64 KB of a field in UTF-8, whatever it says."""


@dataclass(frozen=True, kw_only=True)
class Honeycomb(_backend.Backend):
    """Sends spans. `endpoint` is https://api.eu1.honeycomb.io in Europe; only Classic keys need `dataset`."""

    api_key: str = field(
        repr=False,
        metadata={
            "variables": ("HONEYCOMB_API_KEY",),
            "where": "It is in Honeycomb under Environment settings, API Keys.",
        },
    )
    endpoint: str = field(
        default="https://api.honeycomb.io",
        metadata={"variables": ("HONEYCOMB_TRACES_ENDPOINT", "HONEYCOMB_API_ENDPOINT")},
    )
    dataset: str | None = field(default=None, metadata={"variables": ("HONEYCOMB_DATASET",)})

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return _otlp.with_path(self.endpoint.rstrip("/").removesuffix(_otlp.PATH))

    def _headers(self) -> Mapping[str, str]:
        return {"x-honeycomb-team": self.api_key, **({"x-honeycomb-dataset": self.dataset} if self.dataset else {})}

    def _fitted(self, span: Span) -> Span:
        return _LIMITS.fitted(span)


_: tuple[type[Exporter], type[Probe]] = (Honeycomb, Honeycomb)
