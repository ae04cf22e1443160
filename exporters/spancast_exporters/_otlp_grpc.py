"""OTLP over gRPC, with a connection of its own (OTLP specification 1.x, OTLP/gRPC). gRPC is imported at the first span.

Constraints: every request has a deadline; nothing of it is traced, nor sent through a proxy to this machine itself; a
forked child opens a connection of its own. Recovery: a connection that is lost is opened anew, and what was under way
is offered again.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spancast.contract import (
    Another,
    Closing,
    Rejected,
    Retry,
    SelfTest,
    Sink,
    Span,
    Split,
    Unauthorized,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _otlp

if TYPE_CHECKING:
    import grpc

PATIENCE = 10.0
"""Seconds for one request, from the connection to the end of the answer (OTel, `OTEL_EXPORTER_OTLP_TIMEOUT`)."""
ROOM = 4_000_000
"""Bytes of one request: servers take 4 MiB unless they are told otherwise (gRPC, `max_receive_message_length`)."""
_ITSELF = ("localhost", "127.0.0.1", "[::1]")
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.primary_user_agent", "spancast"),
    # The courier waits as long as is right; gRPC would go on to refuse what it has not tried for two minutes.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


@dataclass(kw_only=True, eq=False)
class OtlpGrpc:
    """A `Sink`, which may be closed and used again."""

    target: str
    """Where it listens, as gRPC names it: `host:port`, `unix:path`."""
    secure: bool
    """Whether by TLS."""
    certificate: str | None = None
    """The file of those who may sign the server's certificate; `None` is whom gRPC trusts."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each request, by their names in lower case."""
    compressed: bool = True
    """Whether by gzip."""
    _open: "tuple[int, grpc.Channel] | None" = field(default=None, init=False, repr=False)
    """In which process the connection was opened, and it."""
    _inherited: "list[grpc.Channel]" = field(default_factory=list, init=False, repr=False)
    """Connections of the parent, which it still uses: here they are neither used nor closed."""

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there."""
        return (by_opentelemetry(f"http://{self.target}"),)

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Send the spans in one request; ask for fewer where it would be larger than servers take."""
        ids, body = [span.span_id for span in spans], b"".join(span.otlp() for span in spans)
        if len(body) > ROOM and len(ids) > 1:
            return Split(f"larger than {ROOM:,} bytes")
        return self._tried(ids, body)

    def tested(self) -> str | None:
        """Send a request without spans, which a server should answer with success (OTLP specification 1.x)."""
        match self._tried(["test"], b""):
            case Unauthorized(reason):
                return f"{self.target} refuses the credential ({reason}). {_otlp.CREDENTIAL}"
            case Retry(reason) | Split(reason) | Rejected({"test": reason}):
                return f"{self.target} answers {reason}. Does a server of OTLP over gRPC listen there?"
        return None

    def close(self) -> None:
        """Close the connection."""
        mine, self._open = self._open, None
        if mine is not None and mine[0] == os.getpid():
            mine[1].close()

    def _tried(self, ids: Sequence[str], body: bytes) -> Verdict:
        try:
            return self._sent(ids, body)
        except OSError as error:
            return Retry(f"{type(error).__name__}: {os.strerror(error.errno or 0)}")

    def _sent(self, ids: Sequence[str], body: bytes) -> Verdict:
        import grpc  # noqa: PLC0415 - see above
        from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: PLC0415 - see the top
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc  # noqa: PLC0415 - an extra

        from spancast_exporters import _grpc_status  # noqa: PLC0415 - an extra

        request: Any = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        compression = grpc.Compression.Gzip if self.compressed else grpc.Compression.NoCompression
        with suppress_instrumentation():
            stub: Any = trace_service_pb2_grpc.TraceServiceStub(self._channel())  # type: ignore[no-untyped-call]  # generated
            try:
                answer = stub.Export(
                    request, timeout=PATIENCE, metadata=tuple(self.headers.items()), compression=compression
                )
            except grpc.RpcError as error:
                return _grpc_status.verdict(ids, error)
        return _otlp.partly(ids, answer.partial_success.rejected_spans, answer.partial_success.error_message)

    def _channel(self) -> "grpc.Channel":
        if self._open is not None and self._open[0] != os.getpid():
            self._inherited.append(self._open[1])
            self._open = None
        if self._open is None:
            self._open = os.getpid(), self._opened()
        return self._open[1]

    def _opened(self) -> "grpc.Channel":
        import grpc  # noqa: PLC0415 - see above

        itself = self.target.rpartition(":")[0] in _ITSELF
        options = (*_OPTIONS, ("grpc.enable_http_proxy", 0)) if itself else _OPTIONS
        if not self.secure:
            return grpc.insecure_channel(self.target, options)
        trusted = Path(self.certificate).read_bytes() if self.certificate else None
        return grpc.secure_channel(self.target, grpc.ssl_channel_credentials(trusted), options)


_: tuple[type[Sink], type[Closing], type[SelfTest]] = (OtlpGrpc, OtlpGrpc, OtlpGrpc)
