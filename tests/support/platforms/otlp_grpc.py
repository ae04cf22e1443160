"""Spans over gRPC, in an environment that has it. It prints what became of them as JSON.

python otlp_grpc.py HOME ENDPOINT         brings a trace to a collector, through the courier
python otlp_grpc.py "" asked [SAID, ...]  writes to a server that says each of them
python otlp_grpc.py "" SCENE              plays one of the scenes below
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    TraceServiceStub,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spancast.contract import Delivered, Rejected, Retry, Split, Unauthorized, Verdict
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast_exporters._otlp_grpc import OtlpGrpc
from tests.support.delivered import deliver
from tests.support.spans import a_trace, of_application

KEY = "k-0123456789abcdef"


@dataclass
class Said:
    """What a server says: a status and its words, how long to wait, what it does not take."""

    code: str = "OK"
    words: str = ""
    wait: float | None = None
    rejected: int = 0
    when: threading.Event | None = None
    """Nothing is said before that."""


@dataclass
class Server(TraceServiceServicer):
    said: Said
    seen: list[dict[str, Any]] = field(default_factory=list)

    def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:  # noqa: N802 - gRPC's
        spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
        self.seen.append(
            {"metadata": dict(context.invocation_metadata()), "spans": [span.span_id.hex() for span in spans]}
        )
        self.seen[-1]["left"] = context.time_remaining()
        if self.said.when is not None:
            self.said.when.wait()
        if self.said.code != "OK":
            self._refuse(context)
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = self.said.rejected
        answer.partial_success.error_message = self.said.words
        return answer

    def _refuse(self, context: Any) -> None:
        code = grpc.StatusCode[self.said.code]
        if self.said.wait is not None:
            info = RetryInfo(retry_delay=Duration(seconds=int(self.said.wait), nanos=int(self.said.wait % 1 * 1e9)))
            packed = Packed()
            packed.Pack(info)
            status = Status(code=code.value[0], message=self.said.words, details=[packed])
            context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(code, self.said.words)


@contextmanager
def serving(said: Said) -> Iterator[tuple[Server, str]]:
    server, servicer = grpc.server(futures.ThreadPoolExecutor(2)), Server(said)
    add_TraceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield servicer, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def sink(endpoint: str) -> OtlpGrpc:
    made = discover.exporter(Destination("otlp", protocol="grpc", endpoint=endpoint, headers={"Api-Key": KEY}))
    assert isinstance(made, OtlpGrpc)
    return made


def as_json(verdict: Verdict) -> list[Any]:
    match verdict:
        case Delivered():
            return ["delivered"]
        case Rejected(reasons):
            return ["rejected", *sorted(set(reasons.values())), len(reasons)]
        case Retry(reason, after):
            return ["retry", reason, after]
        case Split(reason):
            return ["split", reason]
        case Unauthorized(reason):
            return ["unauthorized", reason]


def asked(stated: str) -> list[dict[str, Any]]:
    """Return what a sink makes of each thing that a server says, and what the server saw."""
    found = []
    for each in json.loads(stated):
        with serving(Said(**each)) as (servicer, endpoint):
            made = sink(endpoint)
            found.append({"verdict": as_json(made.write(a_trace())), "seen": servicer.seen, "repr": repr(made)})
            made.close()
    return found


def probed(stated: str) -> list[Any]:
    """Return what a test tells of each thing that a server says, and the spans that the server saw; then of nobody."""
    found: list[Any] = []
    for each in json.loads(stated):
        with serving(Said(**each)) as (servicer, endpoint):
            made = sink(endpoint)
            told = made.self_test()
            found.append([told and told.replace(made.target, "HOST"), [seen["spans"] for seen in servicer.seen]])
            made.close()
    return [*found, (sink(endpoint).self_test() or "").replace(endpoint.removeprefix("http://"), "HOST")]


def gone_and_back() -> dict[str, Any]:
    """Write to nobody, then to a server that has come up there, then again after a close, each by one sink."""
    with serving(Said()) as (_, endpoint):
        made = sink(endpoint)
    before = as_json(made.write(a_trace()))
    server, servicer = grpc.server(futures.ThreadPoolExecutor(2)), Server(Said())
    add_TraceServiceServicer_to_server(servicer, server)
    server.add_insecure_port(endpoint.removeprefix("http://"))
    server.start()
    after = []
    while after != ["delivered"]:
        after = as_json(made.write(a_trace()))
    made.close()
    again = as_json(made.write(a_trace()))
    made.close()
    server.stop(None).wait()
    return {"before": before, "after": after, "again": again, "seen": len(servicer.seen)}


def silent() -> dict[str, Any]:
    """Write to a server that says nothing, and tell for how long the sink listened."""
    ended = threading.Event()
    with serving(Said(when=ended)) as (_, endpoint):
        made = sink(endpoint)
        began = time.monotonic()
        verdict = as_json(made.write(a_trace()))
        listened = time.monotonic() - began
        ended.set()
        made.close()
    return {"verdict": verdict, "listened": listened}


def traced() -> dict[str, int]:
    """Return how many spans an instrumentation of gRPC makes of our request, and of one of the application's."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    GrpcInstrumentorClient().instrument()
    with serving(Said()) as (_, endpoint):
        made = sink(endpoint)
        made.write(a_trace())
        made.close()
        ours = len(kept.get_finished_spans())
        with grpc.insecure_channel(endpoint.removeprefix("http://")) as theirs:
            TraceServiceStub(theirs).Export(ExportTraceServiceRequest(), timeout=5)
    return {"ours": ours, "theirs": len(kept.get_finished_spans()) - ours}


def by_tls(key: str, chain: str, authority: str) -> dict[str, Any]:
    """Write to a server whose certificate this authority has signed, and without knowing the authority."""
    server, servicer = grpc.server(futures.ThreadPoolExecutor(2)), Server(Said())
    add_TraceServiceServicer_to_server(servicer, server)
    pair = (Path(key).read_bytes(), Path(chain).read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    found = {}
    for name, certificate in {"trusted": authority, "unknown": None, "missing": "/nowhere.pem"}.items():
        options = {"endpoint": f"https://127.0.0.1:{port}", "certificate": certificate}
        made = discover.exporter(Destination("otlp", protocol="grpc", **options))
        assert isinstance(made, OtlpGrpc)
        found[name] = as_json(made.write(a_trace()))
        made.close()
    server.stop(None).wait()
    return found


def large() -> dict[str, Any]:
    """Write more than one request holds, and one span alone that no server takes."""
    one = of_application("large", attributes={"words": "w" * 3_000_000})
    found = {}
    with serving(Said()) as (servicer, endpoint):
        made = sink(endpoint)
        found["two"] = as_json(made.write([one, one]))
        found["huge"] = as_json(made.write([of_application("huge", attributes={"words": "w" * 5_000_000})]))
        found["one"] = as_json(made.write([one]))
        made.close()
    return {**found, "seen": len(servicer.seen)}


def forked() -> dict[str, Any]:
    """Write, fork, write in the child and in the parent, each over a connection of its own."""
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, __file__, "", "serve"], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as to:
        made = sink(to.stdout.readline().decode().strip())
        first = as_json(made.write(a_trace()))
        if os.fork() == 0:
            os.write(writing, json.dumps(as_json(made.write(a_trace()))).encode())
            os._exit(0)
        child = json.loads(os.read(reading, 1000))
        parent = as_json(made.write(a_trace()))
        made.close()
        to.stdin.close()
    return {"first": first, "child": child, "parent": parent}


def delivered(home: Path, endpoint: str) -> dict[str, Any]:
    """Bring a trace there, through the courier."""
    standing = deliver(home, a_trace(), "otlp", protocol="grpc", endpoint=endpoint)
    return {"delivered": standing.delivered, "state": standing.state}


def quoted(home: Path) -> dict[str, Any]:
    """Bring a trace to a server that quotes the key that it refuses."""
    with serving(Said("UNAUTHENTICATED", f"bad key {KEY}")) as (_, endpoint):
        standing = deliver(home, a_trace(), "otlp", protocol="grpc", endpoint=endpoint, headers={"x-team": KEY})
    return {"state": standing.state, "reason": standing.reason, "waiting": standing.waiting}


def serve() -> None:
    """Serve until standard input ends."""
    with serving(Said()) as (_, endpoint):
        sys.stdout.write(f"{endpoint}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    home, wanted = Path(sys.argv[1]), sys.argv[2]
    scenes = {
        "asked": asked,
        "probed": probed,
        "gone and back": gone_and_back,
        "silent": silent,
        "traced": traced,
        "tls": by_tls,
        "large": large,
        "forked": forked,
        "quoted": lambda: quoted(home),
    }
    if wanted == "serve":
        serve()
    else:
        play = scenes.get(wanted, lambda: delivered(home, wanted))
        sys.stdout.write(json.dumps(play(*sys.argv[3:])))
