"""The example of an exporter in a package of its own: installed, found by its name, run."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from spancast.contract import Exporter, Reply
from spancast.testing import ExporterContract, Simulator
from tests.support.platform import Platform, answer
from tests.support.programs import costs, run_program, spancast, surroundings

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_exporter"
JSON, BOOKED = {"content-type": "application/json"}, b'{"status": "booked"}'
PROGRAM = """
import os, spancast
from openai import OpenAI
spancast.start()
client = OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key="sk-or-v1-simulator")
with spancast.attribute(tags={"team": "search"}):
    client.chat.completions.create(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
assert spancast.flush(20.0)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which pip has installed the example, and it alone."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, EXAMPLE]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return folder


def test_it_is_two_files():
    assert sorted(file.name for file in EXAMPLE.iterdir() if file.is_file()) == [
        "pyproject.toml",
        "spancast_chargeback.py",
    ]


@pytest.mark.slow
def test_installed_it_is_found_by_its_name_and_books_each_dollar(installed, tmp_path):
    with Simulator(seed=3) as openrouter, Platform(answer(201, JSON, BOOKED)).open() as service:
        environment = surroundings(
            tmp_path,
            openrouter,
            PYTHONPATH=os.pathsep.join((str(installed), os.environ.get("PYTHONPATH", ""))).rstrip(os.pathsep),
            SPANCAST_DESTINATIONS="chargeback",
            CHARGEBACK_TOKEN="t-1",
            CHARGEBACK_URL=service.url,
        )
        ran = run_program(PROGRAM, environment)
        assert ran.returncode == 0, ran.stderr
        checked = spancast("check", "chargeback", environment=environment)
        (bill,) = openrouter.bills
        total = costs(environment)["total"]["cost_usd"]
    sent, probe = service.received
    (booked,) = json.loads(sent.body)["bookings"]
    assert sent.headers["authorization"] == "Bearer t-1"
    assert (booked["team"], booked["model"]) == ("search", bill.model)
    assert booked["usd"] == total == format(bill.cost, "f")
    assert json.loads(probe.body)["bookings"] == []
    assert checked.stdout == "chargeback: ok\n"


@cache
def chargeback() -> Any:
    spec = importlib.util.spec_from_file_location("spancast_chargeback", EXAMPLE / "spancast_chargeback.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["spancast_chargeback"] = module  # where a dataclass looks for its own module
    spec.loader.exec_module(module)
    return module


class TestTheExample(ExporterContract):
    def exporter(self) -> Exporter:
        return chargeback().Chargeback(token="t-5ecret")

    def accepts(self) -> Reply:
        return Reply(201, JSON, BOOKED)

    def healthy(self) -> Reply:
        return Reply(201, JSON, BOOKED)
