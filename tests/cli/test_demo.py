"""The demo says whose answers it shows."""

import pytest

from spancast.cli import demo, main


def test_it_says_that_the_answers_are_made_up(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "APPS", ("01_chat",))
    assert main(["demo"]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("The answers come from a simulator on this machine: their words, tokens and dollars ")
    assert "\n1 call, $" in printed


def test_it_asks_for_a_key_before_it_says_that_the_answers_are_real(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert main(["demo", "--live"]) == 1
    printed = capfd.readouterr()
    assert (printed.out, "OPENROUTER_API_KEY is not set" in printed.err) == ("", True)
