"""A program whose umask denies its own user what it creates."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.programs import calls, surroundings

ASKS_TWICE = """
import os, sys
import httpx, spancast
os.umask(int(sys.argv[1], 8))
spancast.start()
for _ in range(2):
    httpx.post(
        os.environ["OPENROUTER_BASE_URL"] + "/chat/completions",
        headers={"authorization": "Bearer " + os.environ["OPENROUTER_API_KEY"]},
        json={"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]},
    )
print(spancast.flush())
"""
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Without it the superuser may read and write everything."""


@pytest.mark.skipif(sys.platform == "win32", reason="umasks are POSIX's")
@pytest.mark.parametrize("umask", ["0377", "0777"])
def test_its_calls_are_booked_all_the_same(umask: str, tmp_path: Path) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("The superuser may read and write everything, and setpriv is not here to take that away.")
    prefix = NO_OVERRIDE if os.geteuid() == 0 else ()
    with Simulator(seed=5) as openrouter:
        environment = surroundings(tmp_path / "home", openrouter)
        command = [*prefix, sys.executable, "-c", ASKS_TWICE, umask]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert len(calls(environment)) == 2
