"""The application's tests have stopped the clock: what waits ends all the same."""

import subprocess
import sys

import pytest

from spancast.testing import Simulator
from tests.support.programs import surroundings

FREEZE = """
import queue, sys, threading, time

def freeze():
    "Stop the clocks as the tools for tests do: in `time`, and where a module has one by a name of its own."
    stopped = {id(getattr(time, name)): lambda value=getattr(time, name)(): value for name in CLOCKS}
    for module in [each for name, each in list(sys.modules.items()) if name not in ("threading", "queue", "__main__")]:
        for name, value in list(vars(module).items()):
            if id(value) in stopped:
                setattr(module, name, stopped[id(value)])

CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
"""
CALL = """
import os, httpx2
body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
key = {"authorization": "Bearer sk-or-v1-simulator"}
httpx2.post(os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", headers=key, json=body)
"""
FLUSH = "print(spancast.flush(timeout=0.5), flush=True)\n"
PATIENCE = 20
"""Seconds for a process that takes one."""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import spancast; spancast.start(); freeze()" + CALL + FLUSH, "False\n"),
        ("import spancast; spancast.start()" + CALL + "freeze()\n" + FLUSH, "False\n"),
        ("freeze(); import spancast; spancast.start()" + CALL + FLUSH, "False\n"),
        ("import spancast; spancast.start(); freeze()" + CALL, ""),
    ],
    ids=["before the call", "after it", "before the import", "until the exit"],
)
def test_a_clock_that_stands_still_holds_up_neither_a_flush_nor_the_exit(program, said, tmp_path):
    with Simulator(seed=1) as openrouter:
        environment = surroundings(
            tmp_path,
            openrouter,
            SPANCAST_DESTINATIONS="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
        )
        done = subprocess.run(
            [sys.executable, "-c", FREEZE + program],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
    assert done.stdout == said
