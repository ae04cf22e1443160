"""The page of faults: every row names tests that there are, or says why there is none."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \d+ \|.*\|$", PAGE, re.MULTILINE)
]


def test_every_row_of_the_matrix_is_there() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 49))


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
