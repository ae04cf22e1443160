"""A loss of power: what was synced is there, in whichever state the rest is; and what is there can be used."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.outbox.outbox import Outbox
from tests.bookkeeping.records import ROOT
from tests.support.power import Call, losses, traced

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="There is no strace here to watch the calls with."
)

PROGRAM = """
import os, sys, time
from pathlib import Path
from spancast.delivery.journal import segments
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call
segments.ROTATE_BYTES = 20_000
home = Path(sys.argv[1])
journal = Journal(home, sys.argv[2])
pump = Pump(journal, Drainer(home, [Book(home), Outbox(home)]))
pump.start()
for number in range(int(sys.argv[3])):
    journal.append(call(call_id=f"{number:032x}", destinations=("platform",), user="x" * 100))
    os.write(1, b"acked %d\\n" % number)
    time.sleep(0.005)
os._exit(0)
"""
WITHIN = {"power": 0.0, "process": 0.5}
"""Seconds of calls that a loss of power may cost."""


def acked(calls: list[Call], until: int, before: float) -> set[str]:
    """Return the calls that were appended `before` seconds ahead of an instant."""
    now = calls[until].at
    said = [call for call in calls[: until + 1] if call.strings[:1] and call.strings[0].startswith(b"acked ")]
    return {f"{int(call.strings[0].split()[1]):032x}" for call in said if call.at <= now - before}


def check(mode: str, points: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "exporters"), str(ROOT)])
    calls = traced(PROGRAM, home, mode, 150, log=tmp_path / "log", environment=os.environ | {"PYTHONPATH": path})
    begun = next(number for number, call in enumerate(calls) if call.strings[:1] == (str(home / "journal").encode(),))
    chosen = random.Random(points).sample(range(begun, len(calls)), points)
    for number, left in losses(calls, home, chosen, tmp_path / "left"):
        with closing(Book(left)) as book, closing(Outbox(left)) as outbox:
            assert Drainer(left, [book, outbox]).drain(5.0)
            with book.reading() as connection:
                found = {row["call_id"] for row in connection.execute("SELECT call_id FROM calls")}
                (said,) = connection.execute("PRAGMA integrity_check").fetchone()
            with outbox._store.reading() as connection:
                kept = {row["call_id"] for row in connection.execute("SELECT call_id FROM record")}
        assert not list(left.glob("*.damaged-*"))
        assert said == "ok"
        missing = acked(calls, number, WITHIN[mode]) - (found & kept)
        assert not missing, (number, calls[number].name, sorted(missing))
        shutil.rmtree(left)


@pytest.mark.parametrize("mode", WITHIN)
def test_a_loss_of_power_costs_no_more_than_was_said(mode: str, tmp_path: Path) -> None:
    check(mode, 8, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", WITHIN)
def test_a_loss_of_power_at_any_instant_costs_no_more_than_was_said(mode: str, tmp_path: Path) -> None:
    check(mode, 250, tmp_path)


def test_the_replay_finds_what_is_not_synced(tmp_path: Path) -> None:
    program = "import sys, sqlite3; db = sqlite3.connect(sys.argv[1] + '/some.db', isolation_level=None)\n"
    program += (
        "db.execute('PRAGMA synchronous=OFF'); db.execute('PRAGMA journal_mode=WAL'); db.execute('CREATE TABLE t(x)')\n"
    )
    program += "[db.execute('INSERT INTO t VALUES (randomblob(3000))') for _ in range(200)]; db.close()"
    home = tmp_path / "home"
    home.mkdir()
    calls = traced(program, home, log=tmp_path / "log", environment=dict(os.environ))
    rows = []
    for _, left in losses(calls, home, [len(calls) - 1], tmp_path / "left"):
        try:
            with closing(sqlite3.connect(left / "some.db")) as connection:
                rows.append(connection.execute("SELECT count(*) FROM t").fetchone()[0])
        except sqlite3.DatabaseError:
            rows.append(0)
    assert rows != [200]
