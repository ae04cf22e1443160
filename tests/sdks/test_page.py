"""`docs/clients.md` names what is checked, and nothing else."""

import re

import pytest

from tests.sdks.table import PROGRAMS, SDKS
from tests.support.environments import ROOT

PAGE = (ROOT / "docs" / "clients.md").read_text("utf-8")
TABLE = PAGE.partition("## SDKs and frameworks")[2]


def test_the_libraries_of_the_page_are_those_that_are_checked() -> None:
    named = re.findall(r"^\| `([\w-]+)`", TABLE, re.MULTILINE)

    assert set(named) == {sdk.distribution for sdk in SDKS}


@pytest.mark.parametrize("program", sorted({sdk.path.name for sdk in SDKS}))
def test_every_program_is_on_the_page(program: str) -> None:
    assert f"`{program}`" in TABLE


def test_every_program_is_run() -> None:
    assert {path.name for path in PROGRAMS.glob("*.py")} == {sdk.path.name for sdk in SDKS} | {"asking.py"}
