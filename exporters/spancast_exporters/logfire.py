"""Pydantic Logfire, by OTLP over HTTP in protobuf.

Logfire shows as a call's cost `operation.cost`, in US dollars (logfire's and pydantic-ai's own instrumentations); it is
a double, and `openrouter.cost_usd` has every digit. Written from public code, checked on a strict stub; not checked on
Logfire itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import (
    Attribute,
    Exporter,
    OtherSender,
    Probe,
    Span,
)
from spancast_exporters import _backend, _facts, _otlp

__all__ = ["Logfire"]


@dataclass(frozen=True, kw_only=True)
class Logfire(_backend.Backend):
    """Sends spans to the project of a write token, in the region that the token names; `endpoint` wins over it.

    `environment` and `release` win over the resource; what a request or the destination says of them wins over both.
    """

    token: str = field(
        repr=False,
        metadata={"variables": ("LOGFIRE_TOKEN",), "where": "It is in Logfire under Project settings, Write tokens."},
    )
    endpoint: str | None = field(default=None, metadata={"variables": ("LOGFIRE_BASE_URL",)})
    environment: str | None = field(default=None, metadata={"variables": ("LOGFIRE_ENVIRONMENT",)})
    release: str | None = field(default=None, metadata={"variables": ("LOGFIRE_SERVICE_VERSION",)})

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        region = "eu" if self.token.startswith("pylf_v1_eu_") else "us"
        base = self.endpoint or f"https://logfire-{region}.pydantic.dev"
        return _otlp.with_path(base.removesuffix(_otlp.PATH))

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        sdk = OtherSender(
            name="Logfire's SDK",
            cure="Set LOGFIRE_SEND_TO_LOGFIRE=false, or leave one of the two out.",
            packages=("logfire",),
            variables={"LOGFIRE_TOKEN": ()},
            unless={"LOGFIRE_SEND_TO_LOGFIRE": ("false", "0", "f")},
        )
        return (sdk, *super().also_sent_by)

    def _headers(self) -> Mapping[str, str]:
        return {"authorization": self.token}

    def _fitted(self, span: Span) -> Span:
        return _facts.with_environment(span, self.environment, self.release)

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        cost = _facts.of(span).cost if _facts.kind(span) in _facts.MODELS else None
        return ({} if cost is None else {"operation.cost": float(cost)}), ()


_: tuple[type[Exporter], type[Probe]] = (Logfire, Logfire)
