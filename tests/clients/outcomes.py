"""A pytest plugin for the suites of others: which tests failed, in the file that `SPANCAST_FAILED` names."""

import json
import os
from pathlib import Path

import pytest

failed: set[str] = set()
ended: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    ended.add(report.nodeid)
    if report.failed:
        failed.add(report.nodeid)


def pytest_unconfigure() -> None:
    outcome = {"failed": sorted(failed), "ended": len(ended)}
    Path(os.environ["SPANCAST_FAILED"]).write_text(json.dumps(outcome), "utf-8")
