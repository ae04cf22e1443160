"""The one thread that keeps this process's records moving: it syncs the journal, drains it, and wakes the couriers.

It polls a few times a second instead of being notified, so that code on the caller's thread, or in a finalizer, takes
no lock but the journal's own.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from spancast.base import clock, forks, guard, locks
from spancast.base.deadline import Deadline
from spancast.base.threads import Daemon
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal

PERIOD_SECONDS = 0.2
"""Between two polls; a record survives a loss of power after two of them."""
RETRY_SECONDS = 0.02
"""Between two attempts while a thread waits for a flush and another process drains."""
THREAD_RETRY_SECONDS = 1.0
"""Between two attempts to start the thread, after one failed."""
SETTLE_SECONDS = 1.0
"""Until records of earlier processes are moved. `spancast run` starts before the program, which may patch sockets and
threads in its first lines; sending imports modules, and gevent warns about modules imported before it patches."""


class _FlushRequest:
    """A waiting thread's request to move all present records."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.moved = False
        self.done = threading.Event()


class Pump:
    """Runs in a daemon thread that the first record of a process starts, also in a forked child."""

    def __init__(self, journal: Journal, drainer: Drainer, wake: Sequence[Callable[[], None]] = ()) -> None:
        """Drain `journal` with `drainer`; call each of `wake` after records were moved."""
        self._journal = journal
        self._drainer = drainer
        self._wake = wake
        self._reset()
        forks.in_child(self._reset)

    def _reset(self) -> None:
        """Forget the thread: a forked child has only the one that forked."""
        self.running = False
        self._stopping = False
        self._starting = threading.Lock()
        """Never waited for, since `start` may be called at any point."""
        self._poll_now = threading.Event()
        self._draining = threading.Lock()
        self._requests: deque[_FlushRequest] = deque()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._leftovers_at = math.inf

    def move_leftovers_soon(self) -> None:
        """Also move records of earlier processes: in a moment, or with the first record of this process."""
        self._leftovers_at = clock.now() + SETTLE_SECONDS
        self.start()

    def start(self) -> None:
        """Start the thread unless it runs or is being started.

        If no thread can be started, a later attempt or the next process moves the records.
        """
        starting = self._starting  # a signal handler may fork in here; the child has another
        if clock.now() < self._not_before or not starting.acquire(blocking=False):
            return
        try:
            if not self.running:
                self._start()
        finally:
            starting.release()

    def _start(self) -> None:
        self.running = True
        thread = Daemon(self._run, "spancast")
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or the limit of threads is reached
            guard.count("no thread could be started")
            self.running, self._not_before = False, clock.now() + THREAD_RETRY_SECONDS
        else:
            self._thread = thread

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread after its current round; wait up to `timeout` seconds for it."""
        self._stopping = True
        self._poll_now.set()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout)

    def flush(self, timeout: float) -> bool:
        """Have all present records moved; return whether they were within `timeout` seconds."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread() or self._stopping:
            return self.run_once(timeout)
        request = _FlushRequest(Deadline(timeout))
        self._requests.append(request)
        self._poll_now.set()
        request.done.wait(timeout)
        return request.moved

    def is_busy(self) -> bool:
        """Whether a round is in progress, which a slow disk or another process may delay."""
        return self._draining.locked()

    def run_once(self, timeout: float = 0.0) -> bool:
        """Move all records; return `False` if another process drains for `timeout` seconds, or the disk fails."""
        if not self._draining.acquire(timeout=locks.max_wait(threading.TIMEOUT_MAX)):
            return False
        try:
            self._journal.has_new, self._leftovers_at = False, math.inf
            moved = False
            try:
                with self._drainer.logging_failures():
                    self._journal.catch_up()
                    moved = self._drainer.drain(timeout, self._journal)
            finally:
                self._journal.has_new = self._journal.has_new or not moved
        finally:
            self._draining.release()
        if moved:
            for wake in self._wake:
                wake()
        return moved

    def _run(self) -> None:
        while not self._stopping:
            self._poll_now.wait(PERIOD_SECONDS)
            self._poll_now.clear()
            with guard.quietly("moving records"):
                if self._requests:
                    self._fulfil(self._requests.popleft())
                elif self._journal.has_new or clock.now() >= self._leftovers_at:
                    self.run_once()
                else:
                    self._journal.renew_lost_segment()
        with guard.quietly("syncing the journal"):
            self._journal.catch_up()  # on this thread, since the one that ends the process must not wait for the disk

    def _fulfil(self, request: _FlushRequest) -> None:
        """Drain until all records are moved. Requests that arrive meanwhile get rounds of their own."""
        try:
            while not (moved := self.run_once()) and not request.deadline.expired and not self._stopping:
                time.sleep(RETRY_SECONDS)
            request.moved = moved
        finally:
            request.done.set()
            if self._requests:
                self._poll_now.set()
