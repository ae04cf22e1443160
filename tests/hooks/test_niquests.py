"""niquests, in an environment of its own, since its urllib3-future takes the place of urllib3 there."""

import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT, python_with

NEEDS = (
    "niquests>=3.20",
    "hypercorn>=0.17",
    "tenacity>=9.0",
    "pytest>=9",
    "pytest-timeout>=2.4",
    "hypothesis>=6.150",
    "trustme>=1.2",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_niquests_shows_its_application_what_it_ever_did() -> None:
    suites = [Path(__file__).with_name(name) for name in ("in_niquests.py", "in_niquests_attempts.py")]
    python = python_with("beside/niquests", *NEEDS)
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
