"""gevent, which patches the sockets and the threads under the clients, in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.environments import ROOT, python_with
from tests.support.programs import surroundings

NEEDS = ("gevent>=24.10", "requests>=2.32", "urllib3>=2.2", "pytest>=9")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_clients_in_greenlets_are_seen_one_by_one() -> None:
    python = python_with("clients/gevent", *NEEDS)
    done = subprocess.run(
        [python, "-m", "gevent.monkey", Path(__file__).with_name("in_gevent.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)
    assert seen == {"clean": True, "completed": ["completed"] * 30, "killed": ["cancelled"] * 3, "spans": 33}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_program_that_patches_itself_is_warned_of_nothing(tmp_path: Path) -> None:
    python = python_with("clients/gevent", *NEEDS)
    program = "from gevent import monkey; monkey.patch_all()"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SPANCAST_HOME": str(tmp_path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    }
    for run in ([], ["-m", "spancast", "run", "--destinations", "otlp", "--", str(python)]):
        command = [python, *run, "-W", "always", "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        assert (done.stdout, done.stderr) == ("", "")


CALL_AND_DIE = """
import os, spancast, urllib.request
spancast.start()
body = b'{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}'
headers = {"authorization": "Bearer k", "content-type": "application/json"}
url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("before", "after"), [(0.0, 0.0), (0.0, 2.0), (0.4, 2.0)])
def test_nor_is_it_where_an_earlier_process_has_left_calls(tmp_path: Path, before: float, after: float) -> None:
    python = python_with("clients/gevent", *NEEDS)
    program = f"import time; time.sleep({before}); from gevent import monkey; monkey.patch_all(); time.sleep({after})"
    run = [python, "-m", "spancast", "run", "--", python, "-W", "always", "-c", program]
    with Simulator(seed=5) as openrouter:
        more = {"SPANCAST_DESTINATIONS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": openrouter.base_url}
        environment = surroundings(tmp_path, openrouter, PYTHONPATH=str(ROOT), **more)
        subprocess.run([python, "-c", CALL_AND_DIE], env=environment, check=True, timeout=60)
        done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
