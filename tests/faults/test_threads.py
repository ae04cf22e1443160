"""Calls are kept where no thread may be started, while the interpreter ends, and after everything else has ended."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import drained
from tests.support.programs import surroundings

ROOT = Path(__file__).parents[2]
CALL = """
import atexit, os, threading
def call(user):
    import httpx2
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": user}
    headers = {"authorization": "Bearer sk-or-v1-simulator"}
    answer = httpx2.post(os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
"""
REFUSED = """
import threading
def refuse(*_args, **_kwargs):
    raise RuntimeError("can't start new thread")
threading._start_new_thread = threading._start_joinable_thread = refuse
"""


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=3) as simulator:
        yield simulator


def run(program: str, home: Path, openrouter: Simulator, python: str | Path = sys.executable, **more: str) -> list[str]:
    """Run a program to its end, which it reaches in silence; return the users whose calls are booked."""
    environment = surroundings(home, openrouter, **more)
    done = subprocess.run(
        [python, "-W", "error", "-c", CALL + program], env=environment, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [user for user, outcome in drained(home) if outcome == "completed"]


def test_where_no_thread_can_be_started_calls_are_kept(openrouter: Simulator, tmp_path: Path) -> None:
    program = REFUSED + "import spancast; spancast.start(); [call(f'u{n}') for n in range(3)]; os._exit(0)"
    assert run(program, tmp_path, openrouter, SPANCAST_CAPTURE_CONTENT="true") == ["u0", "u1", "u2"]


def test_where_a_thread_could_not_be_started_once_it_is_tried_again(openrouter: Simulator, tmp_path: Path) -> None:
    program = """
import time
import spancast
from spancast.delivery.journal import pump
pump.THREAD_RETRY_SECONDS = 0.0
name = next(each for each in ("_start_joinable_thread", "_start_new_thread") if hasattr(threading, each))
start = getattr(threading, name)
def refuse(*_args, **_kwargs):
    raise RuntimeError("can't start new thread")
spancast.start()
setattr(threading, name, refuse)
call("u0")
setattr(threading, name, start)
call("u1")
assert "spancast" in [thread.name for thread in threading.enumerate()]
"""
    assert run(program, tmp_path, openrouter) == ["u0", "u1"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_is_called_while_the_interpreter_ends_is_booked(order: str, openrouter: Simulator, tmp_path: Path) -> None:
    registered = "atexit.register(call, 'at exit')\n"
    started = "import spancast\nspancast.start()\ncall('before')\n"
    program = registered + started if order == "before" else started + registered
    assert run(program, tmp_path, openrouter) == ["before", "at exit"]


def test_a_first_use_while_the_interpreter_ends_is_booked(openrouter: Simulator, tmp_path: Path) -> None:
    program = """
import httpx2
@atexit.register
def end():
    import spancast
    spancast.start()
    call("late")
"""
    assert run(program, tmp_path, openrouter) == ["late"]


def test_what_is_called_after_the_applications_provider_has_ended_is_booked(
    openrouter: Simulator, tmp_path: Path
) -> None:
    program = """
import spancast
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
spancast.start()
call("before")
trace.get_tracer_provider().shutdown()
call("after")
"""
    assert run(program, tmp_path, openrouter) == ["before", "after"]
