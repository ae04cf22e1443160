"""Row 40: every platform is dead, and the process ends all the same, and nothing is lost."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

import spancast
from spancast.delivery import backoff
from spancast.testing import Simulator
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector

BUDGET = 1.0
TRIES = 3
"""The machine may be busy with something else."""
CALLS = 5
DEAD = {
    "refused": modes.refused,
    "hangs": modes.hang,
    "never-reads": modes.never_reading,
    "headers": modes.trickling_headers,
    "body": modes.trickling_body,
    "503": modes.status(503),
}
PROGRAM = """
import sys, time
{start}
import httpx2
for number in range({calls}):
    httpx2.post(sys.argv[1] + "/chat/completions", headers={{"authorization": "Bearer sk-or-v1-simulator"}},
                json={{"model": "openai/gpt-4o-mini", "messages": [{{"role": "user", "content": "Hi"}}]}})
time.sleep(float(sys.argv[2]))
{flush}
print(time.monotonic(), flush=True)
"""
START = "import spancast; spancast.start()"
FLUSH = """
for timeout in (0.0, 0.4):
    began = time.monotonic()
    print(timeout, spancast.flush(timeout), time.monotonic() - began, flush=True)
"""


@pytest.fixture
def platforms():
    with ExitStack() as opened:
        yield {name: opened.enter_context(FaultCollector(mode).open()) for name, mode in DEAD.items()}


@pytest.fixture
def openrouter():
    with Simulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def run(tmp_path, platforms, openrouter):
    """Run the program to its end; return what it printed, and how many seconds it took to end behind that."""
    tables = [
        f'{{exporter = "otlp", name = "{name}", endpoint = "{platform.url}"}}' for name, platform in platforms.items()
    ]
    (tmp_path / "spancast.toml").write_text(f"destinations = [{', '.join(tables)}]")
    environment = {**os.environ, "SPANCAST_HOME": str(tmp_path / "home"), "SPANCAST_HOSTS": openrouter.address}

    def to_its_end(start=START, flush="", lived=0.0):
        command = [
            sys.executable,
            "-c",
            PROGRAM.format(start=start, flush=flush, calls=CALLS),
            openrouter.base_url,
            str(lived),
        ]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
            *lines, ended_at = process.stdout.read().splitlines()
            assert process.wait(60) == 0
            return lines, time.monotonic() - float(ended_at)

    return to_its_end


def standings(home) -> dict[str, dict]:
    command = [sys.executable, "-m", "spancast", "destinations", "--json", "--home", str(home)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return {each["name"]: each for each in json.loads(shown)}


@pytest.mark.parametrize(
    "lived", [pytest.param(0.0, id="at once", marks=pytest.mark.slow), pytest.param(0.5, id="while it sends")]
)
def test_the_process_ends_within_a_second_more_than_without_us_and_loses_nothing(run, platforms, tmp_path, lived):
    _, without = run(start="")
    took = [run(lived=lived)[1]]
    while min(took) - without > BUDGET and len(took) < TRIES:
        took.append(run(lived=lived)[1])
    assert min(took) - without <= BUDGET
    waiting, made = standings(tmp_path / "home"), CALLS * len(took)
    assert {name: waiting[name]["waiting"] for name in DEAD} == dict.fromkeys(DEAD, made)


@pytest.mark.slow
def test_what_dead_platforms_did_not_take_is_delivered_when_they_live(run, platforms, tmp_path):
    run()
    for platform in platforms.values():
        platform.mode = modes.healthy
    command = [sys.executable, "-m", "spancast", "deliver", "--home", str(tmp_path / "home")]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 0
    assert [sorted(platform.accepted.values()) for platform in platforms.values()] == [[1] * CALLS] * len(DEAD)


def test_a_flush_ends_when_it_should_and_tells_the_truth(run):
    lines, took = run(flush=FLUSH)
    for line in lines:
        timeout, told, lasted = line.split()
        assert (told, float(lasted) <= float(timeout) + 0.1) == ("False", True), line
    assert took < 5


def test_a_flush_says_yes_when_all_has_arrived_and_not_before(tmp_path, openrouter, monkeypatch):
    import httpx2  # noqa: PLC0415 - hooked here

    monkeypatch.setattr(backoff, "PROBE", 0.1)

    with FaultCollector(modes.status(503)).open() as platform:
        spancast.start(
            [spancast.Destination("otlp", endpoint=platform.url)], home=tmp_path / "home", hosts=[openrouter.address]
        )
        try:
            body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
            httpx2.post(
                f"{openrouter.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sk-or-v1-x"}
            )
            assert not spancast.flush(0.2)
            platform.mode = modes.healthy
            assert spancast.flush(20.0)
            assert len(platform.accepted) == 1
        finally:
            spancast.stop(0.0)


def test_a_flush_does_not_say_that_what_was_rejected_has_arrived(tmp_path, openrouter):
    import httpx2  # noqa: PLC0415 - hooked here

    with FaultCollector(modes.status(400)).open() as platform:
        spancast.start(
            [spancast.Destination("otlp", endpoint=platform.url)], home=tmp_path / "home", hosts=[openrouter.address]
        )
        try:
            body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
            httpx2.post(
                f"{openrouter.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sk-or-v1-x"}
            )
            assert not spancast.flush(20.0)
            assert standings(tmp_path / "home")["otlp"]["dead"] == 1
        finally:
            spancast.stop(0.0)
