"""Grafana Cloud, by OTLP over HTTP in protobuf; the spans are in Tempo.

Grafana prices nothing: the cost is asked for as `span.gen_ai.usage.cost` in TraceQL; `span.openrouter.cost_usd` has
every digit. Written from documentation, checked on a strict stub; not checked on Grafana Cloud itself.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from spancast.contract import Exporter, Probe
from spancast_exporters import _backend, _otlp

__all__ = ["Grafana"]

_WHERE = "It is in Grafana Cloud on the stack's page under OpenTelemetry, Configure."


@dataclass(frozen=True, kw_only=True)
class Grafana(_backend.Backend):
    """Sends spans. `endpoint` is https://otlp-gateway-<zone>.grafana.net/otlp; the token may write traces."""

    endpoint: str = field(metadata={"variables": ("GRAFANA_CLOUD_OTLP_ENDPOINT",), "where": _WHERE})
    instance_id: str = field(metadata={"variables": ("GRAFANA_CLOUD_INSTANCE_ID",), "where": _WHERE})
    token: str = field(
        repr=False,
        metadata={
            "variables": ("GRAFANA_CLOUD_API_KEY", "GRAFANA_CLOUD_API_TOKEN"),
            "where": "It is in Grafana Cloud under Access Policies; it may write traces.",
        },
    )

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        base = self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix("/otlp")
        return _otlp.with_path(f"{base}/otlp")

    def _headers(self) -> Mapping[str, str]:
        return {"authorization": "Basic " + b64encode(f"{self.instance_id}:{self.token}".encode()).decode()}


_: tuple[type[Exporter], type[Probe]] = (Grafana, Grafana)
