"""The page of faults: every row names tests that there are, or says why there is none."""

import ast
import json
import os
import re
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.platform import Platform, in_json
from tests.support.programs import run_program, spancast, surroundings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \d+ \|.*\|$", PAGE, re.MULTILINE)
]


def test_every_row_of_the_matrix_is_there() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 50))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_tests_that_there_are_or_says_why_there_is_none(row: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", row[2])
    assert named or row[3], "Neither a test nor a reason."
    for each in named:
        file, _, name = each.partition("::")
        path = ROOT / "tests" / file
        assert path.is_file(), each
        functions = [
            node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
        ]
        assert not name or name in functions, each


def test_the_commands_of_the_page_are_in_the_makefile() -> None:
    made = re.findall(r"make ([a-z-]+)", PAGE)
    assert made
    assert all(f"\n{name}:" in (ROOT / "Makefile").read_text("utf-8") for name in made)


SHELL = re.findall(r"`spancast ([a-z]+)((?: --?[a-z]+(?: \w+)?)*)`", PAGE)
LISTS = [json.loads(each) for each in re.findall(r"\[\"spancast\".*?\]", PAGE)]
COMMANDS = {(verb, *options.split()) for verb, options in SHELL} | {tuple(each[1:]) for each in LISTS}


@pytest.mark.parametrize("command", sorted(COMMANDS), ids=" ".join)
def test_a_command_of_the_page_is_one(command: tuple[str, ...]) -> None:
    help_of = spancast(command[0], "--help", environment=os.environ).stdout
    assert [option for option in command if option.startswith("--") and option not in help_of] == []


def test_the_page_says_how_to_deliver_from_beside_and_at_the_end() -> None:
    assert {("deliver", "--forever"), ("deliver", "--timeout", "20")} <= COMMANDS


def test_an_application_whose_sidecar_delivers_needs_no_key(tmp_path: Path) -> None:
    program = """
import os, httpx2
url, body = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", {"model": "openai/gpt-4o-mini", "messages": []}
httpx2.post(url, json=body, headers={"authorization": "Bearer sk-or-v1-simulator"})
"""
    with Simulator(seed=1) as openrouter, Platform(in_json(200, {})).open() as platform:
        shared = surroundings(tmp_path / "home", openrouter, SPANCAST_DESTINATIONS="langfuse")
        done = run_program(program, {**shared, "SPANCAST_DELIVERY": "external"})
        assert (done.returncode, done.stderr, platform.received) == (0, "", [])
        keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1", "LANGFUSE_BASE_URL": platform.url}
        spancast("deliver", "--timeout", "20", environment={**shared, **keys}, check=False)
        assert len(platform.received) > 0
