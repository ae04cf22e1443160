import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from spancast.base import locks
from spancast.delivery.journal import frame, journal, memory, segments
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.records.call import Call
from tests.bookkeeping.records import call, output

posix = pytest.mark.skipif(sys.platform == "win32", reason="file modes, forks and limits are POSIX's")


def segment_files(home: Path) -> list[Path]:
    return sorted(journal_folder(home).iterdir())


def written(home: Path) -> list[Call]:
    records = [
        record
        for path in segment_files(home)
        for record in frame.unpack(path.read_bytes().removeprefix(frame.HEADER))
        if record.payload is not None
    ]
    return [msgspec.msgpack.decode(record.payload, type=Call) for record in records if record.payload]


def is_held(segment: Path) -> bool:
    fd = os.open(segment, os.O_RDWR)
    try:
        return not locks.try_lock(fd)
    finally:
        os.close(fd)


@pytest.fixture
def opened_journal(tmp_path):
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def test_a_call_is_on_the_disk_when_append_returns(tmp_path, opened_journal):
    appended = call(cost=Decimal("4.1400000000000003e-05"), tags={"feature": "ß"}, finish_reasons=("stop", None))
    opened_journal.append(appended)
    assert written(tmp_path) == [appended]


@posix
def test_only_the_owner_can_look_into_the_journal(tmp_path, opened_journal):
    opened_journal.append(call())
    (segment,) = segment_files(tmp_path)
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(segment.parent.stat().st_mode) == 0o700


def test_a_lock_that_a_signal_handler_has_left_held_holds_up_no_other_thread(tmp_path, opened_journal):
    opened_journal._lock.acquire()  # what an exception right behind an `acquire` leaves
    opened_journal.append(call())
    with ThreadPoolExecutor(1) as others:
        others.submit(opened_journal.append, call()).result(timeout=5.0)
    assert len(written(tmp_path)) == 2


def test_a_live_segment_is_held_by_its_writer(tmp_path, opened_journal):
    opened_journal.append(call())
    assert [is_held(segment) for segment in segment_files(tmp_path)] == [True]


@pytest.mark.parametrize("what", ["segment", "folder", "home"])
def test_a_segment_that_was_moved_is_left(what: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    journal = Journal(home)
    journal.append(call())
    (segment,) = segment_files(home)
    moved = {"segment": segment, "folder": segment.parent, "home": home}[what]
    moved.rename(tmp_path / "elsewhere")
    journal.renew_lost_segment()
    journal.append(call())
    journal.close()
    assert len(segment_files(home)) == 1


def test_a_closed_journal_gives_its_segment_away_and_begins_a_new_one(tmp_path, opened_journal):
    opened_journal.append(call())
    opened_journal.close()
    assert [is_held(segment) for segment in segment_files(tmp_path)] == [False]
    opened_journal.append(call())
    assert [is_held(segment) for segment in segment_files(tmp_path)] == [False, True]


def test_a_full_segment_is_followed_by_another(tmp_path, opened_journal, monkeypatch):
    monkeypatch.setattr(segments, "ROTATE_BYTES", 500)
    calls = [call() for _ in range(20)]
    for each in calls:
        opened_journal.append(each)
    opened_journal.catch_up()
    held = [is_held(segment) for segment in segment_files(tmp_path)]
    assert len(held) > 2
    assert held == [False] * (len(held) - 1) + [True]
    assert written(tmp_path) == calls


def test_in_memory_mode_nothing_is_written(tmp_path):
    journal = Journal(tmp_path, durability="memory")
    journal.append(call())
    journal.catch_up()
    assert list(tmp_path.iterdir()) == []
    assert len(journal.waiting.take()) == 1
    assert journal.waiting.take() == ()


def test_after_a_slow_append_records_wait_in_memory_until_the_next_catch_up(tmp_path, opened_journal, monkeypatch):
    monkeypatch.setattr(journal, "SLOW_SECONDS", -1.0)
    calls = [call(), call()]
    for each in calls:
        opened_journal.append(each)
    assert written(tmp_path) == calls[:1]
    monkeypatch.undo()
    opened_journal.catch_up()
    assert written(tmp_path) == calls


def test_what_memory_cannot_hold_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "MAX_RECORDS", 3)
    kept = Journal(tmp_path, durability="memory")
    for _ in range(5):
        kept.append(call(cost=Decimal("0.01")))
    assert kept.waiting.lost == {"memory full: calls": 2}
    assert kept.waiting.lost_cost == Decimal("0.02")
    assert len(kept.waiting.take()) == 3


@posix
def test_a_forked_child_writes_a_segment_of_its_own(tmp_path):
    script = """
import os, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
journal = Journal(Path(sys.argv[1]))
journal.append(call(user="before"))
if os.fork() == 0:
    journal.append(call(user="child"))
    os._exit(0)
os.wait()
journal.append(call(user="after"))
"""
    output(script, tmp_path)
    users = [[record.user for record in written_in(segment)] for segment in segment_files(tmp_path)]
    assert sorted(users) == [["before", "after"], ["child"]]


def written_in(segment: Path) -> list[Call]:
    records = frame.unpack(segment.read_bytes().removeprefix(frame.HEADER))
    return [msgspec.msgpack.decode(record.payload, type=Call) for record in records if record.payload]


@posix
def test_a_full_disk_is_not_felt_and_what_waited_is_written_when_there_is_room(tmp_path):
    script = """
import os, resource, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
home = Path(sys.argv[1])
journal = Journal(home)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
for number in range(50):
    journal.append(call(user=str(number)))
(segment,) = (home / "journal").iterdir()
print(segment.stat().st_size <= 1000, dict(journal.waiting.lost))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.catch_up()
"""
    assert output(script, tmp_path).split(maxsplit=1) == ["True", "{}\n"]
    assert [record.user for record in written(tmp_path)] == [str(number) for number in range(50)]
