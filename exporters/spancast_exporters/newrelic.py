"""New Relic, by OTLP over HTTP in protobuf.

New Relic prices nothing: the cost is asked for as `gen_ai.usage.cost` in NRQL; `openrouter.cost_usd` has every digit.
Written from documentation, checked on a strict stub; not checked on New Relic itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import Attribute, Exporter, Probe, Span, Traits
from spancast_exporters import _backend, _otlp

__all__ = ["NewRelic"]

_LONGEST, _LONGEST_NAME, _LONGEST_LIST = 4095, 255, 64
"""Characters of a text and of an attribute's name, and values of a list (New Relic, "OTLP attribute limits")."""
_REGIONS = {
    "us": "https://otlp.nr-data.net",
    "eu": "https://otlp.eu01.nr-data.net",
    "gov": "https://gov-otlp.nr-data.net",
}


@dataclass(frozen=True, kw_only=True)
class NewRelic(_backend.Backend):
    """Sends spans with what is longer than New Relic takes cut. `region` is us, eu or gov; `endpoint` wins over it."""

    license_key: str = field(
        repr=False,
        metadata={
            "variables": ("NEW_RELIC_LICENSE_KEY",),
            "where": "It is in New Relic under API keys, type INGEST - LICENSE.",
        },
    )
    region: str = "us"
    endpoint: str | None = None
    traits: Traits = field(default=Traits(max_bytes=1_000_000, resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.region not in _REGIONS:
            raise ValueError(f"region cannot be {self.region!r}. Give one of {', '.join(_REGIONS)}.")
        super().__post_init__()

    @property
    def url(self) -> str:
        """Where the spans go."""
        return _otlp.with_path((self.endpoint or _REGIONS[self.region]).removesuffix(_otlp.PATH))

    def _headers(self) -> Mapping[str, str]:
        return {"api-key": self.license_key}

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        stated = {**span.attributes, **span.content}
        dropped = [name for name in stated if len(name) > _LONGEST_NAME]
        cut = {name: text for name, text in _backend.shortened(stated, _LONGEST).items() if name not in dropped}
        lists: dict[str, Attribute] = {
            name: value[:_LONGEST_LIST]
            for name, value in stated.items()
            if isinstance(value, list | tuple) and len(value) > _LONGEST_LIST and name not in dropped
        }
        return cut | lists, dropped


_: tuple[type[Exporter], type[Probe]] = (NewRelic, NewRelic)
