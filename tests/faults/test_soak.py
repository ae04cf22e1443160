"""Row 48: six destinations that fail at random, an application that is killed at random, and each call on each of them.

It lasts `SOAK_SECONDS`, and an hour of it is a night's work: `SOAK_SECONDS=3600 SOAK_RATE=500`. The waits that are ours
to choose are shortened, so that there are many faults in a short time.
"""

import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from spancast.bookkeeping.book import Book
from spancast.delivery.outbox.outbox import Outbox
from tests.bookkeeping.records import python
from tests.support.faults import modes
from tests.support.faults.asking import Asked
from tests.support.faults.collector import Door, FaultCollector, Mode, Refused
from tests.support.faults.desk import always_adding_up, assert_adds_up
from tests.support.oracle import marks

SECONDS = float(os.environ.get("SOAK_SECONDS", "30"))
RATE = float(os.environ.get("SOAK_RATE", "60"))
"""Calls a second. Each goes to six destinations, and the platforms of this test are slower than any."""
EACH = 1.5
"""Seconds for which a platform keeps to one way to fail."""
LIFE = 6.0
"""Seconds that an application lives at most, where it is killed."""
SETTLED = 120.0
"""Seconds within which all is delivered once everything is well."""
MB = 1024 * 1024
GROWTH = 1.0
"""MB of memory that an hour may add, once the first half of it has filled what is kept."""
UNEVEN = 6.0
"""MB by which the memory of a process goes up and down as it is."""
FAULTS = (
    *(modes.healthy, modes.healthy, modes.refused, modes.status(503), modes.status(500), modes.hang),
    *(modes.reset_before, modes.reset_after, modes.lost_answer, modes.retry_after("1"), modes.trickling_headers),
    *(modes.never_reading, modes.redirect(302, "http://127.0.0.1:9/")),
)
APP = """
import sys, time, secrets
from pathlib import Path
from spancast.bookkeeping.book import Book
from spancast.contract import Traits
from spancast.delivery.courier import doubt
from spancast.delivery.http import backoff, wire
from spancast.delivery.courier.courier import Courier
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from spancast.delivery.worker import WorkerThread
from spancast.destinations.destination import Destination
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span
from tests.support.faults.asking import Asking
from tests.support.oracle import Oracle

backoff.CAP_SECONDS, backoff.PROBE_SECONDS, wire.TIMEOUT_SECONDS, doubt.RETRY_SECONDS = 1.0, 0.3, 0.5, 0.2
home, oracle, rate, urls = Path(sys.argv[1]), Oracle(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
book, outbox, journal = Book(home), Outbox(home), Journal(home)
counting = Traits(resend="duplicates", visible_after=0.5)
exporters = {
    f"platform-{number}": Asking(url=url, traits=counting) if number % 2 else Otlp(endpoint=url)
    for number, url in enumerate(urls)
}
couriers = [
    WorkerThread(Courier(Destination(each, name=name), each, outbox, to_span, home)) for name, each in exporters.items()
]
pump = Pump(journal, Drainer(home, [book, outbox]), [courier.wake for courier in couriers])
pump.start()
print("ready", flush=True)
due = time.monotonic()
for _ in range(round(float(sys.stdin.readline()) * rate)):
    ids = {name: secrets.token_hex(size) for name, size in (("call_id", 16), ("trace_id", 16), ("span_id", 8))}
    oracle.mark("begun", ids["span_id"])
    journal.append(a_call(destinations=tuple(exporters), **ids))
    oracle.mark("done", ids["span_id"])
    due += 1 / rate
    time.sleep(max(0.0, due - time.monotonic()))
print("over", flush=True)
sys.stdin.readline()  # until it is killed, or told that all is well
while not pump.flush(1.0) or any(one.waiting for one in outbox.standings()):
    time.sleep(0.1)
"""


class Soak:
    """Six platforms that fail at random, and the application that sends to them."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.home, self.marks = folder / "home", folder / "marks"
        self.platforms = [opened.enter_context(FaultCollector().open()) for _ in range(6)]
        self.chance = random.Random(7)
        self.memory: list[float] = []
        """MB of the application, at intervals."""
        self.begin(SECONDS)

    def begin(self, seconds: float) -> None:
        """Start an application that makes calls for so long."""
        urls = [platform.url for platform in self.platforms]
        self.process = python(APP, self.home, self.marks, RATE, *urls)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        print(seconds, file=self.process.stdin, flush=True)
        self.dies = time.monotonic() + self.chance.uniform(1.0, LIFE)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def be(self, choose: Callable[[], Mode]) -> None:
        """Have each platform be like that; every other one can be asked what it has."""
        for number, platform in enumerate(self.platforms):
            mode = choose()
            platform.mode = Asked(mode) if number % 2 and not isinstance(mode, Door | Refused) else mode

    def live(self, *, killed: bool) -> None:
        """Be at random for as long as it lasts, and then have all be well."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            self.be(lambda: self.chance.choice(FAULTS))
            time.sleep(EACH)
            self.memory.append(psutil.Process(self.process.pid).memory_info().rss / MB)
            if killed and time.monotonic() > self.dies:
                self.kill()
                self.begin(SECONDS)
            elif self.chance.random() < 0.1:
                self.process.send_signal(signal.SIGSTOP)
                time.sleep(EACH / 2)
                self.process.send_signal(signal.SIGCONT)
        self.be(lambda: modes.healthy)
        if killed:
            self.kill()
            self.begin(0.0)
        self.process.communicate("all is well\n", timeout=SETTLED)
        assert self.process.returncode == 0

    def assert_whole(self) -> None:
        """Everything that was done is booked once, and is on each platform; once, where it would count twice."""
        done, begun = {*marks(self.marks, "done")}, {*marks(self.marks, "begun")}
        with closing(Book(self.home)) as book, book.reading() as connection:
            booked = [row["span_id"] for row in connection.execute("SELECT span_id FROM calls")]
        assert len(booked) == len({*booked}) > 0
        assert done <= {*booked} <= begun
        for number, platform in enumerate(self.platforms):
            assert {*platform.accepted} == {*booked}, number
            assert number % 2 == 0 or {*platform.accepted.values()} == {1}, number
        with closing(Outbox(self.home)) as outbox:
            assert_adds_up(outbox.standings())
            assert {one.delivered for one in outbox.standings()} == {len(booked)}


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 2 * SETTLED)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("killed", [True, False], ids=["killed again and again", "lives on"])
def test_whatever_happens_for_long_everything_is_everywhere_once(tmp_path: Path, killed: bool) -> None:
    with ExitStack() as opened:
        soak = Soak(tmp_path, opened)
        with always_adding_up(soak.home):
            soak.live(killed=killed)
        soak.assert_whole()
        if not killed:
            assert len(marks(soak.marks, "done")) == round(SECONDS * RATE)
            half, quarter = len(soak.memory) // 2, len(soak.memory) // 4
            grown = statistics.median(soak.memory[-quarter:]) - statistics.median(soak.memory[half : half + quarter])
            assert grown <= UNEVEN + GROWTH * SECONDS / 3600
