"""urllib3-future, in an environment of its own, where it takes the place of urllib3 under requests."""

import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT, python_with

NEEDS = (
    "requests>=2.32",
    "urllib3-future>=2.12",
    "pytest>=9",
    "pytest-timeout>=2.4",
    "hypothesis>=6.150",
    "trustme>=1.2",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_requests_over_urllib3_future_is_seen_as_over_urllib3() -> None:
    suite = Path(__file__).with_name("in_urllib3_future.py")
    python = python_with("clients/urllib3-future", *NEEDS)
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
