"""A thread for what is done in rounds: whenever there is news, and whenever a round has said that it is time."""

import threading
from typing import Protocol

from spancast.base import forks, guard
from spancast.base.threads import Daemon

FAULT = 5.0
"""Seconds until a worker goes on that failed itself."""


class Worker(Protocol):
    """What is done in rounds. Only `stop` is called from another thread."""

    @property
    def name(self) -> str:
        """What its thread is called."""
        ...

    def round(self) -> float | None:
        """Do what there is to do; return the seconds until there may be more, or `None` where only news may help."""
        ...

    def stop(self) -> None:
        """Begin nothing any more; a round under way ends soon."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class WorkerThread:
    """Runs a worker's rounds in a thread of its own. A fault of a round is counted, and the rounds go on.

    A forked child has none of its parent's threads: there it starts when it is woken.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._begin()
        forks.in_child(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Do a round, soon. Where no thread can be started, it is left to another process."""
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
        """Begin nothing any more; return whether the thread has ended within `timeout` seconds."""
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
        finally:  # here, for nobody may wait for the last round
            with guard.quietly(self._worker.name):
                self._worker.close()

    def _round(self) -> float | None:
        try:
            return self._worker.round()
        except Exception:  # noqa: BLE001 - a full disk must not end the thread
            guard.caught(self._worker.name)
            return FAULT
