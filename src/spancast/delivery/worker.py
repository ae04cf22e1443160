"""A thread that works in rounds: when it is woken, and when the previous round asked for the next one."""

import threading
from typing import Protocol

from spancast.base import forks, guard
from spancast.base.threads import Daemon

FAILURE_SECONDS = 5.0
"""Until the next round after one that raised an exception."""


class Worker(Protocol):
    """Work in rounds. Only `stop` is called from another thread."""

    @property
    def name(self) -> str:
        """Part of its thread's name."""
        ...

    def round(self) -> float | None:
        """Do what can be done now; return the seconds until the next round, or `None` to wait until woken."""
        ...

    def stop(self) -> None:
        """Start nothing more; the current round ends soon."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class WorkerThread:
    """Runs a worker's rounds in a thread. An exception in a round is counted, and the rounds go on.

    In a forked child, which has none of its parent's threads, a new thread starts when it is woken.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._reset()
        forks.in_child(self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have a round run soon. If no thread can be started, the work is left to another process."""
        self._woken.set()
        with self._lock:
            if self._thread is None and not self._stopping:
                thread = Daemon(self._run, f"spancast-{self._worker.name}")
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is shutting down, or the limit of threads is reached
                    return
                self._thread = thread

    def stop(self, timeout: float) -> bool:
        """Start nothing more; return whether the thread ended within `timeout` seconds."""
        self._stopping = True
        self._worker.stop()
        self._woken.set()
        thread = self._thread
        if thread is None:
            self._worker.close()
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._woken.clear()
                wait = self._round()
                self._woken.wait(wait)
        finally:  # on this thread, since `stop` may not have waited for the last round
            with guard.quietly(self._worker.name):
                self._worker.close()

    def _round(self) -> float | None:
        try:
            return self._worker.round()
        except Exception:  # noqa: BLE001 - a full disk must not end the thread
            guard.caught(self._worker.name)
            return FAILURE_SECONDS
