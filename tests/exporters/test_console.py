import io
import json
import sys
from decimal import Decimal

import pytest
import structlog

from spancast.contract import Delivered, Retry, Sink
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast_exporters.console import Console
from tests.support.delivered import deliver
from tests.support.spans import WORDS, a_trace, of_call

UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    monkeypatch.delenv("SPANCAST_CONSOLE_FORMAT", raising=False)


def said(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_it_is_a_sink():
    assert isinstance(discover.exporter(Destination("console")), Sink)


def test_each_call_is_one_event(tmp_path, capsys):
    assert deliver(tmp_path, a_trace(), "console").delivered == 4
    first, second = said(capsys).splitlines()
    assert "openrouter.call" in first
    assert "cost_usd=0.000106000000000001" in first
    assert "model=openai/gpt-5-mini-2025-08-07" in first
    assert "error" in second
    assert "error_type=rate_limit_exceeded" in second


def test_it_may_be_json(monkeypatch, capsys):
    monkeypatch.setenv("SPANCAST_CONSOLE_FORMAT", "json")
    exporter = discover.exporter(Destination("console"))
    assert isinstance(exporter, Console)
    assert exporter.write([of_call()]) == Delivered()
    found = json.loads(said(capsys))
    assert (found["event"], found["level"], found["seconds"]) == ("openrouter.call", "info", 2.0)
    assert (found["cost_usd"], found["input_tokens"]) == ("0.000106000000000001", 1200)
    assert found["timestamp"] == "2026-09-21T14:13:22Z"


def test_an_unknown_cost_is_not_told_and_nothing_is(capsys):
    Console(format="json").write([of_call(**UNKNOWN), of_call(**{**UNKNOWN, "cost": Decimal(0)})])
    unknown, free = map(json.loads, said(capsys).splitlines())
    assert not [name for name in unknown if "cost" in name]
    assert free["cost_usd"] == "0"


@pytest.mark.parametrize("form", ["text", "json"])
def test_words_are_not_shown(capsys, form):
    Console(format=form).write([of_call(WORDS)])
    assert "Paris" not in said(capsys)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_terminal_obeys_nobody_and_an_event_stays_one_line(capsys, form):
    Console(format=form).write([of_call(user="\x1b[2Jme\nyou\ud800", session="s\u2028")])
    (line,) = said(capsys).split("\n")[:-1]
    assert line.isprintable()


def test_what_the_application_configured_is_left_alone(capsys):
    seen = []
    structlog.configure(processors=[lambda _, __, event: seen.append(event) or "mine"])
    try:
        before = structlog.get_config()
        Console().write([of_call()])
        assert structlog.get_config() == before
    finally:
        structlog.reset_defaults()
    assert seen == []
    assert "openrouter.call" in said(capsys)
    Console().write([of_call()])
    assert not structlog.is_configured()


@pytest.mark.parametrize("closed", [True, False])
def test_where_nothing_is_heard_calls_wait(monkeypatch, closed):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if closed else None)
    assert isinstance(Console().write([of_call()]), Retry)


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigurationError, match="json"):
        discover.exporter(Destination("console", format="xml"))
