"""Through Datadog's own test agent: what it stores is a payload as its SDK makes them."""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from spancast.contract import Reply
from spancast_exporters.datadog import Datadog
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.platforms.datadog import check
from tests.support.programs import spancast
from tests.support.servers import answers
from tests.support.spans import a_trace
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

PATIENCE = 60.0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    binary = python_with("receivers/datadog", "ddapm-test-agent==1.69.1", alone=True).with_name("ddapm-test-agent")
    port = free_port()
    options = {
        "--port": port,
        "--otlp-http-port": free_port(),
        "--otlp-grpc-port": free_port(),
        "--snapshot-dir": tmp_path / "snapshots",
    }
    command = [binary, "--disable-llmobs-data-forwarding", *(part for option in options.items() for part in option)]
    with subprocess.Popen(
        [str(part) for part in command], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/info"), PATIENCE, by=process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def stored(agent: str) -> list[dict[str, Any]]:
    """Return the payloads that the agent has, as they came."""
    requests = httpx2.get(f"{agent}/test/session/requests", trust_env=False).json()
    bodies = [base64.b64decode(request["body"]) for request in requests if "llmobs" in request["url"]]
    return [event for body in bodies for event in json.loads(body, parse_float=Decimal)]


def test_datadogs_own_agent_takes_a_trace_and_has_every_dollar_and_token(agent: str, tmp_path: Path) -> None:
    standing = deliver(tmp_path, a_trace(), "datadog", agent_url=agent)
    payloads = stored(agent)
    assert standing.delivered == 4
    check(payloads)
    spans = {span["span_id"]: span for payload in payloads for span in payload["spans"]}
    assert list(spans) == [str(int(span.span_id, 16)) for span in a_trace()]
    chat = spans[str(int(a_trace()[1].span_id, 16))]
    assert chat["metrics"]["total_cost"] == Decimal("0.000106000000000001")
    assert chat["metrics"]["reasoning_output_tokens"] == 30
    assert chat["meta"]["output"]["messages"][1]["tool_calls"][0]["arguments"] == {"city": "Paris"}


def test_the_agent_takes_the_probe_and_keeps_nothing_of_it(agent: str) -> None:
    exporter = Datadog(agent_url=agent)
    probe = exporter.probe(datetime.now(UTC))
    answer = httpx2.post(probe.url, content=probe.body, headers=dict(probe.headers), trust_env=False)
    assert exporter.diagnose(Reply(answer.status_code, dict(answer.headers), answer.content)) is None
    assert stored(agent) == []


def test_check_says_that_all_is_well_with_the_agent(agent: str, tmp_path: Path) -> None:
    named = {"SPANCAST_HOME": str(tmp_path / "home"), "SPANCAST_DESTINATIONS": "datadog", "DD_TRACE_AGENT_URL": agent}
    assert spancast("check", "datadog", environment=os.environ | named).stdout == "datadog: ok\n"
