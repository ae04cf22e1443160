"""The client libraries' own test suites, and how each is run: in an environment of its own, bare or hooked."""

import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.environments import OUTSIDE, python_with, version_of

PLUGINS = Path(__file__).parent
"""The folder with the plugins; no package, since the suites have a `tests` of their own."""
FETCHING = 300.0
"""Seconds that one source distribution may take to come."""
RUNNING = 1200.0
"""Seconds that one suite may take."""
HUNG = 60
"""Seconds that one test of it may take."""


@dataclass(frozen=True)
class Suite:
    """A library's own tests."""

    library: str
    requires: tuple[str, ...]
    """What is installed, the library first where it is no part of Python."""
    tests: tuple[str, ...]
    """What pytest is asked for, in the folder of the source."""
    options: tuple[str, ...] = ()
    least: int = 50
    """Exchanges that come of it at the least: without them nothing was hooked."""
    packaged: bool = True
    """Whether the tests lie in its source distribution; else they are installed with it."""
    within: str = ""
    """The folder of the source that pytest is run in, where the library's own code lies in the way above it."""

    def __str__(self) -> str:
        return self.library


@dataclass(frozen=True)
class Run:
    """What came of a suite: how many tests ended, which failed, and the exchanges that were heard by outcome."""

    ended: int
    failed: frozenset[str]
    heard: Mapping[str, int]


def python_of(suite: Suite) -> Path:
    return python_with(f"clients/{suite.library}", *suite.requires, "pytest>=9", "pytest-timeout>=2.4")


def source_of(suite: Suite, python: Path) -> Path:
    """Return the folder with the source of the very version that is installed; skip where it cannot be had."""
    folder = python.parents[1] / "source"
    folder.mkdir(exist_ok=True)
    if not suite.packaged:
        _check_installed(suite, python)
        return folder
    version = version_of(python, suite.library)
    source = folder / f"{suite.library}-{version}"
    if not source.is_dir():
        archive = _archive(python, f"{suite.library}=={version}", folder)
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return source


def _check_installed(suite: Suite, python: Path) -> None:
    probe = "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))"
    if subprocess.run([python, "-c", probe, *suite.tests], check=False, capture_output=True).returncode:
        pytest.skip(f"This Python was installed without {', '.join(suite.tests)}, so that they are not run.")


def _archive(python: Path, wanted: str, folder: Path) -> Path:
    options = ("--no-deps", "--no-binary", ":all:", "--quiet", "--disable-pip-version-check", "--dest", folder)
    fetched = subprocess.run(
        [python, "-m", "pip", "download", *options, wanted],
        env=OUTSIDE,
        capture_output=True,
        text=True,
        check=False,
        timeout=FETCHING,
    )
    found = next(folder.glob(f"{wanted.replace('==', '-')}*.tar.gz"), None)
    if found is None:
        pytest.skip(f"The source of {wanted} is not to be had, so that its tests are not run. {fetched.stderr[-300:]}")
    return found


def run(suite: Suite, python: Path, source: Path, scratch: Path, *tests: str, hooked: bool) -> Run:
    """Run a suite, or only those of its `tests` that are named, bare or hooked."""
    outcome, heard = scratch / "outcome.json", scratch / "heard.json"
    plugins = ["-p", "outcomes", *(["-p", "everything"] if hooked else [])]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--timeout={HUNG}", *plugins]
    done = subprocess.run(
        [*command, *suite.options, *(tests or suite.tests)],
        cwd=source / suite.within,
        env=_surroundings(PYTHONPATH=PLUGINS, SPANCAST_FAILED=outcome, SPANCAST_HEARD=heard),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUNNING,
    )
    assert outcome.exists(), f"{suite} did not come to an end: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    seen = json.loads(outcome.read_text("utf-8"))
    outcome.unlink()
    return Run(seen["ended"], frozenset(seen["failed"]), json.loads(heard.read_text("utf-8")) if hooked else {})


def _surroundings(**more: Path) -> dict[str, str]:
    """Return the environment without proxies, which would come between a suite and its servers, or our trust."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(("_proxy", "_cert_file"))}
    return {**kept, **{name: str(value) for name, value in more.items()}}
