import os
import subprocess
import sys
from pathlib import Path

from spancast.testing import Simulator
from tests.support.programs import spancast, surroundings

USERS_TEST = """
import urllib.request

def test_a(openrouter):
    assert urllib.request.urlopen(openrouter.base_url + "/models").status == 200
    assert len(openrouter.requests) == 1

def test_b(openrouter):
    assert openrouter.requests == ()
"""


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess:
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_fixture_gives_each_test_of_a_user_a_simulator_of_its_own(tmp_path: Path):
    (tmp_path / "test_users.py").write_text(USERS_TEST)
    done = run("-m", "pytest", "-q", "-p", "spancast.testing.fixtures", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_loading_the_plugin_does_not_load_the_simulator(tmp_path: Path):
    program = "import sys, spancast.testing.fixtures; print('spancast.testing.simulator' in sys.modules)"
    assert run("-c", program, cwd=tmp_path).stdout == "False\n"


def test_a_suite_that_makes_warnings_errors_runs_under_spancast_run(tmp_path: Path, openrouter: Simulator) -> None:
    # As pytest does for each package of a distribution that brings a plugin, unless it is installed in place.
    rewrite = 'import pytest, spancast_exporters\npytest.register_assert_rewrite("spancast", "spancast_exporters")\n'
    (tmp_path / "conftest.py").write_text(rewrite)
    (tmp_path / "test_app.py").write_text("def test_app(): assert True\n")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_app.py"]

    done = spancast(
        "run", "--", *command, environment=surroundings(tmp_path / "home", openrouter), folder=tmp_path, check=False
    )

    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
