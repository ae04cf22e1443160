"""The page of the ledger: what it shows is what is printed, and what it tells scripts is what they get."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from spancast.bookkeeping.answers.dimensions import DIMENSIONS
from spancast.testing import Simulator
from tests.support.programs import run_program, spancast, surroundings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ledger.md").read_text("utf-8")

posix = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is POSIX's")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of the page, each with the lines that it is said to print."""
    for block in blocks("console"):
        for shown in block.removeprefix("$ spancast ").split("\n$ spancast "):
            command, *lines = shown.splitlines()
            yield command, lines


def printed(command: str, environment: Mapping[str, str], lines: int) -> list[str]:
    """Return what a command prints: `tail`, which does not end, as many lines as are asked for."""
    if not command.startswith("tail"):
        return spancast(*command.split(), environment=environment).stdout.splitlines()
    with subprocess.Popen(
        [sys.executable, "-m", "spancast", *command.split()], env=environment, stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        found = [tail.stdout.readline() for _ in range(lines)]
        tail.send_signal(signal.SIGINT)
        assert (tail.wait(timeout=60), tail.stdout.read()) == (0, "")
    return [line.rstrip("\n") for line in found]


def timeless(lines: list[str]) -> list[str]:
    """Return the lines without what another day or machine prints otherwise: when it was, and how long it took."""
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", "DATE", "\n".join(lines))
    return [" ".join(line.split()) for line in re.sub(r"\b[\d.]+ m?s\b", "TIME", text).splitlines()]


@posix
def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    with Simulator(seed=1) as openrouter:
        environment = {**surroundings(tmp_path, openrouter), "COLUMNS": "118"}
        (program,) = blocks("python")
        done = run_program(program, environment)
        assert (done.returncode, done.stderr) == (0, "")
        for command, lines in commands():
            assert timeless(printed(command, environment, len(lines))) == timeless(lines), command


def test_every_dimension_is_on_the_page() -> None:
    assert {*re.findall(r"`([a-z_]+)`", PAGE.partition("`--by` takes")[2].partition("Times are UTC")[0])} == {
        *DIMENSIONS
    }


def options(verb: str) -> set[str]:
    described = spancast(verb, "--help", environment=os.environ).stdout
    group = described.partition("\nfilters:\n")[2].partition("\n\n")[0]
    return {*re.findall(r"^  (--[a-z-]+)", group, re.MULTILINE)}


@pytest.mark.parametrize("verb", ["costs", "calls", "tail"])
def test_every_filter_is_on_the_page_and_in_every_verb(verb: str) -> None:
    said = PAGE.partition("## Which calls")[2].partition("```")[0]
    assert {*re.findall(r"`(--[a-z-]+)", said)} == options(verb)


def test_every_member_for_scripts_is_on_the_page_in_its_order(tmp_path: Path) -> None:
    report = json.loads(spancast("costs", "--json", "--home", str(tmp_path), environment=os.environ).stdout)
    table = PAGE.partition("| member | |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE) == [*report["total"]]


def test_every_member_of_a_users_page_is_on_the_page_in_its_order(tmp_path: Path) -> None:
    found = json.loads(spancast("user", "u", "--json", "--home", str(tmp_path), environment=os.environ).stdout)
    said = PAGE.partition("`user` one object with")[2].partition(": the day")[0].replace("Both have", "")
    assert ["user", *re.findall(r"`([a-z0-9_]+)`", said)] == [*found]
