import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PROGRAM = """
import sys
from spancast.testing.simulator import main_simulator
raise SystemExit(main_simulator(int(sys.argv[1]), *sys.argv[2:]))
"""


@contextmanager
def running(*args: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-c", PROGRAM, *args]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_end(number: signal.Signals):
    with running("0") as process:
        base_url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{base_url}/models", timeout=10) as answer:
            assert json.load(answer)["data"]
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_the_command_prints_what_to_export():
    with running("0") as process:
        base_url = process.stdout.readline().split()[-1]
        verb, *exports = process.stdout.readline().split()
    variables = dict(export.split("=", 1) for export in exports)
    assert verb == "export"
    assert variables["OPENAI_BASE_URL"] == base_url
    assert variables["OPENAI_API_KEY"].startswith("sk-or-v1-")
    assert f"http://{variables['SPANCAST_HOSTS']}/api/v1" == base_url


def test_a_port_that_is_taken_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(str(port)) as process:
            assert process.wait(timeout=10) == 1
            assert process.stderr.read() == (
                f"The simulator cannot listen on 127.0.0.1:{port}: Address already in use. Choose another port.\n"
            )


def test_an_address_beyond_this_machine_is_refused_in_one_line():
    with running("0", "0.0.0.0") as process:
        assert process.wait(timeout=10) == 1
        assert process.stderr.read().count("\n") == 1
