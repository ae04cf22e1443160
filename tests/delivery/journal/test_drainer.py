import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spancast.base import locks
from spancast.base.locks import FileLock
from spancast.bookkeeping.book import Book, writer_of
from spancast.delivery.journal import drainer, frame, reading, segments
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.records.call import Call
from tests.bookkeeping.records import call, opened, output, python

posix = pytest.mark.skipif(sys.platform == "win32", reason="forks and signals are POSIX's")


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    yield book
    book.close()


@pytest.fixture
def writer(tmp_path):
    writer = Journal(tmp_path)
    yield writer
    writer.close()


class Memory:
    """A shelf that remembers what it was given, and fails when told to."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sources: list[str] = []
        self.ends: dict[str, int] = {}
        self.fails = False

    def committed_offset(self, segment: str) -> int:
        return self.ends.get(segment, 0)

    def apply(self, segment: str, end: int, calls: Sequence[Call]) -> None:
        if self.fails:
            raise sqlite3.OperationalError("database or disk is full")
        self.calls += calls
        self.sources.append(segment)
        self.ends[segment] = end

    def forget(self, segment: str) -> None:
        self.ends.pop(segment, None)


def drain(home: Path, *shelves, journal: Journal | None = None) -> None:
    assert Drainer(home, shelves).drain(timeout=30.0, journal=journal)


def booked(book: Book) -> dict[str, str]:
    with book.reading() as connection:
        return dict(map(tuple, connection.execute("SELECT call_id, outcome FROM calls ORDER BY seq")))


def under_way(book: Book) -> list[str]:
    return [call.call_id for call in book.orphans(())]


def segment_files(home: Path) -> list[Path]:
    return sorted(journal_folder(home).iterdir())


def write(home: Path, *calls: Call) -> Path:
    """Write the calls as a process does that has ended since; return its segment."""
    writer = Journal(home)
    for each in calls:
        writer.append(each)
    writer.close()
    return segment_files(home)[-1]


def test_a_home_that_does_not_exist_is_not_made(tmp_path, book):
    drain(tmp_path / "none", book)
    assert not (tmp_path / "none").exists()


def test_a_live_segment_is_followed(tmp_path, book, writer):
    calls = [call() for _ in range(3)]
    for number, each in enumerate(calls, start=1):
        writer.append(each)
        drain(tmp_path, book)
        assert list(booked(book)) == [call.call_id for call in calls[:number]]
    assert len(segment_files(tmp_path)) == 1


def test_a_segment_whose_writer_is_gone_is_removed_once_it_is_booked(tmp_path, book):
    segment = write(tmp_path, call(), call())
    drain(tmp_path, book)
    assert len(booked(book)) == 2
    assert segment_files(tmp_path) == []
    assert book.committed_offset(segment.name) == 0


def test_long_segments_are_booked_whole(tmp_path, book):
    calls = [call(error_message="x" * (number % 3500)) for number in range(8000)]
    assert write(tmp_path, *calls).stat().st_size > 3 * reading.CHUNK_BYTES
    drain(tmp_path, book)
    assert list(booked(book)) == [call.call_id for call in calls]
    assert book.damage() == 0


def test_only_one_process_drains_at_a_time(tmp_path, book):
    write(tmp_path, call())
    with FileLock(tmp_path / "drainer.lock"):
        assert not Drainer(tmp_path, [book]).drain()
    assert Drainer(tmp_path, [book]).drain()
    assert len(booked(book)) == 1


def test_a_call_under_way_is_not_killed_while_its_writer_lives(tmp_path, book, writer):
    pending = opened()
    writer.append(pending)
    drain(tmp_path, book)
    assert (booked(book), under_way(book)) == ({}, [pending.call_id])


def test_a_call_under_way_whose_writer_is_gone_is_booked_as_killed(tmp_path, book):
    pending = opened(user="u_1", request_model="m")
    write(tmp_path, pending)
    drain(tmp_path, book)
    assert (booked(book), under_way(book)) == ({pending.call_id: "killed"}, [])


def test_a_killed_call_reaches_the_other_shelves_without_cost_or_error(tmp_path, book):
    other = Memory()
    write(tmp_path, opened(user="u_1"))
    drain(tmp_path, book, other)
    (killed,) = [each for each in other.calls if each.outcome is not None]
    assert (killed.outcome, killed.user, killed.cost, killed.error_type) == ("killed", "u_1", None, None)


def test_a_call_that_spans_segments_is_not_killed_while_its_writer_lives(tmp_path, book, writer, monkeypatch):
    monkeypatch.setattr(segments, "ROTATE_BYTES", 300)
    pending = opened()
    writer.append(pending)
    for _ in range(10):
        writer.append(call())
        writer.catch_up()
        drain(tmp_path, book)
    assert under_way(book) == [pending.call_id]
    assert len(segment_files(tmp_path)) == 1
    writer.append(call(call_id=pending.call_id))
    writer.close()
    drain(tmp_path, book)
    assert Counter(booked(book).values()) == {"completed": 11}


def test_a_call_that_was_thought_killed_and_is_finished_is_finished(tmp_path, book, writer):
    pending = opened()
    writer.append(pending)
    writer.close()
    drain(tmp_path, book)
    writer.append(call(call_id=pending.call_id))
    drain(tmp_path, book)
    assert booked(book) == {pending.call_id: "completed"}


def test_nothing_leaves_the_journal_before_every_shelf_has_it(tmp_path, book):
    other = Memory()
    calls = [call() for _ in range(3)]
    write(tmp_path, *calls)
    other.fails = True
    with pytest.raises(sqlite3.OperationalError):
        drain(tmp_path, book, other)
    assert len(segment_files(tmp_path)) == 1
    other.fails = False
    drain(tmp_path, book, other)
    assert [each.call_id for each in other.calls] == list(booked(book)) == [each.call_id for each in calls]


def test_records_in_memory_are_held_until_every_shelf_has_them(tmp_path, book):
    other = Memory()
    writer = Journal(tmp_path, durability="memory")
    waiting = call()
    writer.append(waiting)
    drains = Drainer(tmp_path, [book, other])
    other.fails = True
    with pytest.raises(sqlite3.OperationalError):
        drains.drain(journal=writer)
    other.fails = False
    assert drains.drain(journal=writer)
    assert [each.call_id for each in other.calls] == list(booked(book)) == [waiting.call_id]
    assert [writer_of(source) for source in other.sources] == [writer.writer]
    assert other.ends == {}


def test_a_call_under_way_in_memory_is_never_thought_killed(tmp_path, book):
    writer = Journal(tmp_path, durability="memory")
    writer.append(opened())
    drain(tmp_path, book, journal=writer)
    drain(tmp_path, book)
    assert booked(book) == {}


def test_a_record_that_is_no_call_costs_itself(tmp_path, book):
    before, after = call(), call()
    segment = write(tmp_path, before)
    with segment.open("ab") as file:
        file.write(frame.pack(b"\xc1 no msgpack") + write(tmp_path, after).read_bytes().removeprefix(frame.HEADER))
    drain(tmp_path, book)
    assert set(booked(book)) == {before.call_id, after.call_id}
    assert book.damage() == 1


def test_damage_is_counted_once_however_often_it_is_seen(tmp_path, book, writer):
    writer.append(call())
    (segment,) = segment_files(tmp_path)
    with segment.open("ab") as file:
        file.write(b"garbage")
    writer.append(call())
    other = Memory()
    other.fails = True
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            drain(tmp_path, book, other)
    assert book.damage() == 1


def test_a_long_stretch_of_nothing_costs_neither_neighbour(tmp_path, book):
    before, after = call(), call()
    first, second = write(tmp_path, before), write(tmp_path, after)
    with first.open("ab") as file:
        file.write(bytes(5 * reading.CHUNK_BYTES // 2) + second.read_bytes().removeprefix(frame.HEADER))
    second.unlink()
    drain(tmp_path, book)
    assert set(booked(book)) == {before.call_id, after.call_id}
    assert book.damage() > 0
    assert segment_files(tmp_path) == []


def test_a_file_that_is_no_segment_is_set_aside_and_stops_nothing(tmp_path, book):
    good = call()
    write(tmp_path, good)
    (journal_folder(tmp_path) / "0-000001.seg").write_bytes(b"not at all a segment")
    drain(tmp_path, book)
    assert list(booked(book)) == [good.call_id]
    assert [path.name for path in segment_files(tmp_path)] == ["0-000001.bad"]
    assert book.damage() == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.data())
def test_a_flipped_bit_costs_the_call_it_hit_and_no_other(tmp_path_factory, data):
    home = tmp_path_factory.mktemp("home")
    calls = [call(user=str(number)) for number in range(data.draw(st.integers(1, 6)))]
    segment = write(home, *calls)
    damaged = bytearray(segment.read_bytes())
    head = len(frame.HEADER)
    starts = [head, *(head + record.end for record in frame.unpack(damaged[head:]))]
    bit = data.draw(st.integers(0, len(damaged) * 8 - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    segment.write_bytes(damaged)
    hit = [number for number in range(len(calls)) if starts[number] <= bit // 8 < starts[number + 1]]
    book = Book(home)
    drain(home, book)
    assert list(booked(book)) == [each.call_id for number, each in enumerate(calls) if number not in hit]
    assert book.damage() == 1
    book.close()


def test_what_is_left_of_a_segment_without_a_name_is_removed_when_it_is_old(tmp_path, book):
    folder = journal_folder(tmp_path)
    folder.mkdir()
    long_ago = time.time() - 2 * drainer.STALE_SECONDS
    for name, changed in (("old", long_ago), ("held", long_ago), ("young", time.time())):
        (folder / f"{name}.new").touch()
        os.utime(folder / f"{name}.new", (changed, changed))
    with FileLock(folder / "held.new"):
        drain(tmp_path, book)
    assert [path.name for path in segment_files(tmp_path)] == ["held.new", "young.new"]


WRITER = """
import os, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call, opened
journal = Journal(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    pending = opened()
    journal.append(pending)
    os.write(1, f"opened {pending.call_id}\\n".encode())
    journal.append(call(call_id=pending.call_id))
    os.write(1, f"finished {pending.call_id}\\n".encode())
"""


@posix
@pytest.mark.parametrize("seed", range(8))
def test_no_call_that_was_appended_is_lost_to_a_kill_at_any_instant(tmp_path, book, seed):
    acknowledged: dict[str, set[str]] = {"opened": set(), "finished": set()}
    with python(WRITER, tmp_path, 10**6) as process:
        assert process.stdout is not None
        for _ in range(random.Random(seed).randrange(1, 600)):
            kind, call_id = process.stdout.readline().split()
            acknowledged[kind].add(call_id)
            if len(acknowledged["opened"]) == 100:
                drain(tmp_path, book)
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                kind, call_id = line.split()
                acknowledged[kind].add(call_id)
    drain(tmp_path, book)
    outcomes = booked(book)
    assert acknowledged["finished"] <= {each for each, outcome in outcomes.items() if outcome == "completed"}
    assert acknowledged["opened"] <= set(outcomes)
    assert set(outcomes.values()) <= {"completed", "killed"}
    assert Counter(outcomes.values())["killed"] <= 1
    assert (under_way(book), segment_files(tmp_path), book.damage()) == ([], [], 0)


@posix
def test_a_process_killed_with_an_answer_under_way_leaves_a_killed_call(tmp_path, book):
    script = """
import os, signal, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import opened
Journal(Path(sys.argv[1])).append(opened(user="u_1"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    with python(script, tmp_path) as process:
        process.communicate(timeout=60)
    drain(tmp_path, book)
    assert list(booked(book).values()) == ["killed"]


@posix
def test_a_fork_with_a_call_under_way_loses_and_doubles_nothing(tmp_path, book):
    script = """
import os, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call, opened
journal = Journal(Path(sys.argv[1]))
pending = opened(user="parent")
journal.append(pending)
child = os.fork()
for _ in range(100):
    journal.append(call(user="parent" if child else "child"))
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
journal.append(call(call_id=pending.call_id, user="parent"))
"""
    output(script, tmp_path)
    drain(tmp_path, book)
    with book.reading() as connection:
        users = Counter(map(tuple, connection.execute("SELECT user, outcome FROM calls")))
    assert users == {("parent", "completed"): 101, ("child", "completed"): 100}


def test_several_drainers_and_writers_at_once_lose_and_double_nothing(tmp_path, book):
    drains = """
import sys
from pathlib import Path
from spancast.delivery.journal.drainer import Drainer
from spancast.bookkeeping.book import Book
home = Path(sys.argv[1])
book = Book(home)
while not (home / "over").exists():
    Drainer(home, [book]).drain()
"""
    drainers = [python(drains, tmp_path) for _ in range(2)]
    writers = [python(WRITER, tmp_path, 500) for _ in range(3)]
    appended = set()
    for process in writers:
        printed, _ = process.communicate(timeout=60)
        appended |= {line.split()[1] for line in printed.splitlines()}
    (tmp_path / "over").touch()
    for process in drainers:
        _, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints
    drain(tmp_path, book)
    assert set(booked(book)) == appended
    assert Counter(booked(book).values()) == {"completed": 1500}


@posix
def test_a_drainer_that_is_killed_is_continued_by_the_next(tmp_path, book):
    calls = [call(cost=Decimal("0.001")) for _ in range(5000)]
    write(tmp_path, *calls)
    script = """
import sys
from pathlib import Path
from spancast.delivery.journal import drainer, reading
from spancast.bookkeeping.book import Book
reading.BATCH_RECORDS = 16
home = Path(sys.argv[1])
print("ready", flush=True)
drainer.Drainer(home, [Book(home)]).drain()
"""
    with python(script, tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while process.poll() is None and not (tmp_path / "ledger.db-wal").exists():
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    drain(tmp_path, book)
    assert list(booked(book)) == [each.call_id for each in calls]
    assert segment_files(tmp_path) == []


@posix
def test_a_segment_that_the_application_closes_while_it_is_read_is_opened_again(tmp_path, book, monkeypatch):
    """All that was open is the application's own file by then, of which nothing is read, unlocked or closed."""
    home, own = tmp_path, tmp_path / "own"
    monkeypatch.setattr(reading, "BATCH_RECORDS", 2)
    monkeypatch.setattr(reading, "CHUNK_BYTES", 1000)
    calls = [call(user="x" * 300) for _ in range(5)]
    write(home, *calls)
    own.write_bytes(b"mine")
    theirs = os.open(own, os.O_RDONLY)
    assert locks.try_lock(theirs)
    taken = []

    class Taking(Memory):
        def apply(self, segment, end, calls):
            if not taken:
                taken.extend(each.fd for each in locks._opened)
                for fd in taken:
                    os.dup2(theirs, fd)
            super().apply(segment, end, calls)

    drain(home, book, Taking())
    assert len(taken) == 2
    assert os.lseek(theirs, 0, os.SEEK_CUR) == 0
    assert {os.fstat(fd).st_ino for fd in taken} == {own.stat().st_ino}
    with own.open() as another:
        assert not locks.try_lock(another.fileno())
    for fd in (theirs, *taken):
        os.close(fd)
    assert set(booked(book)) == {each.call_id for each in calls}
    assert book.damage() == 0
    assert segment_files(home) == []
