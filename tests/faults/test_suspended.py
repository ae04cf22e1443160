"""Row 30: a process that is stopped for a while, as by a laptop's lid or a frozen container."""

import signal
import subprocess
import sys
import time

import pytest

from tests.support.faults import modes
from tests.support.waiting import eventually

SERVE = """
import sys, time
from contextlib import closing
from pathlib import Path
from spancast.base.deadline import Deadline
from spancast.contract import Traits
from spancast.delivery.http import wire
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from tests.support.calls import to_span
from tests.support.plain import Plain

wire.TIMEOUT_SECONDS = float(sys.argv[3])
home, exporter = Path(sys.argv[1]), Plain(url=sys.argv[2], traits=Traits(resend=sys.argv[4]))
with closing(Outbox(home)) as outbox:
    courier = Courier(Destination(exporter, name="platform"), exporter, outbox, to_span, home)
    while courier.deliver_once(Deadline(20)).more or outbox.standings()[0].waiting:
        time.sleep(0.02)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP here")
@pytest.mark.parametrize(
    ("patience", "asleep"), [(0.5, 1.0), pytest.param(10.0, 15.0, marks=[pytest.mark.slow, pytest.mark.timeout(60)])]
)
@pytest.mark.parametrize("resend", [pytest.param("upsert", marks=pytest.mark.slow), "duplicates"])
def test_an_answer_that_came_while_it_slept_is_read_and_nothing_is_sent_twice(desk, patience, asleep, resend):
    collector = desk.collector(modes.late(patience * 0.4))
    desk.put(20)
    command = [sys.executable, "-c", SERVE, str(desk.home), collector.url, str(patience), resend]
    with subprocess.Popen(command) as process:
        try:
            eventually(lambda: collector.accepted)
            process.send_signal(signal.SIGSTOP)
            time.sleep(asleep)
            process.send_signal(signal.SIGCONT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    desk.assert_each_once(collector)
    assert desk.standing().delivered == 20
