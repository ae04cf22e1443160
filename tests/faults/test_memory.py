"""Row 38: an outage costs disk, and no memory."""

import subprocess
import sys

import psutil
import pytest

from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector

MB = 1024 * 1024
APP = """
import sys, time
from contextlib import closing
from pathlib import Path
from spancast.records.content import Content
from spancast.delivery.courier.courier import Courier
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from spancast.delivery.worker import WorkerThread
from spancast.destinations.destination import Destination
from spancast.bookkeeping.book import Book
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span

home, exporter, words = Path(sys.argv[1]), Otlp(endpoint=sys.argv[2]), "w" * int(sys.argv[4])
book, outbox, journal = Book(home), Outbox(home), Journal(home)
courier = WorkerThread(Courier(Destination(exporter, name="platform"), exporter, outbox, to_span, home))
pump = Pump(journal, Drainer(home, [book, outbox]), [courier.wake])
pump.start()
for line in sys.stdin:
    until, count = time.monotonic() + float(line), 0
    while time.monotonic() < until:
        call = a_call(content=True)
        journal.append(call)
        journal.append(Content(call_id=call.call_id, input_messages=words))
        count += 1
        time.sleep(1 / float(sys.argv[3]))
    print(count, flush=True)
pump.stop()
"""


LONG = [pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.mark.parametrize(
    ("rate", "words", "seconds", "how"),
    [
        pytest.param(500, 2_000, 1.5, modes.refused, id="calls", marks=pytest.mark.slow),
        pytest.param(10, 9_000_000, 1.0, modes.status(503), id="9 MB of words each"),
        pytest.param(500, 2_000, 60.0, modes.refused, id="calls for a minute", marks=LONG),
        pytest.param(500, 2_000, 60.0, modes.status(503), id="calls for a minute, 503", marks=LONG),
        pytest.param(5, 9_000_000, 30.0, modes.refused, id="9 MB of words each for long", marks=LONG),
    ],
)
def test_no_more_memory_is_held_in_an_outage_than_before(tmp_path, rate, words, seconds, how):
    with FaultCollector().open() as platform:
        command = [sys.executable, "-c", APP, str(tmp_path), platform.url, str(rate), str(words)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            memory = psutil.Process(process.pid)

            def after(duration: float) -> int:
                process.stdin.write(f"{duration}\n")
                process.stdin.flush()
                process.stdout.readline()
                return memory.memory_info().rss

            healthy = after(seconds)
            platform.mode = how
            outage = after(seconds)
            process.stdin.close()
            assert outage - healthy <= 10 * MB, (outage / MB, healthy / MB)
