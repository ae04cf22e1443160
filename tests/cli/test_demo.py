"""The demo says whose answers it shows."""

import re
import sys
from pathlib import Path

import pytest

from spancast.cli import demo, main

ROOT = Path(__file__).parents[2]


def test_it_says_that_the_answers_are_made_up(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "APPS", ("01_chat",))
    assert main(["demo"]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("The answers come from a simulator on this machine: their text, tokens and dollars ")
    assert "\n1 call, $" in printed


def test_it_names_the_sdks_that_are_missing_before_it_runs_a_program(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_SDKS", ("openai", "no_such_sdk"))
    assert main(["demo"]) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert 'need no_such_sdk, which is not installed here. Run: pip install "spancast[demo]"' in printed.err


def test_the_sdks_are_what_the_programs_import() -> None:
    programs = "".join((ROOT / "examples" / f"{app}.py").read_text() for app in demo.APPS)
    imported = set(re.findall(r"^(?:import|from) (\w+)", programs, re.MULTILINE))
    assert imported - sys.stdlib_module_names == {*demo._SDKS}


def test_it_asks_for_a_key_before_it_says_that_the_answers_are_real(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert main(["demo", "--live"]) == 1
    printed = capfd.readouterr()
    assert (printed.out, "OPENROUTER_API_KEY is not set" in printed.err) == ("", True)
