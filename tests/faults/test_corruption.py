"""Damage costs the record that it hit, is counted, and stops neither a start nor what comes after."""

import os
import sqlite3
import stat
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base import guard
from spancast.bookkeeping.book import Book
from spancast.delivery.journal import frame
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.delivery.outbox.outbox import Outbox
from tests.bookkeeping.records import call
from tests.support.faults.damage import KINDS, mutated

CALLS = 8
OPENED = 1.0
"""Seconds of work within which a damaged home is in use again, whatever else the machine does."""


def written(home: Path, count: int = CALLS, **known: object) -> tuple[Journal, Path, list[str]]:
    """Append calls; return the journal, its segment, and the ids."""
    journal = Journal(home)
    calls = [call(destinations=("platform",), **known) for _ in range(count)]
    for each in calls:
        journal.append(each)
    return journal, max(journal_folder(home).glob("*.seg")), [each.call_id for each in calls]


def booked(home: Path) -> tuple[list[str], int]:
    """Drain, and return the ids in the ledger and how many damaged places it counts; the outbox has the same."""
    with closing(Book(home)) as book, closing(Outbox(home)) as outbox:
        assert Drainer(home, [book, outbox]).drain(5.0)
        with book.reading() as connection:
            ids = [row["call_id"] for row in connection.execute("SELECT call_id FROM calls ORDER BY seq")]
        with outbox._store.reading() as connection:
            assert [row["call_id"] for row in connection.execute("SELECT call_id FROM record ORDER BY seq")] == ids
        return ids, book.damage()


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, float, float, bytes]:
    kind = draw(st.sampled_from(KINDS))
    return kind, draw(st.floats(0, 1)), draw(st.floats(0, 1)), draw(st.binary(min_size=1, max_size=300))


def check(folder: Path, mutation: tuple[str, float, float, bytes], *, live: bool) -> None:
    journal, segment, ids = written(folder)
    if not live:
        journal.close()
    data = segment.read_bytes()
    ends = [len(frame.HEADER), *(record.end for record in frame.unpack(data, len(frame.HEADER)))]
    damaged, hit = mutated(data, *mutation)
    with segment.open("r+b") as file:
        file.write(damaged)
        file.truncate()
    spared = [each for number, each in enumerate(ids) if not set(hit) & set(range(ends[number], ends[number + 1]))]
    began = time.process_time()
    after, _, later = written(folder, 2)
    journal.close()
    found, noted = booked(folder)
    assert time.process_time() - began < OPENED, "it took no longer than ever"
    after.close()
    found_again, _ = booked(folder)
    assert Counter(found_again) == Counter({*found_again}), "nothing is doubled"
    assert {*spared, *later} <= {*found_again} <= {*ids, *later}
    assert {*found} <= {*found_again}
    if not {*ids} <= {*found_again} and mutation[0] != "truncate":
        assert noted > 0
    guard._last_logged.clear()


@settings(max_examples=15)
@given(mutation=mutations(), live=st.booleans())
def test_a_fault_in_a_segment_costs_what_it_hit_and_no_more(tmp_path_factory, mutation, live) -> None:
    check(tmp_path_factory.mktemp("home"), mutation, live=live)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=1_500)
@given(mutation=mutations(), live=st.booleans())
def test_fifteen_hundred_faults_cost_what_they_hit_and_no_more(tmp_path_factory, mutation, live) -> None:
    check(tmp_path_factory.mktemp("home"), mutation, live=live)


def test_records_of_an_older_and_of_a_newer_version_are_read(tmp_path: Path) -> None:
    journal, segment, ids = written(tmp_path, 1)
    journal.close()
    facts = msgspec.msgpack.decode(next(frame.unpack(segment.read_bytes(), len(frame.HEADER))).payload or b"")
    older = {"type": "call", "call_id": "old", "operation": "chat", "started_at": 1, "outcome": "completed"}
    newer = facts | {"call_id": "new", "a field of tomorrow": {"nested": [1, 2]}}
    unknown = {"type": "a kind of tomorrow", "call_id": "unknown"}
    with segment.open("ab") as file:
        for each in (older, newer, unknown):
            file.write(frame.pack(msgspec.msgpack.encode(facts.keys() & older.keys() and each)))
    assert booked(tmp_path) == ([*ids, "old", "new"], 1)


def strange(folder: Path) -> dict[str, Path]:
    """Put what is no segment under the names of segments."""
    names = {name: folder / f"0000-{number:06d}.seg" for number, name in enumerate(("folder", "pipe", "link", "empty"))}
    names["folder"].mkdir()
    os.mkfifo(names["pipe"])
    (folder.parent / "elsewhere").write_bytes(frame.HEADER)
    names["link"].symlink_to(folder.parent / "elsewhere")
    names["empty"].touch()
    return names


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes here")
def test_what_is_no_segment_stops_no_segment(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal, _, ids = written(tmp_path)
    journal.close()
    names = strange(journal_folder(tmp_path))
    assert booked(tmp_path)[0] == ids
    assert names["folder"].is_dir()
    assert stat.S_ISFIFO(names["pipe"].stat().st_mode)
    assert (tmp_path / "elsewhere").read_bytes() == frame.HEADER
    assert not names["empty"].exists()
    guard._last_logged.clear()


@pytest.mark.parametrize("file", ["ledger.db", "outbox.db"])
@pytest.mark.parametrize("fault", ["garbage", "truncated", "zeros", "shuffled", "empty"])
def test_a_damaged_database_is_set_aside_and_what_comes_is_booked(tmp_path: Path, file: str, fault: str) -> None:
    journal, _, _ = written(tmp_path, 200)
    journal.close()
    booked(tmp_path)
    data = (tmp_path / file).read_bytes()
    damaged = {
        "garbage": os.urandom(len(data)),
        "truncated": data[: len(data) // 2],
        "zeros": bytes(len(data)),
        "shuffled": data[:100] + data[4096:] + data[100:4096],
        "empty": b"",
    }[fault]
    (tmp_path / file).write_bytes(damaged)
    journal, _, ids = written(tmp_path, 3)
    journal.close()
    for _ in range(3):
        with closing(Book(tmp_path)) as book, closing(Outbox(tmp_path)) as outbox:
            try:
                assert Drainer(tmp_path, [book, outbox]).drain(5.0)
                break
            except sqlite3.DatabaseError:
                continue
    else:
        pytest.fail("it never came to itself")
    with closing(Book(tmp_path)) as book, book.reading() as connection:
        assert {*ids} <= {row["call_id"] for row in connection.execute("SELECT call_id FROM calls")}
    guard._last_logged.clear()
