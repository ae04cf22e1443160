import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.programs import calls, run_program

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


PROGRAM_OF_A_USER = """
import os
import httpx, openai, openrouter

ASKED = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
url, key = os.environ["OPENROUTER_BASE_URL"], os.environ["OPENROUTER_API_KEY"]

openai.OpenAI().chat.completions.create(**ASKED)
with openrouter.OpenRouter(server_url=url) as client:
    client.chat.send(**ASKED)
httpx.post(f"{url}/chat/completions", json=ASKED, headers={"authorization": f"Bearer {key}"}).raise_for_status()
"""


def test_what_the_command_tells_to_export_leads_programs_to_it(tmp_path: Path):
    with running("0") as process:
        base_url = process.stdout.readline().split()[-1]
        lines = [shlex.split(process.stdout.readline()) for _ in range(4)]
        exported = dict(export.split("=", 1) for _, *exports in lines for export in exports)
        environment = {**os.environ, **exported, "SPANCAST_HOME": str(tmp_path)}
        assert run_program(PROGRAM_OF_A_USER, environment).stderr == ""
        assert len(calls(environment)) == 3
    assert {verb for verb, *_ in lines} == {"export"}
    assert exported["ANTHROPIC_BASE_URL"] == base_url.removesuffix("/v1")
    assert exported["OPENROUTER_API_BASE"] == base_url
    assert {value for name, value in exported.items() if name.endswith("_KEY")} == {"sk-or-v1-simulator"}


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
