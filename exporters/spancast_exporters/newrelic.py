"""New Relic, by OTLP over HTTP in protobuf.

New Relic prices nothing: the cost is asked for as `gen_ai.usage.cost` in NRQL; `openrouter.cost_usd` has every digit.
Written from documentation, checked on a strict stub; not checked on New Relic itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import (
    Exporter,
    OtherSender,
    Probe,
    Span,
    Traits,
)
from spancast_exporters import _backend, _otlp

__all__ = ["NewRelic"]

_LIMITS = _backend.Limits(text=4095, name=255, values=64)
"""Of attributes of a span, its events and its resource (New Relic, "OpenTelemetry attributes: attribute limits")."""
_REGIONS = {
    "us": "https://otlp.nr-data.net",
    "eu": "https://otlp.eu01.nr-data.net",
    "gov": "https://gov-otlp.nr-data.net",
}


@dataclass(frozen=True, kw_only=True)
class NewRelic(_backend.Backend):
    """Sends spans with what is longer than New Relic takes cut.

    `region` is us, eu or gov, by default the one that the key names; `endpoint` wins over it.
    """

    license_key: str = field(
        repr=False,
        metadata={
            "variables": ("NEW_RELIC_LICENSE_KEY",),
            "where": "It is in New Relic under API keys, type INGEST - LICENSE.",
        },
    )
    region: str | None = None
    endpoint: str | None = None
    traits: Traits = field(default=Traits(max_bytes=1_000_000, resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if self.region is not None and self.region not in _REGIONS:
            raise ValueError(f"region cannot be {self.region!r}. Give one of {', '.join(_REGIONS)}.")
        super().__post_init__()

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        base = self.endpoint or _REGIONS[self.region or self._region_of_key]
        return _otlp.with_path(base.rstrip("/").removesuffix(_otlp.PATH))

    @property
    def _region_of_key(self) -> str:
        """The region that a key begins with, as in `eu01xx` (newrelic 14.1, `default_host`)."""
        named = re.match(r"([a-z]+)[0-9]{2}x", self.license_key)
        return named[1] if named and named[1] in _REGIONS else "us"

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        agent = OtherSender(
            name="New Relic's agent",
            cure="Set NEW_RELIC_AI_MONITORING_ENABLED=false, or leave one of the two out.",
            packages=("newrelic",),
            variables={"NEW_RELIC_AI_MONITORING_ENABLED": ("true", "on", "1")},
        )
        return (agent, *super().also_sent_by)

    def _headers(self) -> Mapping[str, str]:
        return {"api-key": self.license_key}

    def _fitted(self, span: Span) -> Span:
        return _LIMITS.fitted(span)


_: tuple[type[Exporter], type[Probe]] = (NewRelic, NewRelic)
