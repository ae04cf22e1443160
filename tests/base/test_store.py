import os
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from spancast.base import locks, store
from spancast.base.locks import FileLock
from spancast.base.store import Store
from spancast.errors import SpancastError
from tests.bookkeeping.records import output

posix = pytest.mark.skipif(sys.platform == "win32", reason="file modes, forks and these locks are POSIX's")

MIGRATIONS = ("CREATE TABLE number(value INTEGER NOT NULL) STRICT; INSERT INTO number VALUES (0)",)
ADD = "UPDATE number SET value = value + 1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "some.db"


@pytest.fixture
def opened(path):
    opened = Store(path, MIGRATIONS)
    yield opened
    opened.close()


def value(of: Store) -> int:
    with of.reading() as connection:
        return connection.execute("SELECT value FROM number").fetchone()[0]


def add(to: Store) -> None:
    with to.transaction() as connection:
        connection.execute(ADD)


def add_and_fail(connection: sqlite3.Connection) -> None:
    connection.execute(ADD)
    connection.execute("UPDATE nowhere SET value = value + 1")


@posix
def test_only_the_owner_can_look_into_the_file(path, opened):
    add(opened)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["some.db", "some.db-wal", "some.db-shm", "some.lock"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_read_does_not_wait_for_a_write_that_another_process_holds_up(path, opened):
    add(opened)
    lock = FileLock(path.with_suffix(".lock"))
    assert lock.acquire()
    writes = threading.Thread(target=add, args=(opened,))
    writes.start()
    while len(locks._opened) < 2:  # it waits for the lock
        pass
    assert value(opened) == 1
    lock.release()
    writes.join()
    assert value(opened) == 2


def test_a_thread_that_somebody_waits_for_does_not_wait_for_another_threads_transaction(opened):
    def read() -> None:
        with locks.within(0.05), pytest.raises(TimeoutError, match="in use by another thread"):
            value(opened)
        done.append(True)

    done = []
    with opened.transaction():
        reads = threading.Thread(target=read)
        reads.start()
        reads.join(5)
    assert done == [True]


def test_a_transaction_that_raises_leaves_nothing(opened):
    with pytest.raises(sqlite3.OperationalError, match="nowhere"), opened.transaction() as connection:
        add_and_fail(connection)
    add(opened)
    assert value(opened) == 1


def test_a_commit_that_fails_leaves_the_store_usable(path):
    parent = "CREATE TABLE parent(id INTEGER PRIMARY KEY) STRICT;"
    child = "CREATE TABLE child(id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED) STRICT"
    opened = Store(path, (*MIGRATIONS, parent + child))
    with pytest.raises(sqlite3.IntegrityError), opened.transaction() as connection:
        connection.execute("INSERT INTO child VALUES (1)")
    add(opened)
    assert value(opened) == 1
    opened.close()


def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(path, opened):
    add(opened)
    later = Store(path, (*MIGRATIONS, "ALTER TABLE number ADD COLUMN name TEXT"))
    with later.reading() as connection:
        assert tuple(connection.execute("SELECT value, name FROM number").fetchone()) == (1, None)
    later.close()


def test_a_file_of_a_later_version_is_refused_with_the_cure(path, opened):
    later = Store(path, (*MIGRATIONS, "CREATE TABLE more(value) "))
    add(later)
    later.close()
    with pytest.raises(SpancastError, match=r"some\.db has version 2.* Upgrade spancast"):
        add(opened)


def test_a_migration_that_fails_is_tried_again_as_a_whole(path):
    broken = Store(path, ("CREATE TABLE number(value INTEGER) STRICT; INSERT INTO nowhere VALUES (0)",))
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            add(broken)


def test_transactions_of_several_processes_and_threads_are_all_kept(path, opened):
    script = """
import sys, threading
from pathlib import Path
from spancast.base.store import Store
from tests.base.test_store import MIGRATIONS, add
opened = Store(Path(sys.argv[1]), MIGRATIONS)
threads = [threading.Thread(target=lambda: [add(opened) for _ in range(25)]) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    threads = [threading.Thread(target=output, args=(script, path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(opened) == 3 * 2 * 25


def test_a_reader_sees_one_moment_while_others_write(path, opened):
    other = Store(path, MIGRATIONS)
    with opened.reading() as connection:
        before = connection.execute("SELECT value FROM number").fetchone()[0]
        add(other)
        assert connection.execute("SELECT value FROM number").fetchone()[0] == before
    assert value(opened) == before + 1
    other.close()


def test_the_log_stays_short(path, opened, monkeypatch):
    monkeypatch.setattr(store, "CHECKPOINT_BYTES", 100_000)
    log = path.with_name("some.db-wal")
    sizes = []
    for _ in range(100):
        add(opened)
        sizes.append(log.stat().st_size)
    assert 0 < max(sizes) < 200_000


def test_a_reader_in_the_way_of_a_checkpoint_does_not_stop_a_writer(path, opened, monkeypatch):
    monkeypatch.setattr(store, "CHECKPOINT_BYTES", 0)
    add(opened)
    other = Store(path, MIGRATIONS)
    with other.reading() as connection:
        connection.execute("SELECT value FROM number").fetchone()
        add(opened)
    assert value(opened) == 2
    other.close()


@posix
def test_opening_the_file_again_keeps_the_locks_of_the_first_connection(path, opened):
    assert value(opened) == 0
    other = Store(path, MIGRATIONS)
    assert value(other) == 0
    script = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)  # where SQLite readers hold their lock
    except OSError:
        print("locked")
"""
    assert output(script, path) == "locked\n"
    other.close()


@posix
def test_a_forked_child_opens_its_own_connection(path, opened):
    add(opened)
    child = os.fork()
    if child == 0:
        try:
            add(opened)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    add(opened)
    assert value(opened) == 3


@posix
def test_a_child_forked_in_the_middle_of_a_transaction_keeps_nobody_out(path, opened):
    reading, writing = os.pipe()
    with opened.transaction() as connection:
        connection.execute(ADD)
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    os.close(reading)
    try:
        locked = store.FileLock(path.with_suffix(".lock"))
        assert locked.acquire(timeout=1.0)
        locked.release()
    finally:
        os.close(writing)
        os.waitpid(child, 0)


@posix
@pytest.mark.parametrize("first", ["parent", "child"])
def test_what_a_forked_child_commits_is_kept_whoever_closes_the_file_first(path, opened, first):
    add(opened)
    forked, parent_closed = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            add(opened)
            if first == "child":
                opened.close()
            os.write(forked[1], b"1")
            os.read(parent_closed[0], 1)
            add(opened)
        finally:
            os._exit(0)
    os.read(forked[0], 1)
    if first == "parent":
        opened.close()
    os.write(parent_closed[1], b"1")
    os.waitpid(child, 0)
    add(opened)
    assert value(opened) == 4


@posix
def test_a_child_of_a_fork_in_the_middle_of_a_transaction_leaves_the_file_alone(path, opened):
    with opened.transaction() as connection:
        connection.execute(ADD)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with pytest.raises(sqlite3.OperationalError, match="was in use when this process was forked"):
                    add(opened)
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
    assert value(opened) == 1


CLOSED_BENEATH = """
import os, sqlite3, sys
from pathlib import Path
from spancast.base.store import Store
from tests.base.test_store import MIGRATIONS, add, value
path, found = Path(sys.argv[1]), []
store, other = Store(path, MIGRATIONS), Store(path, MIGRATIONS)
add(store)
value(other)
os.closerange(3, 64)
mine = [open(path.parent / f"mine-{number}", "w+b") for number in range(40)]
for use in (lambda: add(store), lambda: value(store), lambda: value(other), lambda: add(Store(path, MIGRATIONS))):
    try:
        use()
    except sqlite3.OperationalError as error:
        found.append("other processes write it" in str(error))
store.close()
print(len(found), all(found), sum(os.fstat(each.fileno()).st_size for each in mine))
"""


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="This system lists no descriptors.")
def test_nothing_is_written_to_what_the_application_has_opened_in_place_of_our_descriptors(path, opened):
    assert output(CLOSED_BENEATH, path).split() == ["4", "True", "0"]
    assert value(opened) == 1
    add(opened)
    assert value(opened) == 2


FORKED_BEHIND_A_CLOSE = """
import os, sys
from pathlib import Path
from spancast.base.store import Store
from tests.base.test_store import MIGRATIONS, add
path = Path(sys.argv[1])
store = Store(path, MIGRATIONS)
add(store)
os.closerange(3, 64)
mine = [os.open(path.parent / f"mine-{number}", os.O_RDWR | os.O_CREAT) for number in range(40)]
child = os.fork()
if child == 0:
    os._exit(sum(os.fstat(each).st_size for each in mine) > 0)  # fstat raises where one is closed
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sum(os.fstat(each).st_size for each in mine))
"""


@posix
@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="This system lists no descriptors.")
def test_a_forked_child_closes_nothing_that_the_application_has_opened_in_place_of_our_descriptors(path):
    assert output(FORKED_BEHIND_A_CLOSE, path).split() == ["0", "0"]


def test_another_connection_of_the_process_may_be_closed(path, opened):
    other = Store(path, MIGRATIONS)
    add(other)
    for one, closed in ((opened, other), (other, opened)):
        add(one)
        value(closed)
        closed.close()
        add(one)
        assert value(one) == value(closed)


def test_a_file_that_is_gone_is_begun_anew(path, opened):
    add(opened)
    for each in path.parent.iterdir():
        each.unlink()
    add(opened)
    assert value(opened) == 1


def test_a_damaged_file_is_set_aside_and_another_begun(path, opened, caplog):
    damage = b"not a database at all"
    add(opened)
    opened.close()
    path.write_bytes(damage)
    with pytest.raises(sqlite3.DatabaseError):
        add(opened)
    add(opened)
    assert value(opened) == 1
    (aside,) = path.parent.glob("some.db.damaged-*")
    assert aside.read_bytes() == damage
    assert aside.name in caplog.text


def test_somebody_elses_database_is_refused_and_left_as_it_is(path, opened):
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes(name TEXT)")
    before = path.read_bytes()
    for use in (opened.transaction, opened.reading):
        with pytest.raises(SpancastError, match="is a database of another program"), use():
            pass
    assert path.read_bytes() == before


def test_a_file_of_a_version_that_there_is_none_of_is_damaged(path, opened):
    add(opened)
    opened.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=-5")
    with pytest.raises(store.SetAsideError, match="has version -5"):
        add(opened)
    add(opened)
    assert value(opened) == 1


@pytest.mark.parametrize("damaged", [b"CREATE TABLE number", b"value INTEGER"])
def test_a_file_whose_definitions_are_no_text_is_damaged(path, opened, damaged):
    add(opened)
    opened.close()
    whole = path.read_bytes()
    assert whole.count(damaged) == 1
    path.write_bytes(whole.replace(damaged, b"\xb8" * 3 + damaged[3:]))
    with pytest.raises(store.SetAsideError):
        add(opened)
    add(opened)
    assert value(opened) == 1


@posix
def test_a_pipe_in_place_of_the_file_keeps_nobody_waiting(path, opened):
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(OSError, match="It is not a regular file"):
        add(opened)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do this")
@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_nothing_is_written_to_a_file_that_another_user_has_made(path, opened, end):
    path.parent.mkdir(mode=0o777)
    planted = path.with_name(path.name + end)
    planted.touch(0o666)
    os.chown(planted, 12345, 12345)
    with pytest.raises(SpancastError, match="belongs to another user"):
        add(opened)
    assert planted.stat().st_size == 0
    planted.unlink()
    add(opened)
    assert value(opened) == 1
