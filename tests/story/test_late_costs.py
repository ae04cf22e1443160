"""Costs that come late, all the way through: programs that are cut short or killed, and what their owner reads."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast.bookkeeping.book import Book
from spancast.testing import Simulator
from tests.support.answers import plain
from tests.support.calls import a_call
from tests.support.platform import Platform
from tests.support.programs import calls, costs, run_program, surroundings
from tests.support.programs import spancast as command
from tests.support.verbatim import verbatim
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

KEY = "sk-or-v1-simulator"
CUT = """
import os, sys, openai
client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
stream = client.chat.completions.create(
    model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hello there."}], user="u_1", stream=True
)
next(stream)
"""
KILLED = CUT + "import signal; os.kill(os.getpid(), signal.SIGKILL)"
PATIENCE = 40.0


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(lookups_before_ready=0) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    spancast.stop(0.0)


@contextmanager
def running(source: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a program that says when it has done its part, and ends when its input does."""
    waiting = source + '\nprint("done", flush=True)\nsys.stdin.read()\n'
    line = [sys.executable, "-m", "spancast", "run", "--", sys.executable, "-c", waiting]
    with subprocess.Popen(line, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            yield process
        finally:
            process.kill()


def lookups(openrouter: Simulator) -> int:
    return sum(served.path.endswith("/generation") for served in openrouter.requests)


def only(environment: dict[str, str]) -> dict[str, Any]:
    (call,) = calls(environment)
    return call


def assert_billed(call: dict[str, Any], openrouter: Simulator) -> None:
    """Assert that the call is booked as OpenRouter's record of the generation has it."""
    bill = next(each for each in openrouter.bills if each.generation_id == call["generation_id"])
    assert (Decimal(call["cost_usd"]), call["cost_source"]) == (bill.cost, "generation")
    assert (call["input_tokens"], call["output_tokens"]) == (bill.prompt_tokens, bill.completion_tokens)
    assert (call["provider"], call["response_model"], call["is_byok"]) == (bill.provider, bill.model, bill.is_byok)


def test_a_stream_that_the_application_closed_costs_what_openrouter_charged_and_its_key_is_written_nowhere(
    tmp_path: Path,
) -> None:
    with Simulator(lookups_before_ready=1) as openrouter:
        canary = {"OPENROUTER_API_KEY": "sk-or-v1-canary"}
        environment = surroundings(tmp_path, openrouter, SPANCAST_BACKFILL="caller-key", **canary)

        with running(CUT + "stream.close()", environment):
            eventually(lambda: only(environment)["cost_usd"], PATIENCE)

        assert only(environment)["outcome"] == "closed"
        assert_billed(only(environment), openrouter)
        assert costs(environment)["total"]["unknown_cost_calls"] == 0
        assert lookups(openrouter) == 2
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]


def test_nobody_is_asked_unless_that_is_wished(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    with running(CUT + "stream.close()", environment):
        time.sleep(3.0)

    command("deliver", environment=environment)
    assert lookups(openrouter) == 0
    assert only(environment)["cost_usd"] is None


def test_what_a_killed_program_cost_is_found_out_by_the_next_deliver(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    assert run_program(KILLED, environment).returncode == -signal.SIGKILL

    command("deliver", environment=environment | {"SPANCAST_BACKFILL_KEY": KEY})

    call = only(environment)
    assert (call["outcome"], call["user"]) == ("killed", "u_1")
    assert_billed(call, openrouter)


def test_one_who_asks_and_is_killed_is_followed_by_another_and_nothing_is_booked_twice(tmp_path: Path) -> None:
    with Simulator(lookups_before_ready=1) as openrouter:
        environment = surroundings(tmp_path, openrouter)
        for _ in range(2):
            run_program(KILLED, environment)
        asking = environment | {"SPANCAST_BACKFILL_KEY": KEY}

        with subprocess.Popen([sys.executable, "-m", "spancast", "deliver"], env=asking) as process:
            eventually(lambda: lookups(openrouter) >= 1, PATIENCE)
            process.send_signal(signal.SIGKILL)
        command("deliver", environment=asking)

        booked = calls(environment)
        for call in booked:
            assert_billed(call, openrouter)
        assert Decimal(costs(environment)["total"]["cost_usd"]) == openrouter.usage
        assert [call["generation_id"] for call in booked] == [bill.generation_id for bill in openrouter.bills]


def test_a_program_with_a_key_for_it_finds_out_what_an_earlier_one_cost(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    run_program(KILLED, environment)

    with running(CUT + "stream.close()", environment | {"SPANCAST_BACKFILL_KEY": KEY}):
        eventually(lambda: [bool(call["cost_usd"]) for call in calls(environment)] == [True, True], PATIENCE)

    booked = calls(environment)
    assert len(booked) == 2
    for call in booked:
        assert_billed(call, openrouter)


def test_a_refused_key_is_told_and_the_cost_stays_unknown(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    run_program(KILLED, environment)

    with verbatim() as refusing:
        refusing.answers = [b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"]
        asking = {"SPANCAST_BACKFILL_KEY": KEY, "OPENROUTER_BASE_URL": f"http://{refusing.host}/api/v1"}
        done = command("deliver", environment=environment | asking)

        assert len(refusing.requests) == 1
    assert "refuses the key for late costs (HTTP 401)" in done.stderr
    assert KEY not in done.stderr
    assert only(environment)["cost_usd"] is None


def test_what_a_sound_cost_is_asked_for_since_no_sound_states_it(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = """
import os, openai
client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
client.audio.speech.create(model="hexgrad/kokoro-82m", voice="alloy", input="Hello there.").read()
"""
    assert run_program(program, environment).stderr == ""
    time.sleep(2.0)

    command("deliver", environment=environment | {"SPANCAST_BACKFILL_KEY": KEY})

    (call,), (bill,) = calls(environment), openrouter.bills
    assert (call["operation"], call["outcome"]) == ("speech", "completed")
    assert (Decimal(call["cost_usd"]), call["cost_source"]) == (bill.cost, "generation")


ASK = """
import json, os, httpx
client = httpx.Client(
    base_url=os.environ["OPENROUTER_BASE_URL"], headers={"Authorization": "Bearer " + os.environ["OPENROUTER_API_KEY"]}
)
path = os.environ["JOBS"]
"""
ORDER = (
    ASK
    + """
print(client.post(path, json=json.loads(os.environ["BODY"]), headers={"x-simulator-polls": "1"}).json()["id"])
"""
)
WAIT = (
    ASK
    + """
for _ in range(5):
    print(client.get(f"{path}/{os.environ['JOB']}").json()["status"])
"""
)
VIDEO = {"model": "x-ai/grok-imagine-video", "prompt": "a calm wave", "duration": 2, "user": "u_1"}
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
BATCH = {
    "endpoint": "/v1/chat/completions",
    "model": "openai/gpt-4o-mini",
    "requests": [{"custom_id": name, "body": HELLO} for name in "ab"],
}


@pytest.mark.parametrize(("path", "order"), [("videos", VIDEO), ("batches", BATCH)])
def test_a_job_that_one_program_orders_and_another_waits_for_is_booked_once(
    path: str, order: dict[str, Any], tmp_path: Path, openrouter: Simulator
) -> None:
    with Platform().open() as platform:
        environment = surroundings(
            tmp_path, openrouter, SPANCAST_DESTINATIONS="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=platform.url, JOBS=path
        )
        ordered = run_program(ORDER, environment | {"BODY": json.dumps(order)})
        command("deliver", environment=environment)
        before = only(environment)
        for _ in range(2):
            waited = run_program(WAIT, environment | {"JOB": ordered.stdout.strip()})
        command("deliver", environment=environment)

        assert waited.stdout.split() == ["completed"] * 5
        call = only(environment)
        assert before["cost_usd"] is None
        assert (call["call_id"], call["status"]) == (before["call_id"], "completed")
        assert (Decimal(call["cost_usd"]), call["cost_source"]) == (openrouter.usage, "response")
        assert Decimal(costs(environment)["total"]["cost_usd"]) == openrouter.usage
        assert list(platform.taken.values()) == [2]
        assert sent_costs(platform) == [None, format(Decimal(call["cost_usd"]), "f")]
        (standing,) = json.loads(command("destinations", "--json", environment=environment).stdout)
        assert (standing["captured"], standing["delivered"], standing["waiting"]) == (1, 1, 0)
        assert standing["reasons"] == {"sent again with its cost": 1}


def sent_costs(platform: Platform) -> list[str | None]:
    spans = [span for received in platform.received for span in received.spans()]
    attributes = [{each.key: each.value.string_value for each in span.attributes} for span in spans]
    return [each.get("openrouter.cost_usd") for each in attributes]


def cut(openrouter: Simulator) -> None:
    """Ask for a stream, and go away after its first piece."""
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx2.stream("POST", f"{openrouter.base_url}/chat/completions", json=body, headers=headers) as response:
        next(response.iter_bytes())


def test_a_destination_that_waits_for_costs_gets_each_call_once_with_its_cost(
    tmp_path: Path, openrouter: Simulator
) -> None:
    with Platform().open() as platform:
        destination = spancast.Destination("otlp", endpoint=platform.url, late_cost="hold")
        spancast.start([destination], home=tmp_path, hosts=[openrouter.address], backfill="caller-key")

        cut(openrouter)

        assert not spancast.flush(0.5)
        assert platform.received == []
        assert spancast.flush(PATIENCE)
        assert sent_costs(platform) == [format(openrouter.bills[0].cost, "f")]


def test_a_span_exporter_gets_each_call_once_with_its_cost(tmp_path: Path, openrouter: Simulator) -> None:
    memory = InMemorySpanExporter()
    spancast.start([spancast.Destination(memory)], home=tmp_path, hosts=[openrouter.address], backfill="caller-key")

    cut(openrouter)

    assert spancast.flush(PATIENCE)
    costs_of = [(span.attributes or {}).get("openrouter.cost_usd") for span in memory.get_finished_spans()]
    assert costs_of == [format(openrouter.bills[0].cost, "f")]


def test_a_server_that_does_not_answer_delays_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, closing(Book(tmp_path)) as book:
        began = time.time_ns() - 10**10
        book.apply("w-1.seg", 1, [a_call(outcome="closed", cost=None, generation_id="gen-1", started_at=began)])
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1")
        spancast.start(home=tmp_path, backfill_key=KEY)
        assert spancast.flush()
        asked, _ = silent.accept()

        stopping = time.monotonic()
        spancast.stop()

        assert time.monotonic() - stopping < 1.5
        asked.close()


def test_a_cost_that_a_gateway_left_out_is_estimated_where_that_is_wished(
    tmp_path: Path, openrouter: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    body = plain('{"prompt_tokens":16,"completion_tokens":18}', model="openai/gpt-5-mini-2025-08-07")
    with verbatim() as gateway:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        gateway.answers = [head.encode() + body]
        spancast.start(home=tmp_path, hosts=[gateway.host], estimate=True)

        httpx2.post(gateway.url, json={"model": "openai/gpt-5-mini", "messages": []})

        environment = {**os.environ, "SPANCAST_HOME": str(tmp_path)}
        eventually(lambda: calls(environment) and only(environment)["cost_usd"], PATIENCE)
    assert (only(environment)["cost_usd"], only(environment)["cost_source"]) == ("0.00004", "prices")
    assert [served.path for served in openrouter.requests] == ["/api/v1/models"]
