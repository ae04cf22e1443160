"""A file system that stalls is felt once; what waits meanwhile is written, in order, when it is well again."""

import json
import sys
from pathlib import Path

import pytest

from tests.bookkeeping.records import output
from tests.faults.booked import drained

STALLING = """
import json, os, sys, threading, time
from pathlib import Path
write, utime, stalled = os.write, os.utime, threading.Event()

def slow(function):
    def call(*args):
        while stalled.is_set():
            time.sleep(0.01)
        return function(*args)
    return call

os.write, os.utime = slow(write), slow(utime)
from spancast import guard
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call

home = Path(sys.argv[1])
journal = Journal(home)
pump = Pump(journal, Drainer(home, [Book(home), Outbox(home)]))
pump.start()
felt, numbers = [], iter(range(10_000))

def append():
    began = time.perf_counter()
    journal.append(call(user=str(next(numbers))))
    felt.append(time.perf_counter() - began)

append()
stalled.set()
threading.Timer(1.0, stalled.clear).start()
threads = [threading.Thread(target=append) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
stalled.set()                              # and again, while what waits is being written
threading.Timer(1.0, stalled.clear).start()
while stalled.is_set():
    append()
    time.sleep(0.01)
deadline = time.monotonic() + 20
while journal._behind and time.monotonic() < deadline:
    time.sleep(0.01)
append()
print(json.dumps({"felt": felt, "slow": guard.faults["slow append"], "lost": journal.waiting.lost, "at": len(felt)}))
pump.stop()
journal.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it is POSIX's calls that stall here")
def test_a_stall_is_felt_once_and_counted(tmp_path: Path) -> None:
    told = json.loads(output(STALLING, tmp_path))
    slow = [felt for felt in told["felt"] if felt > 0.25]
    assert len(slow) == 1, "one append meets the stall; the others look away after a tenth of a second"
    assert told["slow"] >= 1
    assert told["lost"] == {}
    assert sorted(int(user) for user, _ in drained(tmp_path)) == list(range(told["at"]))
