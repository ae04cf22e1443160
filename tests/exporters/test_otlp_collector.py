"""Through a real collector: our courier, Rotel, and what Rotel hands on."""

import importlib.util
import socket
import subprocess
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.delivery.courier import Courier
from spancast.delivery.outbox import Outbox
from spancast.destination import Destination
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span
from tests.support.platform import Platform

PATIENCE = 20.0


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


def wait_for(true) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def behind():
    """What stands behind the collector and shows what it handed on."""
    with Platform().open() as platform:
        yield platform


@pytest.fixture
def collector(behind, tmp_path):
    port = free_port()
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": behind.url,
        "--otlp-exporter-protocol": "http",
        "--pid-file": str(tmp_path / "rotel.pid"),
        "--log-file": str(tmp_path / "rotel.log"),
    }
    command = [str(agent()), "start", *(part for option in options.items() for part in option)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def deliver(calls, endpoint: str, home: Path):
    destination = Destination(Otlp(endpoint=endpoint), name="platform")
    with closing(Outbox(home)) as outbox:
        outbox.apply("writer-000001.seg", len(calls), calls)
        with closing(Courier(destination, Otlp(endpoint=endpoint), outbox, to_span, home)) as courier:
            courier.deliver_once(time.monotonic() + PATIENCE)
        (standing,) = outbox.standings()
    return standing


def test_a_real_collector_takes_our_spans_and_hands_on_what_we_sent(collector, behind, tmp_path):
    calls = [a_call(cost=Decimal("0.00042"), resource={"service.name": f"shop-{number}"}) for number in range(20)]
    assert deliver(calls, collector, tmp_path).delivered == 20
    wait_for(lambda: len(behind.taken) == 20)
    assert set(behind.taken) == {call.span_id for call in calls}
    span = behind.received[0].spans()[0]
    found = {pair.key: pair.value for pair in span.attributes}
    assert found["gen_ai.usage.cost"].double_value == 0.00042
    assert found["gen_ai.usage.input_tokens"].int_value == calls[0].input_tokens
    assert found["gen_ai.request.model"].string_value == calls[0].request_model
    assert [value.string_value for value in found["gen_ai.response.finish_reasons"].array_value.values] == ["stop"]
