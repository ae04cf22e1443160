"""Any OpenTelemetry collector or backend, by OTLP over HTTP in protobuf (OTLP specification 1.x, OTLP/HTTP)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from spancast.contract import Encoded, Reply, Span, Traits, Verdict
from spancast_exporters import _otlp

__all__ = ["Otlp"]


def _variables(name: str) -> dict[str, tuple[str, ...]]:
    """Return the variables that everybody already sets; the one for traces wins (OTel, OTLP exporter configuration)."""
    return {"variables": (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")}


@dataclass(frozen=True, kw_only=True)
class Otlp:
    """Sends spans as they are.

    `endpoint` is used as it is when it has a path, and else gets `/v1/traces`. Without it `traces_endpoint` is used as
    it is, or `base_endpoint` with `/v1/traces`. `headers` are a mapping, or text such as `api-key=x,other=y`.
    """

    endpoint: str | None = None
    traces_endpoint: str | None = field(default=None, metadata={"variables": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",)})
    base_endpoint: str = field(
        default="http://localhost:4318", metadata={"variables": ("OTEL_EXPORTER_OTLP_ENDPOINT",)}
    )
    headers: Mapping[str, str] | str = field(default="", repr=False, metadata=_variables("HEADERS"))
    compression: str = field(default="gzip", metadata=_variables("COMPRESSION"))
    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"{self.url!r} is no URL. Give one such as http://localhost:4318.")
        if self.compression not in ("gzip", "none"):
            raise ValueError(f'compression cannot be {self.compression!r}. Give "gzip" or "none".')
        _otlp.pairs(self.headers)

    @property
    def url(self) -> str:
        """Where the spans go."""
        if self.endpoint is not None:
            return self.endpoint if urlsplit(self.endpoint).path.strip("/") else _otlp.with_path(self.endpoint)
        return self.traces_endpoint or _otlp.with_path(self.base_endpoint)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP tells no such time
        """Return one request for all of them."""
        ids, parts = [span.span_id for span in spans], [span.otlp() for span in spans]
        return [_otlp.post(self.url, _otlp.pairs(self.headers), ids, parts, compressed=self.compression == "gzip")]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says, and believe no success that says something else."""
        return _otlp.judge_worded(encoded, reply)
