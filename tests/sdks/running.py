"""A program, run bare and under `spancast run`, each against an OpenRouter of its own that answers the same."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spancast.testing import Simulator
from spancast.testing.simulator import Bill, Served
from tests.sdks.table import Environment, Sdk
from tests.support.environments import OUTSIDE, python_with
from tests.support.programs import calls, spancast, surroundings

ATTRIBUTED = Path(__file__).with_name("attributed.py")
RUNNING = 240.0
"""Seconds that a program may take; on a machine with nothing else to do it takes a few."""


@dataclass(frozen=True)
class Printed:
    """What a program left behind for whoever started it."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Ran:
    """What came of a program."""

    bare: Printed
    hooked: Printed
    booked: Sequence[dict[str, Any]]
    """Its calls, as the ledger has them when it ends."""
    settled: Sequence[dict[str, Any]]
    """The same once OpenRouter was asked for the costs that no answer stated."""
    served: Sequence[Served]
    """What the hooked program asked a model for."""
    bills: Sequence[Bill]


def run(sdk: Sdk, scratch: Path) -> Ran:
    """Run a program both ways, at the same time."""
    python = interpreter(sdk.environment)
    with (
        Simulator(seed=2) as other,
        Simulator(seed=2, lookups_before_ready=0) as openrouter,
        ThreadPoolExecutor(1) as beside,
    ):
        bare = beside.submit(_printed, (python, sdk.path), other, scratch / "bare")
        spancasted = (python, "-m", "spancast", "run", "--", python, ATTRIBUTED, sdk.path)
        hooked = _printed(spancasted, openrouter, scratch / "hooked")
        environment = surroundings(scratch / "hooked", openrouter)
        booked = calls(environment)
        spancast("deliver", environment={**environment, "SPANCAST_BACKFILL_KEY": environment["OPENROUTER_API_KEY"]})
        settled = calls(environment)
        served = [each for each in openrouter.requests if each.method == "POST"]
        return Ran(bare.result(), hooked, booked, settled, served, openrouter.bills)


def interpreter(environment: Environment) -> Path:
    """Return an environment's Python; skip where the package index does not have what it is made of."""
    try:
        return python_with(f"sdks/{environment.name}", *environment.requires)
    except subprocess.CalledProcessError:
        for each in environment.requires:
            _skip_unless_there(each)
        raise


def _skip_unless_there(requirement: str) -> None:
    line = (sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", requirement)
    said = subprocess.run(line, env=OUTSIDE, capture_output=True, text=True, check=False, timeout=300).stderr
    if "No matching distribution" in said and "Retrying" not in said:  # an index that is not reached lacks nothing
        pytest.skip(f"The package index has no {requirement}, and what is built on it is not checked.")


def _printed(line: Sequence[str | Path], openrouter: Simulator, home: Path) -> Printed:
    done = subprocess.run(
        line,
        env=surroundings(home, openrouter),
        check=False,
        capture_output=True,
        text=True,
        timeout=RUNNING,
    )
    return Printed(
        done.returncode, *(text.replace(openrouter.address, "openrouter") for text in (done.stdout, done.stderr))
    )
