"""Through a real collector: our courier, Rotel, and what Rotel hands on."""

import importlib.util
import socket
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.delivered import deliver
from tests.support.grpc_scenes import TRACE, played
from tests.support.platform import Platform
from tests.support.spans import AT, SECOND, WORDS, of_call
from tests.support.waiting import eventually


def agent() -> Path | None:
    spec = importlib.util.find_spec("rotel")
    binary = Path(spec.origin).with_name("rotel-agent") if spec and spec.origin else None
    return binary if binary and binary.is_file() else None


pytestmark = pytest.mark.skipif(
    agent() is None, reason="The wheel of rotel has no binary for this platform: no real collector is checked."
)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def behind():
    """What stands behind the collector and shows what it handed on."""
    with Platform().open() as platform:
        yield platform


@dataclass
class Collector:
    http: str
    grpc: str


@pytest.fixture
def collector(behind, tmp_path):
    port, grpc_port = free_port(), free_port()
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc_port}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": behind.url,
        "--otlp-exporter-protocol": "http",
        "--pid-file": str(tmp_path / "rotel.pid"),
        "--log-file": str(tmp_path / "rotel.log"),
    }
    command = [str(agent()), "start", *(part for option in options.items() for part in option)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: listens(port) and listens(grpc_port))
            yield Collector(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{grpc_port}")
        finally:
            process.terminate()


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_real_collector_takes_our_spans_and_hands_on_what_we_sent(collector, behind, tmp_path, protocol, compression):
    spans = [of_call(WORDS, span_id=f"{number + 1:016x}") for number in range(20)]
    how = {"endpoint": collector.http, "protocol": protocol, "compression": compression}
    assert deliver(tmp_path, spans, "otlp", **how).delivered == 20
    eventually(lambda: len(behind.taken) == 20)
    assert set(behind.taken) == {span.span_id for span in spans}
    is_what_we_sent(behind.received[0].spans()[0])


@pytest.mark.slow
def test_a_real_collector_takes_them_by_grpc(collector, behind, tmp_path):
    assert played(collector.grpc, home=tmp_path)["delivered"] == 4
    eventually(lambda: len(behind.taken) == 4)
    assert set(behind.taken) == set(TRACE)
    spans = [span for received in behind.received for span in received.spans()]
    is_what_we_sent(next(span for span in spans if span.span_id.hex() == "b7ad6b7169203331"))


def is_what_we_sent(span):
    found = {pair.key: pair.value for pair in span.attributes}
    assert span.kind == 3
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (AT, AT + 2 * SECOND)
    assert found["openrouter.cost_usd"].string_value == "0.000106000000000001"
    assert found["gen_ai.usage.cost"].double_value == 0.000106000000000001
    assert found["gen_ai.usage.input_tokens"].int_value == 1200
    assert found["gen_ai.request.model"].string_value == "openai/gpt-5-mini"
    assert "Paris" in found["gen_ai.input.messages"].string_value
    reasons = found["gen_ai.response.finish_reasons"].array_value.values
    assert [value.string_value for value in reasons] == ["tool_calls"]
