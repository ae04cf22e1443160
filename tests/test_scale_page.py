"""The page of many machines is run: ClickHouse's own engine, a real collector, and what is printed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from spancast_exporters.clickhouse import Clickhouse
from tests.exporters.test_otlp_collector import agent, listens
from tests.support.delivered import sent
from tests.support.environments import python_with
from tests.support.platforms.clickhouse import PASSWORD
from tests.support.programs import costs, spancast, surroundings
from tests.support.servers import free_port, serving
from tests.support.waiting import eventually
from tests.test_docs import ROOT, blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(agent() is None, reason="The wheel of rotel has no binary for this platform."),
]

PAGE = (ROOT / "docs" / "scale.md").read_text("utf-8")
SERVER = ROOT / "tests" / "support" / "platforms" / "clickhouse_server.py"
(PROGRAM,), (SHOWN,) = blocks(PAGE, "python"), blocks(PAGE, "console")
DIRECTLY, COLLECTED, COLLECTOR = blocks(PAGE, "sh")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """By the names that they have on the page, where the servers really are, which the page has told what to do."""
    python, port, http, grpc = python_with("receivers/clickhouse", "chdb==4.4.0", alone=True), *ports(3)
    real = {
        "clickhouse:8123": f"127.0.0.1:{port}",
        "collector:4318": f"127.0.0.1:{http}",
        "0.0.0.0:4318": f"127.0.0.1:{http}",
        "0.0.0.0:4317": f"127.0.0.1:{grpc}",
        '"$CLICKHOUSE_PASSWORD"': PASSWORD,
        "PASSWORD=...": f"PASSWORD={PASSWORD}",
    }
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        command = [python, "-P", SERVER, str(port), PASSWORD]
        stack.enter_context(serving(command, f"http://127.0.0.1:{port}/ping", {}, folder))
        table = blocks((ROOT / "docs" / "clickhouse.md").read_text("utf-8"), "sql")[0]
        for statement in (table, *blocks(PAGE, "sql")):
            answered(real, statement)
        _, *options = shlex.split(really(COLLECTOR, real).replace("\\\n", " "))
        files = ("--pid-file", str(folder / "pid"), "--log-file", str(folder / "log"))
        process = stack.enter_context(
            subprocess.Popen([str(agent()), *options, *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        stack.callback(process.terminate)
        eventually(lambda: listens(http) and listens(grpc))
        yield real


@pytest.fixture(scope="module")
def machines(addresses: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, str], ...]:
    """The environments of two machines on which the program has run, one to ClickHouse and one to the collector."""
    found = []
    with Simulator(seed=1) as openrouter:
        for way in (DIRECTLY, COLLECTED):
            stated = dict(re.findall(r"^export (\w+)=(.*)$", really(way, addresses), re.MULTILINE))
            environment = surroundings(tmp_path_factory.mktemp("home"), openrouter, **stated, COLUMNS="100")
            subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, timeout=60)
            spancast("deliver", environment=environment)
            found.append(environment)
    eventually(lambda: answered(addresses, "SELECT count() FROM default.OPENROUTER_TRACES") == b"6\n", 30)
    return tuple(found)


def test_the_command_prints_what_the_page_says(
    machines: tuple[Mapping[str, str], ...], addresses: Mapping[str, str]
) -> None:
    printed = ""
    for command in re.findall(r"^\$ spancast (.*)$", SHOWN, re.MULTILINE):
        done = spancast(*shlex.split(really(command, addresses)), environment=machines[0])
        printed += f"$ spancast {command}\n{done.stdout}"
    assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in SHOWN.splitlines()]


@pytest.mark.parametrize("by", ["user", "tag:feature", "model", "requested_model", "provider", "key", "month"])
def test_it_is_what_the_ledgers_of_the_machines_say_together(
    machines: tuple[Mapping[str, str], ...], addresses: Mapping[str, str], by: str
) -> None:
    place = really("clickhouse://default@clickhouse:8123", addresses)
    whole = {row[by]: row for row in costs(machines[0], "--by", by, "--from", place)["rows"]}
    parts = [{row[by]: row for row in costs(machine, "--by", by)["rows"]} for machine in machines]
    assert set(whole) == set().union(*parts)
    for name, row in whole.items():
        its = [part[name] for part in parts if name in part]
        assert row["calls"] == sum(each["calls"] for each in its)
        assert row["input_tokens"] == sum(each["input_tokens"] for each in its)
        assert Decimal(row["cost_usd"]) == sum(Decimal(each["cost_usd"]) for each in its) > 0


def ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]


def really(text: str, addresses: Mapping[str, str]) -> str:
    for named, real in addresses.items():
        text = text.replace(named, real)
    return text


def answered(addresses: Mapping[str, str], statement: str) -> bytes:
    exporter = Clickhouse(endpoint=f"http://{addresses['clickhouse:8123']}", password=PASSWORD)
    reply = sent(exporter._query(statement))
    assert reply.status == 200, reply.body
    return reply.body
