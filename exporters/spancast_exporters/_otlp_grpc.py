"""OTLP over gRPC, with a connection of its own (OTLP specification 1.x, OTLP/gRPC). gRPC is imported at the first span.

Constraints: every request has a deadline, and is not traced; requests to this machine go through no proxy; a forked
child opens a connection of its own. Recovery: a lost connection is opened again, and the spans in flight are offered
again.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spancast.contract import (
    Closeable,
    OtherSender,
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

TIMEOUT_SECONDS = 10.0
"""Seconds for one request, from the connection to the end of the answer (OTel, `OTEL_EXPORTER_OTLP_TIMEOUT`)."""
MAX_BODY_BYTES = 4_000_000
"""Bytes of one request: servers take 4 MiB unless they are told otherwise (gRPC, `max_receive_message_length`)."""
_ITSELF = ("localhost", "127.0.0.1", "[::1]")
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.primary_user_agent", "spancast"),
    # The courier does the waiting; with its defaults gRPC would fail requests for two minutes without trying them.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


@dataclass(kw_only=True, eq=False)
class OtlpGrpc:
    """A `Sink`, which may be closed and used again."""

    target: str
    """The server, as in gRPC: `host:port`, `unix:path`."""
    secure: bool
    """Whether to use TLS."""
    certificate: str | None = None
    """A file of trusted CA certificates; `None` for gRPC's own."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each request, by their names in lower case."""
    compressed: bool = True
    """Whether to use gzip."""
    _open: "tuple[int, grpc.Channel] | None" = field(default=None, init=False, repr=False)
    """The process that opened the connection, and the connection."""
    _inherited: "list[grpc.Channel]" = field(default_factory=list, init=False, repr=False)
    """Connections of the parent process, which still uses them: they are neither used nor closed here."""

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        return (by_opentelemetry(f"http://{self.target}"),)

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Send the spans in one request; return `Split` where it would be larger than servers accept."""
        ids, body = [span.span_id for span in spans], b"".join(span.otlp() for span in spans)
        if len(body) > MAX_BODY_BYTES and len(ids) > 1:
            return Split(f"larger than {MAX_BODY_BYTES:,} bytes")
        return self._tried(ids, body)

    def self_test(self) -> str | None:
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
                    request, timeout=TIMEOUT_SECONDS, metadata=tuple(self.headers.items()), compression=compression
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


_: tuple[type[Sink], type[Closeable], type[SelfTest]] = (OtlpGrpc, OtlpGrpc, OtlpGrpc)
