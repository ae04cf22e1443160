"""The page of the ledger's upkeep is run, and compared with what is printed."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from spancast.cli.exporting.focus import columns
from spancast.cli.ledger import DEEDS
from spancast.testing import Simulator
from tests.support.programs import surroundings
from tests.test_docs import ROOT, blocks

PAGE = (ROOT / "docs" / "upkeep.md").read_text("utf-8")
(PROGRAM,), (SHOWN,) = blocks(PAGE, "python"), blocks(PAGE, "text")
CHANGING = {r"/\S+/ledger\.db": "FILE", r"\b3\.\d+\.\d+.*": "VERSION", r"\d{4}-\d\d-\d\d": "DAY"}
"""What is another on each machine and day."""


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the program of the page has run, and what it printed."""
    home = tmp_path_factory.mktemp("home")
    with Simulator(seed=1) as openrouter:
        environment = surroundings(home, openrouter)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True, timeout=60
        )
    return {**environment, "PRINTED": done.stdout}


def test_the_program_prints_what_the_page_says(after: Mapping[str, str]) -> None:
    assert after["PRINTED"] == SHOWN


def test_every_command_prints_what_the_page_says(after: Mapping[str, str], tmp_path: Path) -> None:
    shown = "".join(blocks(PAGE, "console"))
    printed = ""
    for command in re.findall(r"^\$ spancast (.*)$", shown, re.MULTILINE):
        arguments = [sys.executable, "-m", "spancast", *command.split()]
        done = subprocess.run(
            arguments, cwd=tmp_path, env=after, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        printed += f"$ spancast {command}\n{done.stdout}"
    assert masked(printed) == masked(shown)


def masked(text: str) -> str:
    for pattern, name in CHANGING.items():
        text = re.sub(pattern, name, text)
    return text


def test_its_sql_is_sql(after: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(f"file:{after['SPANCAST_HOME']}/ledger.db?mode=ro", uri=True)) as connection:
        (first, *others) = [
            connection.execute(query).fetchall() for query in "".join(blocks(PAGE, "sql")).split(";") if query.strip()
        ]
    assert [(user, calls) for user, calls, _ in first] == [("u_42", 2), ("u_7", 1)]
    assert all(others)


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_is_on_it(deed: str) -> None:
    assert f"| `spancast ledger {deed}" in PAGE


def test_every_column_of_focus_is_on_it() -> None:
    table = PAGE[PAGE.index("## FOCUS") : PAGE.index("## How long")]
    written = [
        name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall("`(.*?)`", cell)
    ]
    assert sorted(written) == sorted(column.name for column in columns("openrouter"))
