"""What is built is what is needed: sdist, then a wheel from it, with both packages and their markers."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
    ],
)
def test_the_wheel_holds(wheel: zipfile.ZipFile, file: str) -> None:
    assert file in wheel.namelist()


def test_the_wheel_holds_no_tests(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if name.startswith(("tests/", "benchmarks/"))]
