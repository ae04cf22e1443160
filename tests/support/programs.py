"""Programs in processes of their own, and what the command says of them afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spancast.testing import Simulator


def surroundings(home: Path, openrouter: Simulator, **more: str) -> dict[str, str]:
    """Return the environment of a program that calls the simulator and keeps its ledger in `home`."""
    return {
        **os.environ,
        "SPANCAST_HOME": str(home),
        "SPANCAST_HOSTS": openrouter.address,
        "OPENROUTER_BASE_URL": openrouter.base_url,
        "OPENROUTER_API_KEY": "sk-or-v1-simulator",
        **more,
    }


def spancast(
    *command: str, environment: Mapping[str, str], check: bool = True, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end, in a working directory."""
    return subprocess.run(
        [sys.executable, "-m", "spancast", *command],
        env=environment,
        cwd=folder,
        check=check,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run_program(source: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of Spancast under `spancast run`."""
    return spancast("run", "--", sys.executable, "-c", source, environment=environment, check=False)


def calls(environment: Mapping[str, str], *filters: str) -> list[dict[str, Any]]:
    """Return what `spancast calls --json` prints."""
    return [
        json.loads(line) for line in spancast("calls", "--json", *filters, environment=environment).stdout.splitlines()
    ]


def costs(environment: Mapping[str, str], *filters: str) -> dict[str, Any]:
    """Return what `spancast costs --json` prints."""
    found: dict[str, Any] = json.loads(spancast("costs", "--json", *filters, environment=environment).stdout)
    return found
