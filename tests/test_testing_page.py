"""The page of an application's tests is run, and compared with what is printed."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.bookkeeping.records import python
from tests.support.programs import calls, spancast, surroundings
from tests.test_docs import ROOT, blocks

PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
OFF, HOME, TEST, TRY = blocks(PAGE, "python")
SERVED, USED = blocks(PAGE, "console")
MOCKED = """
import httpx
import spancast

spancast.start()


def test_a_mocked_answer():
    answer = {"id": "gen-1", "model": "m", "choices": [], "usage": {"cost": 5}}
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=answer))) as client:
        client.post("https://openrouter.ai/api/v1/chat/completions", json={"model": "m", "messages": []})
    assert spancast.flush()
"""


def suite(folder: Path, environment: Mapping[str, str], **files: str) -> subprocess.CompletedProcess[str]:
    """Run the test suite of an application."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("conftest", "booked"), [("", ["5"]), (OFF, []), (HOME, [])], ids=["as it is", "off", "home"])
def test_a_mocked_answer_is_booked_unless_the_suite_says_otherwise(
    conftest: str, booked: list[str], tmp_path: Path
) -> None:
    (tmp_path / "suite").mkdir()
    environment = {**os.environ, "SPANCAST_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}

    done = suite(tmp_path / "suite", environment, conftest=conftest, test_mocked=MOCKED)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert [call["cost_usd"] for call in calls(environment)] == booked


def test_the_test_of_the_page_passes_beside_either_of_its_settings(tmp_path: Path) -> None:
    for conftest in (OFF, HOME):
        done = suite(tmp_path, {**os.environ, "TMPDIR": str(tmp_path)}, conftest=conftest, test_app=TEST)
        assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_program_prints_what_the_page_says() -> None:
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=True, timeout=60)

    assert [done.stdout] == blocks(PAGE, "text")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_the_command_prints_what_the_page_says() -> None:
    shown = SERVED.splitlines()[1:]
    script = "import sys; from spancast.cli import main; sys.exit(main(['simulator', '--port', '0']))"
    with python(script) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline().rstrip("\n") for _ in shown]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8087", line) for line in printed] == shown


def test_a_program_that_calls_the_simulator_is_seen(tmp_path: Path) -> None:
    run, costs = (command.split() for command in re.findall(r"^\$ spancast (.*)$", USED, re.MULTILINE))
    program = TEST.partition("\n\n\ndef test")[0] + "\n\nimport os\nask(os.environ['OPENROUTER_BASE_URL'])\n"
    (tmp_path / "app.py").write_text(program, "utf-8")
    with Simulator() as openrouter:
        environment = surroundings(tmp_path / "home", openrouter)
        command = [sys.executable if word == "python" else word for word in run]
        assert spancast(*command, environment=environment, folder=tmp_path).stderr == ""
        printed = spancast(*costs, environment=environment, folder=tmp_path).stdout
    assert printed.splitlines()[-1].startswith("1 call without a user")
