"""A model of the front door: whatever is done to it in whatever order, the ledger is what a list says it is.

A process is a journal here, and its death the end of its file descriptors; forks are real. The list knows which records
a death may cost (those that waited in memory) and which damage did, and no others may be missing.
"""

import os
import resource
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from spancast.bookkeeping.book import Book
from spancast.delivery.journal import frame, segments
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.delivery.outbox.ack import Ack
from spancast.delivery.outbox.outbox import Outbox
from spancast.records.call import Call
from tests.bookkeeping.records import call

DESTINATION = "platform"


@dataclass
class Process:
    """One that appends, and the list of what it did."""

    journal: Journal
    finished: set[str] = field(default_factory=set)
    opened: dict[str, Call] = field(default_factory=dict)

    def append(self, record: Call) -> bool:
        """Append; return whether it is on the disk."""
        self.journal.append(record)
        return not self.journal.waiting


class FrontDoor(RuleBasedStateMachine):
    processes = Bundle("processes")

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        self.rotate_at, segments.ROTATE_BYTES = segments.ROTATE_BYTES, 2_000
        self.booked: dict[str, str] = {}
        """What has to be in the ledger, and its outcome."""
        self.doubtful: set[str] = set()
        """Calls whose last record damage may have cost."""
        self.in_memory: set[str] = set()
        """Calls that a death may cost."""
        self.alive: list[Process] = []
        self.delivered: set[str] = set()
        self.damaged = 0

    @rule(target=processes)
    def start(self) -> Process:
        self.alive.append(Process(Journal(self.home)))
        return self.alive[-1]

    @rule(process=processes, many=st.integers(1, 5))
    def finish_calls(self, process: Process, many: int) -> None:
        if process not in self.alive:
            return
        for _ in range(many):
            self._finish(process, call(cost=Decimal("0.001"), destinations=(DESTINATION,)))

    @rule(process=processes)
    def open_a_call(self, process: Process) -> None:
        if process not in self.alive:
            return
        pending = call(outcome=None, destinations=(DESTINATION,))
        process.append(pending)
        process.opened[pending.call_id] = pending

    @rule(process=processes)
    def finish_what_is_open(self, process: Process) -> None:
        if process in self.alive and process.opened:
            call_id, _ = process.opened.popitem()
            self._finish(process, call(call_id=call_id, cost=Decimal("0.002"), destinations=(DESTINATION,)))

    @rule(process=processes, many=st.integers(1, 3))
    def fork(self, process: Process, many: int) -> None:
        """Fork a child that finishes calls and dies without a word."""
        if process not in self.alive:
            return
        records = [call(destinations=(DESTINATION,)) for _ in range(many)]
        child = os.fork()
        if child == 0:
            try:
                for record in records:
                    process.journal.append(record)
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        self.booked |= {record.call_id: "completed" for record in records}

    @rule(process=processes)
    def kill(self, process: Process) -> None:
        """Let a process die: the system closes what it has open, and its memory is gone."""
        if process in self.alive:
            self._die(process)

    @rule(process=processes, part=st.floats(0.01, 0.99))
    def kill_in_the_middle_of_a_write(self, process: Process, part: float) -> None:
        if process not in self.alive or process.journal.segments.fd is None:
            return
        framed = frame.pack(b"\x80" * 50)
        os.write(process.journal.segments.fd, framed[: max(1, int(part * len(framed)))])
        self.damaged += 1
        self._die(process)

    @rule(process=processes)
    def end(self, process: Process) -> None:
        if process in self.alive:
            process.journal.close()
            self._die(process)

    @rule(process=processes)
    def catch_up(self, process: Process) -> None:
        if process in self.alive:
            process.journal.catch_up()
            self._written(process)

    @rule(process=processes, room=st.integers(0, 300), many=st.integers(1, 8))
    def fill_the_disk(self, process: Process, room: int, many: int) -> None:
        """Append while a file may grow by so many bytes; then there is room again."""
        if process not in self.alive:
            return
        with _no_file_larger_than(process.journal.segments.size + room):
            for _ in range(many):
                self._finish(process, call(destinations=(DESTINATION,)))

    @rule()
    def drain(self) -> None:
        with self._shelves() as (book, outbox):
            assert Drainer(self.home, [book, outbox]).drain(5.0)
            self._compare(book)

    @rule(fails_at=st.integers(1, 3))
    def a_drainer_dies(self, fails_at: int) -> None:
        with self._shelves() as (book, outbox):
            steps = iter(range(1, 1000))
            apply = outbox.apply

            def failing(*args: object) -> None:
                if next(steps) == fails_at:
                    raise sqlite3.OperationalError("database or disk is full")
                apply(*args)  # type: ignore[arg-type]

            outbox.apply = failing  # type: ignore[method-assign]
            try:
                Drainer(self.home, [book, outbox]).drain(5.0)
            except sqlite3.OperationalError:
                return

    @rule(many=st.integers(1, 5))
    def acknowledge(self, many: int) -> None:
        with self._shelves() as (_, outbox):
            taken = outbox.take(DESTINATION, many)
            if taken:
                outbox.ack(DESTINATION, Ack(cursor=taken[-1].seq, delivered=[each.seq for each in taken]))
            ids = {each.call.call_id for each in taken if each.call is not None}
            assert not ids & self.delivered, "delivered twice"
            self.delivered |= ids

    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """Flip a bit in a record that lies in a segment without a writer."""
        held = {process.journal.writer for process in self.alive if process.journal.segments.fd is not None}
        for path in sorted(journal_folder(self.home).glob("*.seg")):
            if path.name.rpartition("-")[0] in held:
                continue
            content = path.read_bytes()
            records = list(frame.unpack(content, len(frame.HEADER)))
            if not records or any(record.payload is None for record in records):
                continue
            at = data.draw(st.integers(0, len(records) - 1))
            start = records[at - 1].end if at else len(frame.HEADER)
            bit = data.draw(st.integers(0, (records[at].end - start) * 8 - 1))
            damaged = bytearray(content)
            damaged[start + bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            self.doubtful |= {_call_id(records[at].payload or b"")}
            self.damaged += 1
            return

    def _finish(self, process: Process, record: Call) -> None:
        if process.append(record):
            self.booked[record.call_id] = "completed"
            self._written(process)
        else:
            process.finished.add(record.call_id)

    def _written(self, process: Process) -> None:
        if not process.journal.waiting:
            self.booked |= dict.fromkeys(process.finished, "completed")
            process.finished.clear()

    def _die(self, process: Process) -> None:
        self.alive.remove(process)
        journal_ = process.journal
        self._written(process)
        self.in_memory |= process.finished
        journal_.segments.close_inherited()
        for call_id in process.opened:
            if journal_.waiting:
                self.in_memory.add(call_id)
            else:
                self.booked.setdefault(call_id, "killed")

    @contextmanager
    def _shelves(self) -> Iterator[tuple[Book, Outbox]]:
        with closing(Book(self.home)) as book, closing(Outbox(self.home)) as outbox:
            yield book, outbox
            for standing in outbox.standings():
                decided = standing.delivered + standing.dead + standing.expired + standing.shed + standing.skipped
                assert standing.captured == decided + standing.waiting

    def _compare(self, book: Book) -> None:
        with book.reading() as connection:
            found = dict(map(tuple, connection.execute("SELECT call_id, outcome FROM calls")))
        for call_id, outcome in self.booked.items():
            assert found.get(call_id) == outcome or call_id in self.doubtful, (call_id, found.get(call_id), outcome)
        assert not {*found} - {*self.booked} - self.in_memory - self.doubtful - self._open()
        assert book.damage() <= self.damaged

    def _open(self) -> set[str]:
        return {call_id for process in self.alive for call_id in (*process.opened, *process.finished)}

    def teardown(self) -> None:
        if not hasattr(self, "home"):
            return
        for process in list(self.alive):
            process.journal.catch_up()
            self._die(process)
        self.drain()
        assert not list(journal_folder(self.home).glob("*.seg"))
        segments.ROTATE_BYTES = self.rotate_at
        shutil.rmtree(self.home)


def _call_id(payload: bytes) -> str:
    return str(msgspec.msgpack.decode(payload)["call_id"])


@contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="forks and limits are POSIX's"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
_HURRIED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def test_whatever_is_done_the_ledger_is_what_the_list_says() -> None:
    run_state_machine_as_test(
        FrontDoor, settings=settings(max_examples=40, stateful_step_count=25, suppress_health_check=_HURRIED)
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_done_at_length_the_ledger_is_what_the_list_says() -> None:
    run_state_machine_as_test(
        FrontDoor, settings=settings(max_examples=600, stateful_step_count=60, suppress_health_check=_HURRIED)
    )
