"""Any OpenTelemetry collector or backend, by OTLP (OTLP specification 1.x): over HTTP, in protobuf or JSON, or gRPC.

Over HTTP and gRPC it is checked on Rotel, which is a collector, and on strict stubs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from urllib.parse import urlsplit

from spancast.contract import (
    Encoded,
    Exporter,
    ExporterChoice,
    OtherSender,
    Probe,
    Reply,
    Request,
    Sink,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _options, _otlp, _otlp_json
from spancast_exporters._otlp_grpc import OtlpGrpc

__all__ = ["Otlp"]

_PROTOCOLS = {
    "http/protobuf": "http://localhost:4318",
    "http/json": "http://localhost:4318",
    "grpc": "http://localhost:4317",
}
"""How it is spoken, and where a collector listens that speaks it (OTel, OTLP exporter configuration)."""


def _variables(name: str) -> dict[str, tuple[str, ...]]:
    """Return the variables that everybody already sets; the one for traces wins (OTel, OTLP exporter configuration)."""
    return {"variables": (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")}


@dataclass(frozen=True, kw_only=True)
class Otlp:
    """Sends spans as they are.

    `protocol` is http/protobuf, http/json or grpc, which needs the extra `grpc`. Over HTTP `endpoint` is used as it is
    when it has a path, and else gets `/v1/traces`; without it `traces_endpoint` is used as it is, or `base_endpoint`
    with `/v1/traces`. Over gRPC host and port of the first of them are used, by TLS where it begins with https, or with
    no scheme unless `insecure`; `certificate` is the file of those who may sign the server's. `headers` are a mapping,
    or text such as `api-key=x,other=y`.
    """

    endpoint: str | None = None
    traces_endpoint: str | None = field(default=None, metadata={"variables": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",)})
    base_endpoint: str | None = field(default=None, metadata={"variables": ("OTEL_EXPORTER_OTLP_ENDPOINT",)})
    protocol: str = field(default="http/protobuf", metadata=_variables("PROTOCOL"))
    headers: Mapping[str, str] | str = field(default="", repr=False, metadata=_variables("HEADERS"))
    compression: str = field(default="gzip", metadata=_variables("COMPRESSION"))
    insecure: bool | str = field(default=False, metadata={**_variables("INSECURE"), "flag": True})
    certificate: str | None = field(default=None, metadata=_variables("CERTIFICATE"))
    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if self.protocol not in _PROTOCOLS:
            raise ValueError(f"protocol cannot be {self.protocol!r}. Give one of {', '.join(_PROTOCOLS)}.")
        if self.protocol == "grpc" and (find_spec("grpc") is None or find_spec("google.rpc") is None):
            raise ValueError("protocol grpc needs gRPC. Install spancast[grpc], or give protocol http/protobuf.")
        if self.protocol == "grpc":
            _options.refuse_user(self.url)
        else:
            _options.check_endpoint(self.url, "http://localhost:4318")
        if self.compression not in ("gzip", "none"):
            raise ValueError(f'compression cannot be {self.compression!r}. Give "gzip" or "none".')
        _options.check_headers(_otlp.parse_headers(self.headers))

    @property
    def url(self) -> str:
        """The URL that spans are sent to over HTTP."""
        if self.endpoint is not None:
            return self.endpoint if urlsplit(self.endpoint).path.strip("/") else _otlp.with_path(self.endpoint)
        return self.traces_endpoint or _otlp.with_path(self.base_endpoint or _PROTOCOLS[self.protocol])

    def build(self) -> Exporter | Sink:
        """Return what speaks the protocol."""
        if self.protocol != "grpc":
            return self
        stated = self.endpoint or self.traces_endpoint or self.base_endpoint or _PROTOCOLS["grpc"]
        parts = urlsplit(stated)
        has_scheme = parts.scheme in ("http", "https")
        return OtlpGrpc(
            target=parts.netloc if has_scheme else stated,
            secure=parts.scheme == "https" if has_scheme else not self._is_insecure,
            certificate=self.certificate,
            headers=_otlp.parse_headers(self.headers),
            compressed=self.compression == "gzip",
        )

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        return (by_opentelemetry(self.url),)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP has no such time
        """Return one request for all of them."""
        ids, parts = [span.span_id for span in spans], [span.otlp() for span in spans]
        compressed, headers = self.compression == "gzip", _otlp.parse_headers(self.headers)
        if self.protocol == "http/json":
            body = _otlp_json.request([*map(_otlp_json.resource_spans, parts)])
            return [_otlp.post(self.url, headers, ids, [body], compressed=compressed, kind="application/json")]
        return [_otlp.post(self.url, headers, ids, parts, compressed=compressed)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; a success needs an OTLP answer."""
        return _otlp.judge_with_reason(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return a request without spans, which a server should answer with success (OTLP specification 1.x)."""
        headers = _otlp.parse_headers(self.headers)
        if self.protocol == "http/json":
            body = [_otlp_json.request([])]
            return _otlp.post(self.url, headers, (), body, compressed=False, kind="application/json").request
        return _otlp.post(self.url, headers, (), (), compressed=False).request

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        return _otlp.diagnose(reply, self.url)

    @property
    def _is_insecure(self) -> bool:
        """Variables say it in words, of which only one is yes (OTel, "Boolean value")."""
        return self.insecure if isinstance(self.insecure, bool) else self.insecure.lower() == "true"


_: tuple[type[Exporter], type[ExporterChoice], type[Probe]] = (Otlp, Otlp, Otlp)
