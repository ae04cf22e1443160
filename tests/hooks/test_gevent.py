"""gevent, which patches the sockets and the threads under the clients, in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT, python_with

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
