"""Row 39: what the caller's thread does and waits for, where a record is kept."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.bookkeeping.records import ROOT, output

TRIES = 6
"""The machine may be busy with something else, and a wait is at its least what it is without that."""
P50, P99 = 15.0, 100.0
"""Microseconds that an append takes at most, at the median and at the 99th percentile."""

COUNTED = """
import os, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
journal, records = Journal(Path(sys.argv[1])), [call() for _ in range(250)]
for record in records[:50]:
    journal.append(record)
os.write(1, b"begin")
for record in records[50:]:
    journal.append(record)
os.write(1, b"end")
os._exit(0)
"""

TIMED = """
import sys, time
from pathlib import Path
from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from tests.support.calls import a_call
home = Path(sys.argv[1])
journal, calls = Journal(home), [a_call() for _ in range(4000)]
pump = Pump(journal, Drainer(home, (Book(home), Outbox(home))))
pump.start()
waits = []
for call in calls:
    began = time.perf_counter_ns()
    journal.append(call)
    waits.append(time.perf_counter_ns() - began)
waits.sort()
print(waits[len(waits) // 2] / 1e3, waits[len(waits) * 99 // 100] / 1e3)
pump.stop(20.0)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="There is no strace here to watch the calls with.")
def test_a_record_costs_its_caller_one_write_and_no_other_wait(tmp_path: Path) -> None:
    """It looks, too, whose process and whose descriptor it is, for which nothing is waited for.

    The interpreter's heap may grow at any of its allocations, which is a call of the system's and no wait.
    """
    log, path = tmp_path / "log", f"{ROOT / 'src'}:{ROOT / 'exporters'}:{ROOT}"
    watched = ["strace", "-e", "trace=!%memory", "-o", log, "-E", f"PYTHONPATH={path}"]
    command = [*watched, sys.executable, "-c", COUNTED, tmp_path / "home"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    between = log.read_text().partition('write(1, "begin"')[2].partition('write(1, "end"')[0]
    assert Counter(re.findall(r"(?m)^(\w+)\(", between)) == {"getpid": 200, "lseek": 200, "write": 200}


@pytest.mark.slow
def test_a_caller_waits_some_microseconds(tmp_path: Path) -> None:
    found = []
    while not found or (not _is_quick(*map(min, zip(*found, strict=True))) and len(found) < TRIES):
        found.append(tuple(map(float, output(TIMED, tmp_path / str(len(found))).split())))
    assert _is_quick(*map(min, zip(*found, strict=True))), found


def _is_quick(p50: float, p99: float) -> bool:
    return p50 <= P50 and p99 <= P99
