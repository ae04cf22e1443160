"""What is built is what is needed: sdist, then a wheel from it, with both packages and their markers."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import spancast
from spancast.testing import Simulator
from tests.support.environments import python_with
from tests.support.programs import surroundings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize(
    "file",
    [
        "spancast/py.typed",
        "spancast_exporters/py.typed",
        "spancast_exporters/otlp.py",
        "spancast/bootstrap/sitecustomize.py",
        "spancast/examples/01_chat.py",
        "spancast/pyinstaller/hook-spancast.py",
    ],
)
def test_the_wheel_holds(wheel: zipfile.ZipFile, file: str) -> None:
    assert file in wheel.namelist()


def test_the_wheel_holds_no_tests(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if name.startswith(("tests/", "benchmarks/"))]


PROGRAM = """
import os, httpx2, spancast
spancast.start(destinations=["jsonl"])
body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": "frozen"}
httpx2.post(os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", json=body, headers={"authorization": "Bearer k"})
print(spancast.flush(), spancast.__version__)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_program_that_pyinstaller_froze_sends_its_calls(tmp_path: Path) -> None:
    python = python_with("beside/pyinstaller", "pyinstaller>=6.10")
    (tmp_path / "app.py").write_text(PROGRAM)
    freeze = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "app.py"]
    subprocess.run(freeze, cwd=tmp_path, check=True, timeout=600)
    lines = tmp_path / "calls.jsonl"
    with Simulator(seed=5) as openrouter:
        environment = surroundings(tmp_path / "home", openrouter, SPANCAST_JSONL_PATH=str(lines))
        done = subprocess.run(
            [tmp_path / "dist" / "app" / "app"], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
    assert (done.stdout, done.stderr) == (f"True {spancast.__version__}\n", "")
    (span,) = map(json.loads, lines.read_text("utf-8").splitlines())
    assert "frozen" in json.dumps(span)
    packed = (tmp_path / "build" / "app" / "PYZ-00.toc").read_text("utf-8")
    assert "'spancast_exporters.langfuse'" in packed
    tools = ("PyInstaller", "pytest", "spancast.testing.fixtures", "spancast.pyinstaller")
    assert not [name for name in tools if f"'{name}" in packed]
