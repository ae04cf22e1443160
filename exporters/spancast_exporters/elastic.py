"""Elastic Observability, by OTLP over HTTP in protobuf.

To Elastic Cloud's managed OTLP endpoint (Elastic, "Managed OTLP Endpoint"; OpenRouter, "Elastic Observability"), to an
APM Server or to Elasticsearch's own endpoint. Elastic keeps every attribute under its own name and prices nothing: the
cost is asked for as `attributes.gen_ai.usage.cost`, in US dollars, to be summed; `openrouter.cost_usd` has every digit.
Written from documentation, checked on a strict stub; not checked on Elastic itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spancast.contract import Attribute, Exporter, Probe, Span, Traits
from spancast_exporters import _backend, _facts, _otlp

__all__ = ["Elastic"]

_ROOM = 4_000_000
"""Bytes of one request, before compression: Elastic's endpoint refuses 4 MiB over gRPC (elastic/elastic-agent, #12990).
"""
_LIMITS = _backend.Limits(text=240_000)
"""With four such texts, whatever they say, a span is no larger than that."""
_VERSION, _SCHEME = "/v1", "ApiKey "


@dataclass(frozen=True, kw_only=True)
class Elastic(_backend.Backend):
    """Sends spans. `endpoint` is what Kibana shows for OpenTelemetry, https://PROJECT.ingest.REGION.elastic.cloud.

    It may be the address of an APM Server, too, which also takes a `secret_token`, or https://ELASTICSEARCH/_otlp.
    `environment` and `release` win over the resource; what a request or the destination says of them wins over both.
    """

    endpoint: str = field(
        metadata={
            "variables": ("ELASTIC_OTLP_ENDPOINT", "ELASTIC_APM_SERVER_URL", "ELASTIC_APM_SERVER_ENDPOINT"),
            "where": "It is in Kibana under Add data, Application, OpenTelemetry.",
        }
    )
    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "variables": ("ELASTIC_API_KEY", "ELASTIC_APM_API_KEY"),
            "where": "It is in Kibana under Stack Management, API keys; it is the encoded one.",
            "unless": ("secret_token",),
        },
    )
    secret_token: str | None = field(default=None, repr=False, metadata={"variables": ("ELASTIC_APM_SECRET_TOKEN",)})
    environment: str | None = field(default=None, metadata={"variables": ("ELASTIC_APM_ENVIRONMENT",)})
    release: str | None = field(default=None, metadata={"variables": ("ELASTIC_APM_SERVICE_VERSION",)})
    traits: Traits = field(default=Traits(max_bytes=_ROOM, resend="duplicates"), init=False)

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        base = self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix(_VERSION)
        return _otlp.with_path(base)

    def _headers(self) -> Mapping[str, str]:
        if self.api_key is None:
            return {"authorization": f"Bearer {self.secret_token}"}
        return {"authorization": f"{_SCHEME}{self.api_key.removeprefix(_SCHEME)}"}

    def _fitted(self, span: Span) -> Span:
        return _LIMITS.fitted(_facts.with_environment(span, self.environment, self.release))

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        return {name: value for name, value in _facts.user_and_session(span).items() if value is not None}, ()


_: tuple[type[Exporter], type[Probe]] = (Elastic, Elastic)
