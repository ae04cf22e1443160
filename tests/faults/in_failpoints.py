"""A small life of a process, with a seam at every call into the system: `python -m tests.faults.in_failpoints HOME`.

With `--every N before:kill ...` it forks for every Nth point, strikes there, and checks what the next process finds.
"""

import itertools
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

from tests.faults.failpoints import VARIABLE, Failpoints, Fault

WRITE = os.write
SEAMS = Failpoints(Fault.of_the_environment())
if __name__ == "__main__":
    SEAMS.install()

from spancast.base import guard  # noqa: E402 - behind the seams
from spancast.bookkeeping.book import Book  # noqa: E402
from spancast.delivery.journal import segments  # noqa: E402
from spancast.delivery.journal.drainer import Drainer  # noqa: E402
from spancast.delivery.journal.journal import Journal, journal_folder  # noqa: E402
from spancast.delivery.outbox.ack import Ack  # noqa: E402
from spancast.delivery.outbox.outbox import Outbox  # noqa: E402
from spancast.records.content import Content  # noqa: E402
from tests.bookkeeping.records import call  # noqa: E402
from tests.support.oracle import Oracle, marks  # noqa: E402

DESTINATION = "platform"
segments.ROTATE_BYTES = 400


def live(home: Path, oracle: Oracle) -> None:
    """Append calls, some of which span a rotation; drain; acknowledge a part; append and drain again; end."""
    journal, book, outbox = Journal(home), Book(home), Outbox(home)
    drainer = Drainer(home, [book, outbox])
    for number in range(2):
        _call(journal, oracle, f"{number}")
    pending = call(outcome=None, call_id=f"{99:032x}", destinations=(DESTINATION,))
    oracle.mark("begun", pending.call_id)
    journal.append(pending)
    journal.append(Content(call_id=f"{1:032x}", input_messages="[]"))
    _turn(journal, drainer)
    with suppress(OSError, sqlite3.Error):
        taken = outbox.take(DESTINATION, 2)
        if taken:
            outbox.ack(DESTINATION, Ack(cursor=taken[-1].seq, delivered=[each.seq for each in taken]))
    for number in range(2, 4):
        _call(journal, oracle, f"{number}")
    _turn(journal, drainer)
    journal.close()
    book.close()
    outbox.close()


def _call(journal: Journal, oracle: Oracle, number: str) -> None:
    finished = call(
        call_id=f"{int(number):032x}", user=number, cost=Decimal("0.001"), destinations=(DESTINATION,), content=True
    )
    oracle.mark("begun", finished.call_id)
    journal.append(finished)
    oracle.mark("appended", finished.call_id)


def _turn(journal: Journal, drainer: Drainer) -> None:
    """What the pump does."""
    with suppress(OSError, sqlite3.Error):
        journal.catch_up()
        drainer.drain(5.0, journal)


def found(home: Path, marked: Path) -> list[str]:
    """Let the next process drain, and return what is wrong with what it finds."""
    wrong = []
    with closing(Book(home)) as book, closing(Outbox(home)) as outbox:
        if not Drainer(home, [book, outbox]).drain(5.0):
            wrong.append("the drainer's lock is held by nobody alive")
        with book.reading() as connection:
            rows = dict(map(tuple, connection.execute("SELECT call_id, outcome FROM calls")))
        with outbox._store.reading() as connection:
            kept = {row["call_id"] for row in connection.execute("SELECT call_id FROM record")}
        appended, begun = set(marks(marked, "appended")), set(marks(marked, "begun"))
        wrong += [f"lost from the ledger: {each}" for each in appended - {*rows}]
        wrong += [f"lost from the outbox: {each}" for each in appended - kept]
        wrong += [f"never happened: {each}" for each in {*rows} - begun]
        wrong += [f"{each} is {rows[each]}" for each in appended if rows.get(each, "completed") != "completed"]
        for standing in outbox.standings():
            decided = standing.delivered + standing.dead + standing.expired + standing.shed + standing.skipped
            if standing.captured != decided + standing.waiting:
                wrong.append(f"the account does not add up: {standing}")
        wrong += _sound(home)
    return wrong


def _sound(home: Path) -> Iterator[str]:
    yield from (f"left over: {path.name}" for path in journal_folder(home).glob("*.seg"))
    for name in ("ledger.db", "outbox.db"):
        with closing(sqlite3.connect(home / name)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
            if said != "ok":
                yield f"{name}: {said}"


def every(nth: int, hows: list[tuple[str, str]]) -> None:
    """Strike at every nth seam, each time in a process of its own."""
    os.environ.pop(VARIABLE, None)
    tried, wrong = 0, {}
    for when, how in hows:
        for at in itertools.count(1, nth):
            with tempfile.TemporaryDirectory() as folder:
                home, marked = Path(folder, "home"), Path(folder, "marks")
                ended, name = _strike(Fault(at, when, how), home, marked)
                if name is None:
                    break
                tried += 1
                found_wrong = found(home, marked) if how == "kill" or ended == 0 else [f"ended with {ended}"]
                if found_wrong:
                    wrong[f"{at}:{when}:{how} {name}"] = found_wrong
    sys.stdout.write(json.dumps({"tried": tried, "wrong": wrong}))


def _strike(fault: Fault, home: Path, marked: Path) -> tuple[int, str | None]:
    """Live with a fault in a forked process; return how it ended, and the seam, if there is one so late."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            oracle = Oracle(marked)
            SEAMS.fault, SEAMS.passed = fault, _Telling(fault.at, writing)
            with SEAMS:
                live(home, oracle)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        name = told.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), name or None


class _Telling(list[str]):
    """Tells the other process of the seam at which the fault is, as it is passed."""

    def __init__(self, at: int, told: int) -> None:
        super().__init__()
        self._at, self._told = at, told

    def append(self, name: str) -> None:
        super().append(name)
        if len(self) == self._at:
            WRITE(self._told, name.encode())


if __name__ == "__main__":
    guard.strict = False
    if sys.argv[1] == "--every":
        every(int(sys.argv[2]), [tuple(each.split(":")) for each in sys.argv[3:]])  # type: ignore[misc]
    else:
        with SEAMS:
            live(Path(sys.argv[1]), Oracle(Path(sys.argv[1]) / "marks"))
        sys.stdout.write("\n".join(SEAMS.passed))
