"""`spancast ledger prune`, and what reports say of the days whose calls are gone."""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call

posix = pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX's")

DAY = 24 * 3600 * 10**9


@pytest.fixture
def booked(home):
    """Calls of today, and of 50 and 100 days ago."""
    now = time.time_ns()
    with closing(Book(home)) as book:
        several = [
            call(user="a", session=f"s{days}", cost=Decimal("0.5"), duration=10**9, started_at=now - days * DAY)
            for days in (0, 50, 100)
        ]
        book.apply("writer-000001.seg", 1, several)
    return home


@pytest.fixture
def first():
    """The day of 60 days ago."""
    return f"{datetime.now(UTC) - timedelta(days=60):%Y-%m-%d}"


def left(home) -> int:
    with closing(Book(home)) as book:
        return len(list(calls(book, Filter())))


def test_it_says_what_goes_and_from_when_on_calls_are_kept(spancast, booked, first):
    status, printed, _ = spancast("ledger", "prune", "--older-than", "60d", "--yes")
    assert (status, left(booked)) == (0, 2)
    assert f"1 call from before {first} (UTC)" in printed
    assert f"will start on {first}." in printed
    assert "1 call removed" in printed
    assert json.loads(spancast("ledger", "check", "--json")[1])["kept_since"] == first
    assert f"No call from before {first}" in spancast("ledger", "prune", "--older-than", "60d")[1]


def test_without_a_terminal_and_without_a_word_nothing_goes(spancast, booked):
    status, _, complaint = spancast("ledger", "prune", "--older-than", "60d")
    assert (status, left(booked)) == (2, 3)
    assert "Give --yes" in complaint


@posix
@pytest.mark.parametrize(("answer", "stay"), [("y\n", 2), ("n\n", 3), ("\n", 3), ("\4", 3)])
def test_on_a_terminal_it_asks(answer, stay, booked):
    import pty  # noqa: PLC0415 - POSIX alone has it

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "spancast", "ledger", "prune", "--older-than", "60d", "--home", str(booked)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.write(ours, answer.encode())
        printed, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, left(booked)) == (0, stay)
    assert ("Nothing is removed" in printed) == (stay == 3)


@pytest.mark.parametrize("wrong", ["2999-01-01", "soon", "-5d"])
def test_what_is_to_come_cannot_be_removed(wrong, spancast, booked):
    status, _, complaint = spancast("ledger", "prune", f"--older-than={wrong}", "--yes")
    assert (status, left(booked)) == (2, 3)
    assert wrong in complaint


@pytest.mark.parametrize("by", ["session", "hour", "tag:f", "user,model"])
def test_a_report_that_needs_the_calls_says_from_when_on_it_is_whole(by, spancast, booked, first):
    assert json.loads(spancast("costs", "--by", by, "--json")[1])["complete_since"] is None
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    found = json.loads(spancast("costs", "--by", by, "--json")[1])
    assert (found["complete_since"], found["total"]["calls"]) == (first, 2)
    assert f"Calls before {first} were pruned" in spancast("costs", "--by", by)[1]


@pytest.mark.parametrize("by", ["user", "day", "model", "month", "provider,week"])
def test_a_report_that_the_sums_answer_is_whole_and_says_so(by, spancast, booked):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    found = json.loads(spancast("costs", "--by", by, "--json")[1])
    assert (found["complete_since"], found["total"]["calls"]) == (None, 3)
    assert "Single calls" not in spancast("costs", "--by", by)[1]


def test_what_began_later_is_whole(spancast, booked, first):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    asked = ["costs", "--by", "session", "--json", "--since"]
    assert json.loads(spancast(*asked, first)[1])["complete_since"] is None
    assert json.loads(spancast(*asked, "55d")[1])["complete_since"] is None
    assert json.loads(spancast(*asked, "120d")[1])["complete_since"] == first
    assert json.loads(spancast(*asked, "120d", "--until", "110d")[1])["complete_since"] is None


def test_half_a_day_of_which_the_calls_are_gone_is_not_whole(spancast, booked, first):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    noon = f"{datetime.now(UTC) - timedelta(days=100):%Y-%m-%d}T00:00:01Z"
    assert json.loads(spancast("costs", "--by", "day", "--json", "--since", noon)[1])["complete_since"] == first


def test_latencies_say_it_too(spancast, booked, first):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    shown = ["costs", "--show", "latency"]
    assert json.loads(spancast(*shown, "--by", "session", "--json")[1])["complete_since"] == first
    assert json.loads(spancast(*shown, "--by", "model", "--json")[1])["complete_since"] is None
    assert f"Calls before {first} were pruned" in spancast(*shown, "--by", "session")[1]


def test_a_list_of_calls_says_it_under_its_table(spancast, booked, first):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    assert spancast("calls")[1].endswith(f"Calls before {first} were pruned and are missing here.\n")
    assert "were pruned" not in spancast("calls", "--since", first)[1]
    assert "were pruned" not in spancast("calls", "--limit", "1")[1]


def test_an_exported_file_is_told_to_lack_them(spancast, booked, first):
    spancast("ledger", "prune", "--older-than", "60d", "--yes")
    assert f"Calls before {first} were pruned" in spancast("ledger", "export", "--to", "calls.csv")[2]
    assert "were pruned" not in spancast("ledger", "export", "--to", "calls.csv", "--since", first)[2]
