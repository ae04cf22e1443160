"""`spancast ledger check`, `path` and `rebuild`."""

import json
import signal
import sqlite3
import sys
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY, date_of
from tests.bookkeeping.records import call, python

START = 20_700
"""A day, since 1970."""
CALLS = [call(user="a", cost=Decimal("0.5"), duration=5), call(user="b"), call(cost=Decimal(2))]


@pytest.fixture
def booked(home):
    with closing(Book(home)) as book:
        book.apply("writer-000001.seg", 1, CALLS)
    return home


def test_the_path_is_printed_whether_there_is_a_file_or_not(spancast, home, tmp_path):
    assert spancast("ledger", "path") == (0, f"{home / 'ledger.db'}\n", "")
    assert spancast("ledger", "path", "--home", tmp_path) == (0, f"{tmp_path / 'ledger.db'}\n", "")


def test_a_sound_ledger_is_told_to_be_sound(spancast, booked):
    status, printed, _ = spancast("ledger", "check")
    assert status == 0
    assert sqlite3.sqlite_version in printed
    assert "calls     3\n" in printed
    assert "ok        all is well" in printed


def test_scripts_are_told_the_same(spancast, booked):
    status, printed, _ = spancast("ledger", "check", "--json")
    found = json.loads(printed)
    assert (status, found["problems"], found["calls"], found["kept_since"]) == (0, [], 3, None)
    assert (found["path"], found["sqlite"]) == (str(booked / "ledger.db"), sqlite3.sqlite_version)


@pytest.mark.parametrize("deed", ["check", "rebuild", "prune --older-than 1d --yes"])
def test_where_there_is_no_ledger_none_is_made(deed, spancast, home):
    status, printed, _ = spancast("ledger", *deed.split())
    assert (status, home.exists()) == (0, False)
    assert "no ledger yet" in printed


def test_a_file_that_was_set_aside_is_told_before_there_is_another(spancast, home):
    home.mkdir()
    (home / "ledger.db.damaged-17").touch()
    printed = spancast("ledger", "check")[1]
    assert "no ledger yet" in printed
    assert "note      ledger.db.damaged-17 was damaged, and is kept.\n" in printed


def test_a_wrong_sum_is_an_exit_status_and_rebuilding_mends_it(spancast, booked):
    with closing(sqlite3.connect(booked / "ledger.db")) as connection:
        connection.execute("UPDATE kinds_daily SET cost = cost + 1")
        connection.commit()
    status, printed, _ = spancast("ledger", "check")
    assert status == 1
    assert "WRONG     kinds_daily" in printed
    assert json.loads(spancast("ledger", "check", "--json")[1])["problems"] != []
    assert spancast("ledger", "rebuild") == (0, "The sums of 3 calls are recomputed.\n", "")
    assert spancast("ledger", "check")[0] == 0


def test_damage_of_the_journal_and_losses_are_told_and_are_no_fault_of_the_file(spancast, booked):
    with closing(Book(booked)) as book:
        book.note_damage("writer-000001.seg", [7], "torn")
        book.note_lost("writer", {"queue full": 3}, Decimal("0.25"))
    status, printed, _ = spancast("ledger", "check")
    assert status == 0
    assert "1 damaged records" in printed
    assert "3 records were lost before they were written, $0.2500 (queue full: 3)" in printed
    found = json.loads(spancast("ledger", "check", "--json")[1])
    assert (found["damaged_records"], found["lost"], found["lost_usd"]) == (1, {"queue full": 3}, "0.25")


def test_a_deed_that_there_is_not_is_refused(spancast, home):
    status, _, complaint = spancast("ledger", "burn")
    assert status == 2
    assert "'path', 'check'" in complaint


PRUNE = """
import os, signal, sys
from pathlib import Path
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
upkeep.PRUNE_CHUNK = 2
upkeep.prune(Book(Path(sys.argv[1])), int(sys.argv[2]), go_on=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_killed_pruning_is_told_with_how_to_go_on(spancast, home):
    days = [START, START, START, START + 1, START + 5]
    with closing(Book(home)) as book:
        book.apply("writer-000001.seg", 1, [call(started_at=day * DAY, cost=Decimal(1)) for day in days])
    with python(PRUNE, home, START + 4) as pruning:
        assert pruning.wait(60) == -signal.SIGKILL
    first = date_of(START + 4)
    status, printed, _ = spancast("ledger", "check")
    assert status == 0
    assert f"calls     3, all of them since {first}; 2 are left from before\n" in printed
    assert f"interrupted: 2 calls are left to remove. spancast ledger prune --older-than {first} continues." in printed
    found = json.loads(spancast("ledger", "check", "--json")[1])
    assert (found["calls"], found["kept_since"], found["older_calls"]) == (3, first.isoformat(), 2)
    assert spancast("ledger", "prune", "--older-than", first, "--yes")[0] == 0
    printed = spancast("ledger", "check")[1]
    assert f"calls     1, all of them since {first}; none from before\n" in printed
    assert "interrupted" not in printed


@pytest.mark.parametrize("which", ["min", "max"])
def test_a_kind_deleted_by_hand_is_damage_that_is_told_and_mended(spancast, home, which):
    with closing(Book(home)) as book:
        calls = [call(started_at=START * DAY, provider=name, cost=Decimal(1)) for name in ("P", "Q", "P", "Q")]
        book.apply("writer-000001.seg", 1, calls)
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        connection.execute(f"DELETE FROM kinds WHERE id = (SELECT {which}(id) FROM kinds)")
        connection.commit()
    noon = f"{date_of(START)}T12:00"
    for report in ("calls", "ledger export --to - --format csv", "costs --by model"):
        status, _, complaint = spancast(*report.split())
        assert (status, complaint.count("\n")) == (1, 1), report
        assert "of its table kinds is missing" in complaint
    for report in ("costs --json", f"costs --json --until {noon}", "costs --show latency"):
        status, printed, complaint = spancast(*report.split())
        if which == "min":
            assert (status, printed, complaint.count("\n")) == (1, "", 1), report
        elif "--json" in report:  # whether it was the last is not to be told, and no dollar is hidden
            assert json.loads(printed)["total"]["cost_usd"] == "4"
    assert spancast("ledger", "check")[0] == 1
    assert spancast("ledger", "rebuild")[0] == 0
    assert [json.loads(line)["provider"] for line in spancast("calls", "--json")[1].splitlines()].count(None) == 2
    assert json.loads(spancast("costs", "--json")[1])["total"]["cost_usd"] == "4"


def test_a_text_deleted_by_hand_is_damage_that_is_told_and_mended(spancast, booked):
    with closing(sqlite3.connect(booked / "ledger.db")) as connection:
        connection.execute("DELETE FROM texts WHERE text = 'a'")
        connection.commit()
    reports = ("costs", "calls", "ledger export --to - --format csv", "costs --show latency --by user")
    of_the_user = ("user a", "costs --user a", "calls --user a", "calls --user a --limit 1", "costs --by day --user a")
    for report in (*reports, *of_the_user, "costs --show latency --user a", "costs --user another"):
        status, _, complaint = spancast(*report.split())
        assert (status, complaint.count("\n")) == (1, 1)
        assert "spancast: The ledger is damaged" in complaint
        assert "`spancast ledger rebuild` repairs" in complaint
    status, printed, _ = spancast("ledger", "check")
    assert status == 1
    assert "WRONG     entries: 1 of its rows refer to a user that is missing" in printed
    assert "1 names or tags were lost" in spancast("ledger", "rebuild")[1]
    assert spancast("ledger", "check")[0] == 0
    assert json.loads(spancast("costs", "--json")[1])["total"]["cost_usd"] == "2.5"
