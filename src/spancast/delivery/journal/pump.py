"""The one thread that keeps this process's records moving: journal to disk, segments to shelves, couriers woken.

It looks a few times a second rather than being told: what runs on the caller's thread, or in a finalizer, then touches
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

PERIOD = 0.2
"""Seconds between two looks; what was written is safe from a loss of power within two of them."""
AGAIN = 0.02
"""Seconds between two tries while somebody waits, and another process is at it."""
REFUSED = 1.0
"""Seconds until it is tried again to start the thread, where none could be."""
SETTLED = 1.0
"""Seconds until what an earlier process left is moved. `spancast run` starts before the program, which may patch
sockets and threads in its first lines: gevent warns of what is imported before that, and to send is to import."""


class _Wish:
    """That all there is now be moved, by a thread that waits for it."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.moved = False
        self.over = threading.Event()


class Pump:
    """Runs in a daemon thread of its own, started by the first record of a process, also of a forked one."""

    def __init__(self, journal: Journal, drainer: Drainer, wake: Sequence[Callable[[], None]] = ()) -> None:
        """Move what `journal` has by `drainer`; `wake` are the couriers to tell."""
        self._journal = journal
        self._drainer = drainer
        self._wake = wake
        self._begin()
        forks.in_child(self._begin)

    def _begin(self) -> None:
        """Know of no thread: a forked child has none but the one that forked."""
        self.running = False
        self._stopping = False
        self._starting = threading.Lock()
        """Is never waited for: it may be tried in the middle of anything."""
        self._look = threading.Event()
        self._turning = threading.Lock()
        self._wishes: deque[_Wish] = deque()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._inherits_at = math.inf

    def inherit(self) -> None:
        """Move what an earlier process left as well, in a moment, or with the first that this one has."""
        self._inherits_at = clock.now() + SETTLED
        self.start()

    def start(self) -> None:
        """Start the thread, where it does not run and nobody else is at it.

        Where none may be started, the next process moves what this one wrote, or a later try.
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
            self.running, self._not_before = False, clock.now() + REFUSED
        else:
            self._thread = thread

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread after the turn it is in, for which `timeout` seconds are waited."""
        self._stopping = True
        self._look.set()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout)

    def move(self, timeout: float) -> bool:
        """Have all there is moved; return whether it was within `timeout` seconds, whatever holds the thread up."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread() or self._stopping:
            return self.turn(timeout)
        wish = _Wish(Deadline(timeout))
        self._wishes.append(wish)
        self._look.set()
        wish.over.wait(timeout)
        return wish.moved

    def is_at_it(self) -> bool:
        """Whether a turn is under way that did not end in time: the disk, or another process, holds it up."""
        return self._turning.locked()

    def turn(self, timeout: float = 0.0) -> bool:
        """Move all there is; return `False` when another process is at it for `timeout` seconds, or the disk fails."""
        if not self._turning.acquire(timeout=locks.patience(threading.TIMEOUT_MAX)):
            return False
        try:
            self._journal.news, self._inherits_at = False, math.inf
            moved = False
            try:
                with self._drainer.faults_told():
                    self._journal.catch_up()
                    moved = self._drainer.drain(timeout, self._journal)
            finally:
                self._journal.news = self._journal.news or not moved
        finally:
            self._turning.release()
        if moved:
            for wake in self._wake:
                wake()
        return moved

    def _run(self) -> None:
        while not self._stopping:
            self._look.wait(PERIOD)
            self._look.clear()
            with guard.quietly("moving records"):
                if self._wishes:
                    self._fulfil(self._wishes.popleft())
                elif self._journal.news or clock.now() >= self._inherits_at:
                    self.turn()
                else:
                    self._journal.leave_what_is_gone()
        with guard.quietly("syncing the journal"):
            self._journal.catch_up()  # here, for whoever ends the process must not wait for the disk

    def _fulfil(self, wish: _Wish) -> None:
        """Take turns until one has moved all there is. What others wish meanwhile is as old as what was moved then."""
        try:
            while not (moved := self.turn()) and not wish.deadline.over and not self._stopping:
                time.sleep(AGAIN)
            wish.moved = moved
        finally:
            wish.over.set()
            if self._wishes:
                self._look.set()
