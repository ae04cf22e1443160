"""Descriptors that the application has closed are its own from then on: nothing of ours goes there, or ends them."""

import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spancast.base import guard
from spancast.bookkeeping.book import Book
from spancast.delivery.journal import segments
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.errors import SpancastError
from tests.bookkeeping.records import call, opened, output
from tests.faults.booked import drained

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are POSIX's")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    with closing(Journal(home)) as journal:
        journal.append(call(user="before"))
        yield journal


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """Give a file of the application's, which `take` opens."""
    path = tmp_path / "own"
    path.touch()
    yield path
    assert path.read_bytes() == b""


def descriptor(journal: Journal) -> int:
    """Return the descriptor that a journal writes to."""
    fd = journal.segments.fd
    assert fd is not None
    return fd


def take(fd: int, own: Path) -> None:
    """Have the application's file under a number that was ours."""
    theirs = os.open(own, os.O_RDWR)
    os.dup2(theirs, fd)
    os.close(theirs)


def is_at(fd: int, path: Path) -> bool:
    """Whether the application's file is still open under that number."""
    now, there = os.fstat(fd), path.stat()
    return (now.st_dev, now.st_ino) == (there.st_dev, there.st_ino)


def users(home: Path) -> list[str]:
    return [user for user, _ in drained(home)]


def test_no_record_goes_to_the_applications_socket(journal: Journal, home: Path) -> None:
    ours, (here, there) = descriptor(journal), socket.socketpair()
    with here, there:
        os.dup2(here.fileno(), ours)
        journal.append(call(user="after"))
        journal.append(call(user="at last"))
        there.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.recv(10_000)
    os.close(ours)
    journal.close()
    assert users(home) == ["before", "after", "at last"]


def test_a_record_after_a_close_is_on_the_disk_at_once(journal: Journal, home: Path) -> None:
    os.close(descriptor(journal))
    journal.append(call(user="after"))
    assert not journal.waiting
    assert users(home) == ["before", "after"]


def test_what_was_left_is_booked_once_while_its_writer_lives(journal: Journal, home: Path, own: Path) -> None:
    ours = descriptor(journal)
    take(ours, own)
    assert users(home) == ["before"]
    assert not list(journal_folder(home).glob("*.seg"))
    journal.append(call(user="after"))
    assert users(home) == ["before", "after"]
    assert len(list(journal_folder(home).glob("*.seg"))) == 1
    os.close(ours)


LOOKS: dict[str, Callable[[Journal], None]] = {
    "none": lambda _: None,
    "a close": Journal.close,
    "a close that waits for no disk": lambda journal: journal.close(sync=False),
    "a look by the pump": Journal.renew_lost_segment,
    "a sync": Journal.catch_up,
    "a forked child": Journal.after_fork_in_child,
    "a look whether the disk is well": lambda journal: journal.segments.touch(),
}


@pytest.mark.parametrize("size", [0, 10_000])
@pytest.mark.parametrize("look", LOOKS)
def test_a_file_that_has_the_number_of_the_segments_inode_is_no_segment(
    look: str, size: int, journal: Journal, home: Path
) -> None:
    """File systems give the number of a deleted file away again; which one it is here, they decide."""
    ours = descriptor(journal)
    os.close(ours)
    assert users(home) == ["before"]
    own = journal_folder(home) / "own"
    with own.open("wb", buffering=0) as theirs:
        assert theirs.fileno() == ours
        theirs.write(bytes(size))
        LOOKS[look](journal)
        journal.append(call(user="after"))
        assert is_at(ours, own)
        assert own.read_bytes() == bytes(size)


@pytest.mark.parametrize("look", LOOKS)
def test_the_applications_file_stays_open_and_as_it_is(look: str, journal: Journal, own: Path) -> None:
    ours = descriptor(journal)
    take(ours, own)
    os.utime(own, (1, 1))
    LOOKS[look](journal)
    assert is_at(ours, own)
    assert own.stat().st_mtime == 1
    os.close(ours)


@pytest.mark.parametrize("end", ["paid", "let go", "given back"])
def test_a_file_in_the_place_of_one_that_is_to_be_synced_is_left_alone(end: str, journal: Journal, own: Path) -> None:
    journal.segments.schedule_sync()
    (doubled,) = [each.fd for each in journal.segments._unsynced]
    take(doubled, own)
    if end == "paid":
        journal.catch_up()
    elif end == "let go":
        journal.segments.close_inherited()
    else:
        journal.segments.close()
    assert is_at(doubled, own)
    os.close(doubled)


def test_a_full_segment_that_is_the_applications_by_now_is_not_closed(
    journal: Journal, home: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "ROTATE_BYTES", 1)
    ours = descriptor(journal)
    take(ours, own)
    journal.append(call(user="after"))
    journal.catch_up()
    assert is_at(ours, own)
    os.close(ours)
    journal.close()
    assert users(home) == ["before", "after"]


def test_a_call_under_way_outlives_the_segment_it_was_begun_in(journal: Journal, home: Path) -> None:
    under_way = opened(user="slow")
    journal.append(under_way)
    os.close(descriptor(journal))
    journal.catch_up()
    with closing(Book(home)) as book:
        assert Drainer(home, [book]).drain(5.0, journal)
        with book.reading() as connection:
            assert [tuple(row) for row in connection.execute("SELECT user, outcome FROM calls")] == [
                ("before", "completed")
            ]


def test_a_record_that_was_half_written_is_cut_off_and_the_segment_stays(journal: Journal, home: Path) -> None:
    size = journal.segments.size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
    try:
        journal.append(call(user="after"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (segment,) = journal_folder(home).iterdir()
    assert segment.stat().st_size == size
    journal.catch_up()
    assert list(journal_folder(home).iterdir()) == [segment]
    assert users(home) == ["before", "after"]


CLOSED = """
import os, sys
from pathlib import Path
for number in range(3):
    os.close(number)
from spancast.base.locks import FileLock
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
home = Path(sys.argv[1])
journal = Journal(home)
journal.append(call(user="one"))
lock = FileLock(home / "some.lock")
assert lock.acquire()
journal.segments.schedule_sync()
for number in range(3):
    try:
        os.write(number, b"fatal: what a library says to whoever listens")
        os._exit(1)
    except OSError:
        pass
journal.catch_up()
journal.append(call(user="two"))
lock.release()
if lock.acquire():
    os._exit(0)
os._exit(2)
"""


def test_no_descriptor_of_ours_is_taken_for_a_standard_stream_that_was_closed(tmp_path: Path) -> None:
    output(CLOSED, tmp_path / "home")
    assert users(tmp_path / "home") == ["one", "two"]


DAEMON = """
import os, socket, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
home = Path(sys.argv[1])
journal = Journal(home)
journal.append(call(user="before"))
ours = journal.segments.fd
os.closerange(3, 256)
here, there = socket.socketpair()
os.dup2(here.fileno(), ours) if here.fileno() != ours else None
for number in range(2):
    child = os.fork()
    if child == 0:
        os.fstat(ours)
        journal.append(call(user=f"child-{number}"))
        os._exit(0 if os.fstat(ours).st_ino == os.fstat(here.fileno()).st_ino else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
journal.append(call(user="after"))
there.setblocking(False)
try:
    there.recv(10_000)
    os._exit(1)
except BlockingIOError:
    os._exit(0)
"""


def test_what_a_daemon_opens_in_place_of_what_it_closed_is_its_childrens_too(tmp_path: Path) -> None:
    output(DAEMON, tmp_path / "home")
    assert sorted(users(tmp_path / "home")) == ["after", "before", "child-0", "child-1"]


def test_a_journal_of_ours_is_closed_to_others(home: Path) -> None:
    journal_folder(home).mkdir(parents=True)
    journal_folder(home).chmod(0o777)
    with closing(Journal(home)) as journal:
        journal.append(call())
    assert journal_folder(home).stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do this")
def test_nothing_is_written_to_a_journal_of_another_user_nor_read_from_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    journal_folder(home).mkdir(parents=True)
    os.chown(journal_folder(home), 12345, 12345)
    with closing(Book(home)) as book, closing(Journal(home)) as journal:
        journal.append(call())
        assert len(journal.waiting.records) == 1
        with pytest.raises(SpancastError, match="journal belongs to another user"):
            Drainer(home, [book]).drain(1.0)
    assert list(journal_folder(home).iterdir()) == []
