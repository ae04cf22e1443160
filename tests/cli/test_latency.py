"""`spancast costs --show latency`."""

import csv
import io
import json
from decimal import Decimal

import pytest

from tests.bookkeeping.records import call

SECOND = 10**9
AT = 1_790_000_000 * SECOND
DAY = 24 * 3600 * SECOND
CLOSE = 0.022
"""By which a histogram is off at most."""


@pytest.fixture
def timed(written):
    fast = {"response_model": "fast", "user": "a", "streamed": True, "time_to_first_token": SECOND // 5}
    calls = [call(**fast, started_at=AT, duration=SECOND * 12 // 10, output_tokens=100) for _ in range(9)]
    calls += [call(**fast, started_at=AT + DAY, duration=10 * SECOND, output_tokens=98)]
    slow = call(response_model="slow", started_at=AT, duration=90 * SECOND)
    failed = call(response_model="slow", duration=SECOND, outcome="error", error_type="502")
    written(*calls, slow, failed)


@pytest.mark.parametrize("by", ["model", "user,model"])
def test_percentiles_are_those_of_completed_calls(by, spancast, timed):
    status, printed, _ = spancast("costs", "--show", "latency", "--by", by, "--json")
    found = json.loads(printed)
    fast, slow = found["rows"]
    assert (status, fast["model"], fast["calls"], slow["model"], slow["calls"]) == (0, "fast", 10, "slow", 1)
    assert fast["p50_s"] == pytest.approx(1.2, rel=CLOSE)
    assert fast["p95_s"] == pytest.approx(10, rel=CLOSE)
    assert fast["first_token_p50_s"] == fast["first_token_p95_s"] == pytest.approx(0.2, rel=CLOSE)
    assert fast["tokens_per_second_p50"] == pytest.approx(100, rel=CLOSE)
    assert (slow["p50_s"], slow["first_token_p50_s"], slow["tokens_per_second_p50"]) == (
        pytest.approx(90, rel=CLOSE),
        None,
        None,
    )
    assert (found["total"]["calls"], found["complete_since"]) == (11, None)


def test_csv_has_the_same_columns(spancast, timed):
    printed = spancast("costs", "--show", "latency", "--by", "model", "--csv")[1]
    rows = list(csv.DictReader(io.StringIO(printed)))
    members = json.loads(spancast("costs", "--show", "latency", "--by", "model", "--json")[1])["rows"]
    assert [list(row) for row in rows] == [list(row) for row in members]
    assert [row["p50_s"] for row in rows] == [str(row["p50_s"]) for row in members]
    assert rows[1]["first_token_p50_s"] == ""


def test_people_read_a_table(spancast, timed):
    lines = spancast("costs", "--show", "latency", "--by", "model")[1].splitlines()
    assert lines[0].split() == ["model", "calls", "p50", "p95", "first", "token", "first", "token", "p95", "tok/s"]
    assert lines[2].split()[:3] == ["slow", "1", "1m"]
    assert lines[2].split()[-3:] == ["-", "-", "-"]
    assert lines[3].split()[:2] == ["total", "11"]


def test_rows_by_a_time_come_in_its_order_and_others_by_their_calls(spancast, timed):
    asked = ["costs", "--show", "latency", "--json", "--by"]
    assert [row["day"] for row in json.loads(spancast(*asked, "day")[1])["rows"]] == ["2026-09-21", "2026-09-22"]
    assert [row["model"] for row in json.loads(spancast(*asked, "model", "--top", "1")[1])["rows"]] == ["fast"]
    assert "1 more" in spancast("costs", "--show", "latency", "--by", "model", "--top", "1")[1]


def test_a_table_fits_the_terminal(spancast, timed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    printed = spancast("costs", "--show", "latency", "--by", "model")[1]
    assert max(map(len, printed.splitlines())) <= 40


@pytest.mark.parametrize("given", [["--sort", "cost"], ["--trend"]])
def test_what_is_of_costs_alone_is_refused(given, spancast, timed):
    status, _, complaint = spancast("costs", "--show", "latency", *given)
    assert status == 2
    assert f"{given[0]} applies only to costs" in complaint


def test_without_calls_there_is_nothing_to_show(spancast, home):
    assert "No calls yet" in spancast("costs", "--show", "latency")[1]
    assert json.loads(spancast("costs", "--show", "latency", "--json")[1])["rows"] == []


def test_where_none_match_that_is_said(spancast, timed, written):
    written(call(cost=Decimal(1)))
    assert spancast("costs", "--show", "latency", "--user", "nobody")[1] == "No calls match.\n"
