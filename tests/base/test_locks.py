"""A lock that one process holds, and that no death, fork or interruption leaves behind."""

import contextvars
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spancast.base import locks
from spancast.base.locks import FileLock

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here.")
HOLD = """
import sys
from pathlib import Path
from spancast.base.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def free(path: Path) -> bool:
    """Whether another could take the lock now."""
    other = FileLock(path)
    taken = other.acquire()
    other.release()
    return taken


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock until it is told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        if process.stdin is not None:
            process.stdin.close()


def in_a_fork(act: Callable[[], bool]) -> int:
    """Return what `act` returns in a forked child, as its exit code."""
    child = os.fork()
    if child == 0:
        os._exit(int(act()))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_one_holds_it_at_a_time(path: Path) -> None:
    lock = FileLock(path)
    assert lock.acquire()
    assert not free(path)
    lock.release()
    assert free(path)


def test_it_is_given_back_at_the_end_of_a_block(path: Path) -> None:
    def fail() -> None:
        assert not free(path)
        raise LookupError

    with pytest.raises(LookupError), FileLock(path):
        fail()
    assert free(path)


def test_a_lock_that_is_held_cannot_be_taken_again(path: Path) -> None:
    lock = FileLock(path)
    assert lock.acquire()
    assert not lock.acquire()
    assert not free(path)
    lock.release()
    assert free(path)


def test_a_lock_that_is_not_held_is_released_without_a_word(path: Path) -> None:
    lock, holder = FileLock(path), FileLock(path)
    lock.release()
    assert holder.acquire()
    lock.release()
    assert not free(path)
    holder.release()
    holder.release()


def test_it_waits_for_whoever_holds_it(path: Path) -> None:
    holder, lock = FileLock(path), FileLock(path)
    assert holder.acquire()
    taken: list[bool] = []
    waits = threading.Thread(target=lambda: taken.append(lock.acquire(timeout=30.0)))
    waits.start()
    holder.release()
    waits.join()
    assert taken == [True]
    assert not free(path)
    lock.release()


def test_it_waits_for_no_longer_than_it_is_told(path: Path) -> None:
    with FileLock(path):
        assert not FileLock(path).acquire(timeout=0.02)


class Impatient(FileLock):
    """One that has waited its 30 seconds."""

    def acquire(self, timeout: float = 0.0) -> bool:  # noqa: ARG002 - as above
        return super().acquire()


def test_who_waits_in_vain_is_told_which_file_it_is(path: Path) -> None:
    with FileLock(path), pytest.raises(TimeoutError, match=r"lock has been locked .* Is one suspended\?"):
        Impatient(path).__enter__()


def test_another_process_keeps_it_until_it_ends(path: Path) -> None:
    with another_process(path):
        assert not free(path)
    assert free(path)


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
def test_a_process_that_is_killed_leaves_no_lock_behind(path: Path) -> None:
    with another_process(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert free(path)


def test_a_program_that_is_run_does_not_inherit_it(path: Path) -> None:
    lock = FileLock(path)
    assert lock.acquire()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False, stderr=subprocess.DEVNULL
    ):
        lock.release()
        assert free(path)


@forks
def test_a_forked_child_holds_nothing_and_gives_nothing_back(path: Path) -> None:
    lock = FileLock(path)
    assert lock.acquire()

    def child() -> bool:
        lock.release()
        return free(path)

    assert in_a_fork(child) == 0
    assert not free(path)
    lock.release()
    assert free(path)


@forks
def test_a_forked_child_does_not_keep_its_parents_lock(path: Path) -> None:
    lock, told = FileLock(path), os.pipe()
    assert lock.acquire()
    child = os.fork()
    if child == 0:
        os.close(told[1])
        os.read(told[0], 1)
        os._exit(0)
    lock.release()
    assert free(path), "The child has a copy of the open file."
    os.close(told[1])
    os.waitpid(child, 0)
    os.close(told[0])


@forks
def test_a_forked_child_takes_it_like_any_other(path: Path) -> None:
    lock = FileLock(path)
    assert lock.acquire()
    lock.release()
    assert in_a_fork(lock.acquire) == 1
    assert free(path)


def test_the_file_stays_and_is_its_owners_alone(path: Path) -> None:
    with FileLock(path):
        pass
    assert path.exists()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_said_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "none" / "lock").acquire()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Open files cannot be counted here.")
@pytest.mark.parametrize("raised", [OSError, KeyboardInterrupt])
def test_an_interrupted_wait_leaves_nothing_open(
    raised: type[BaseException], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_fd: int) -> bool:
        raise raised

    monkeypatch.setattr(locks, "try_lock", interrupted)
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(raised):
        FileLock(path).acquire()
    assert set(Path("/proc/self/fd").iterdir()) == before


@forks
def test_a_child_that_is_forked_while_its_parent_waits_does_not_hold_the_lock_for_it(path: Path) -> None:
    holder, lock = FileLock(path), FileLock(path)
    assert holder.acquire()
    taken: list[bool] = []
    waits = threading.Thread(target=lambda: taken.append(lock.acquire(timeout=30.0)))
    waits.start()
    while not locks._opened - {holder._file}:
        pass
    told, begun = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(begun[1], b"1")
        os.close(told[1])
        os.read(told[0], 1)
        os._exit(0)
    os.read(begun[0], 1)  # until then it may not have run at all
    holder.release()
    waits.join()
    locks.close(lock._file)  # type: ignore[arg-type]  # as the end of the process does it, without giving the lock back
    assert taken == [True]
    assert free(path)
    os.write(told[1], b"1")
    assert os.waitpid(child, 0)[1] == 0


def test_a_thread_that_somebody_waits_for_does_not_wait_longer_for_a_lock(path: Path) -> None:
    with FileLock(path):
        began = time.monotonic()
        with locks.within(0.1), locks.within(20.0), pytest.raises(TimeoutError, match=r"for 0\.1 seconds"):
            FileLock(path).__enter__()
        assert 0.1 <= time.monotonic() - began < 1.0
    assert locks.max_wait(30.0) == 30.0


def test_whom_nobody_waits_for_may_wait_though_somebody_waits_for_the_thread_that_started_it() -> None:
    found = []
    with locks.within(0.0):
        context = contextvars.copy_context()  # which free-threaded Pythons give to new threads by themselves
        thread = threading.Thread(target=context.run, args=(lambda: found.append(locks.max_wait(30.0)),))
        thread.start()
        thread.join()
        assert locks.max_wait(30.0) == 0.0
    assert found == [30.0]
