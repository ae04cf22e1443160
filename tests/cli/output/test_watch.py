"""What is shown again and again."""

import json
import sys

import pytest

from tests.bookkeeping.records import call
from tests.cli.pipe import Pipe
from tests.cli.terminal import Terminal

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are POSIX's")


@posix
def test_a_terminal_is_drawn_anew_in_place_until_it_is_interrupted(home, written):
    written(call(user="first"))
    with Terminal("costs", "--watch", "0.1", columns=60) as terminal:
        terminal.until("first")
        written(call(user="second"))
        printed = terminal.until("second")
        assert terminal.interrupt() == 0
    assert printed.startswith("\x1b[2J\x1b[H")
    assert printed.count("\x1b[2J") == 1
    assert "every 0.1 s until Ctrl-C" in printed


@posix
def test_what_is_watched_is_never_taller_than_the_terminal(home, written):
    written(*(call(user=f"u{number}") for number in range(50)))
    with Terminal("costs", "--watch", "0.1", lines=12) as terminal:
        terminal.until("\x1b[J\x1b[H")
        assert terminal.interrupt() == 0
    frame = terminal.printed.split("\x1b[J")[0]
    assert frame.count("\n") < 12
    assert "48 more" in frame
    assert "total" in frame


@posix
def test_a_very_low_terminal_loses_the_middle(home, written):
    written(*(call(user=f"u{number}") for number in range(50)))
    with Terminal("costs", "--watch", "0.1", "--top", "30", lines=9) as terminal:
        terminal.until("\x1b[J\x1b[H")
        assert terminal.interrupt() == 0
    frame = terminal.printed.split("\x1b[J")[0]
    assert frame.count("\n") < 9
    assert "...\x1b[K" in frame


@posix
def test_elsewhere_it_is_printed_once_a_period(home, written):
    with Pipe("costs", "--watch", "0.1", "--json") as watch:
        assert json.loads(watch.line())["total"]["calls"] == 0
        written(call(user="u"))
        while not (seen := json.loads(watch.line()))["rows"]:
            pass
        assert watch.interrupt()[0] == 0
    assert seen["rows"][0]["user"] == "u"


@posix
def test_a_reader_that_goes_away_ends_it_quietly(home, written):
    written(call(user="u"))
    with Pipe("costs", "--watch", "0.1") as watch:
        assert watch.line().startswith("user")
        assert watch.leave() == (0, "")


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "nan", "inf", "1e9"])
def test_a_period_that_is_none_is_misuse(spancast, home, wrong):
    status, printed, complaint = spancast("costs", f"--watch={wrong}")
    assert (status, printed) == (2, "")
    assert f"{wrong!r} is not a time. Write seconds, from 0.1 to 86400." in complaint


def test_csv_is_not_watched(spancast, home):
    status, printed, complaint = spancast("costs", "--watch", "--csv")
    assert (status, printed) == (2, "")
    assert "Write --json." in complaint
