"""An outbox, couriers that serve it, platforms that fail; and the account of every span between them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spancast.base.deadline import Deadline
from spancast.contract import Exporter, Sink, Span
from spancast.delivery.courier.courier import Courier, Pass
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import WorkerThread
from spancast.destinations.destination import Destination
from spancast.records.call import Call
from spancast.records.content import Content
from tests.support.calls import a_call, to_span
from tests.support.faults.collector import FaultCollector, Mode

if TYPE_CHECKING:
    from spancast.records.record import Record

PATIENCE = 20.0
SEGMENT = "writer-000001.seg"


def assert_adds_up(standings: tuple[Standing, ...]) -> None:
    for one in standings:
        parts = (one.delivered, one.waiting, one.dead, one.expired, one.shed, one.skipped)
        assert one.captured == sum(parts), one
        assert min(parts) >= 0, one


@contextmanager
def always_adding_up(home: Path) -> Iterator[None]:
    """Look again and again, in a process's own connection, whether every record is accounted for."""
    ended, found = threading.Event(), []

    def watch() -> None:
        with closing(Outbox(home)) as outbox:
            while not ended.wait(0.02):
                try:
                    assert_adds_up(outbox.standings())
                except TimeoutError:  # a test has moved the clocks
                    continue
                except AssertionError as error:
                    found.append(error)
                    return

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
    if found:
        raise found[0]


class Desk:
    def __init__(self, home: Path, keeping: Limits | None = None) -> None:
        self.home = home
        self.emitted: list[str] = []
        """The oracle: the ids of all spans that were recorded, in order."""
        self._open = ExitStack()
        self.outbox = self._open.enter_context(closing(Outbox(home, keeping)))
        self._threads: list[WorkerThread] = []

    def collector(self, mode: Mode | None = None, **how: Any) -> FaultCollector:
        return self._open.enter_context(FaultCollector(mode, **how).open())

    def courier(
        self,
        exporter: Exporter | Sink,
        name: str = "platform",
        make: Callable[[Call, Content | None], Span] = to_span,
        **settings: Any,
    ) -> Courier:
        destination = Destination(exporter, name=name, **settings)
        courier = Courier(destination, exporter, self.outbox, make, self.home)
        courier.register()
        return self._open.enter_context(closing(courier))

    def start(self, courier: Courier) -> WorkerThread:
        """Serve a destination by a thread of its own, as an application does."""
        thread = WorkerThread(courier)
        self._threads.append(thread)
        thread.wake()
        return thread

    def put(self, count: int = 1, *, content: str | None = None, **facts: Any) -> list[str]:
        calls = [a_call(**{"content": content is not None, **facts}) for _ in range(count)]
        records: list[Record] = [*calls]
        if content is not None:
            records += [Content(call_id=call.call_id, input_messages=content) for call in calls]
        self.outbox.apply(SEGMENT, self.outbox.committed_offset(SEGMENT) + len(records), records)
        self.emitted += [str(call.span_id) for call in calls]
        return [str(call.span_id) for call in calls]

    def standing(self, name: str = "platform") -> Standing:
        standings = self.outbox.standings()
        assert_adds_up(standings)
        return next(standing for standing in standings if standing.name == name)

    def assert_each_once(self, collector: FaultCollector) -> None:
        """Whatever was recorded is on the platform, and nothing twice."""
        assert dict(collector.accepted) == dict.fromkeys(self.emitted, 1)

    def close(self) -> None:
        with self._open:
            for thread in self._threads:
                thread.stop(0.0)
            assert_adds_up(self.outbox.standings())


def once(courier: Courier, seconds: float = PATIENCE) -> Pass:
    return courier.deliver_once(Deadline(seconds))


def until_settled(courier: Courier, seconds: float = PATIENCE) -> Pass:
    """Do passes, past every wait, until nothing is left to do."""
    deadline = Deadline(seconds)
    while True:
        done = courier.deliver_once(deadline)
        if not done.more and done.wait is None:
            return done
        assert not deadline.expired, "it never settled"
        time.sleep(min(done.wait or 0.0, 0.05))


def die_when_answered(desk: Desk, exporter: Exporter) -> None:
    """Deliver in a process that dies when the platform has taken the spans and before that is entered."""
    child = os.fork()
    if child == 0:
        entered = desk.outbox.ack
        desk.outbox.ack = lambda name, ack: (
            os.kill(os.getpid(), signal.SIGKILL) if ack.delivered else entered(name, ack)
        )
        once(desk.courier(exporter))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
