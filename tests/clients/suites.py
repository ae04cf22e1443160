"""The client libraries' own test suites, and how each is run."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.environments import ROOT, python_with, version_of

PLUGIN = Path(__file__).with_name("everything.py")
FETCHING = 300.0
"""Seconds that one source distribution may take to come."""


@dataclass(frozen=True)
class Suite:
    """A library's own tests, out of its source distribution."""

    distribution: str
    requires: tuple[str, ...]
    """What its tests need beside it."""
    asked: tuple[str, ...]
    """What pytest is asked for, in the folder of the source."""
    heard: int
    """Exchanges that come of it at the least: without them nothing was hooked."""
    packaged: bool = True
    """Whether it has a source distribution; the standard library has its tests with it."""

    def __str__(self) -> str:
        return self.distribution


@dataclass(frozen=True)
class Run:
    """What came of a suite: its tests by name, with what became of each, and the exchanges that were heard."""

    tests: Mapping[str, str]
    heard: Mapping[str, int]

    @property
    def failed(self) -> frozenset[str]:
        return frozenset(name for name, state in self.tests.items() if state in {"failure", "error"})


def python_of(suite: Suite) -> Path:
    named = (suite.distribution,) if suite.packaged else ()
    return python_with(f"clients/{suite.distribution}", *named, *suite.requires)


def source_of(suite: Suite, python: Path) -> Path:
    """Return the folder with the source of the very version that is installed; skip where it cannot be had."""
    if not suite.packaged:
        return ROOT
    wanted = f"{suite.distribution}=={version_of(python, suite.distribution)}"
    folder = python.parents[1] / "source" / wanted
    if not folder.is_dir():
        options = ("--no-deps", "--no-binary", ":all:", "--quiet", "--disable-pip-version-check", "--dest", folder)
        fetched = subprocess.run(
            [python, "-m", "pip", "download", *options, wanted],
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCHING,
        )
        archive = next(folder.glob("*.tar.gz"), None)
        if archive is None:
            pytest.skip(f"The source of {wanted} is not to be had, and its tests are not run: {fetched.stderr[-300:]}")
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return next(each for each in folder.iterdir() if each.is_dir())


def run(suite: Suite, python: Path, source: Path, scratch: Path, *tests: str, hooked: bool) -> Run:
    """Run a suite, or those of its `tests` that are named, bare or hooked."""
    report, heard = scratch / f"{hooked}.xml", scratch / f"{hooked}.json"
    plugin = ("-p", PLUGIN.stem) if hooked else ()
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, f"--junit-xml={report}"]
        + [*(tests or suite.asked)],
        cwd=source,
        env={**_surroundings(), "PYTHONPATH": str(PLUGIN.parent), "SPANCAST_HEARD": str(heard)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), f"{suite} did not come to an end: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return Run(dict(_outcomes(report)), json.loads(heard.read_text("utf-8")) if hooked else {})


def _outcomes(report: Path) -> list[tuple[str, str]]:
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        state = next((each.tag for each in case if each.tag in {"failure", "error", "skipped"}), "passed")
        found.append((f"{case.get('classname')}::{case.get('name')}", state))
    return found


def _surroundings() -> dict[str, str]:
    """Return the environment without proxies, which would come between the suites and their servers."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def standard_library_has_its_tests() -> bool:
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('test.test_urllib2') is None)"
    return subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
