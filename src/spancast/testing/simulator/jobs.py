"""Asynchronous jobs: videos and batches. Polling advances a job, so that tests are deterministic."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.bills import Bill

Kind = Literal["video", "batch"]
State = Literal["running", "cancelling", "cancelled", "done"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job and its result."""

    id: str
    kind: Kind
    polls: int
    """The number of polls that find it in progress."""
    bills: tuple[Bill, ...]
    """The bills to charge when it is done."""
    result: Any
    """The result, from which its dialect builds a response."""


class JobStatus(msgspec.Struct, frozen=True):
    """A job and its state."""

    job: Job
    state: State


class Jobs:
    """The jobs; thread-safe. `charge` records a bill."""

    def __init__(self, charge: Callable[[Bill], None]) -> None:
        self._charge = charge
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._polls: Counter[str] = Counter()
        self._cancelled: set[str] = set()

    def begin(self, job: Job) -> None:
        """Start a job."""
        with self._lock:
            self._jobs[job.id] = job

    def poll(self, job_id: str, kind: Kind) -> JobStatus:
        """Count a poll and return the job's new state; raise `RequestError` (404) if there is no such job.

        The first poll that finds the job done charges it.
        """
        with self._lock:
            job = self._find(job_id, kind)
            self._polls[job_id] += 1
            job_status = JobStatus(job, self._state(job))
            if job_status.state == "done" and self._polls[job_id] == job.polls + 1:
                self._charge_all(job.bills)
            return job_status

    def look(self, job_id: str, kind: Kind) -> JobStatus:
        """Return the state of a job; raise `RequestError` (404) if there is no such job."""
        with self._lock:
            job = self._find(job_id, kind)
            return JobStatus(job, self._state(job))

    def cancel(self, job_id: str, kind: Kind) -> JobStatus:
        """Cancel a job unless it is done; raise `RequestError` (404) if there is no such job."""
        with self._lock:
            job = self._find(job_id, kind)
            if self._state(job) == "done":
                return JobStatus(job, "done")
            self._cancelled.add(job_id)
            return JobStatus(job, "cancelling")

    def _find(self, job_id: str, kind: Kind) -> Job:
        job = self._jobs.get(job_id)
        if job is None or job.kind != kind:
            raise errors.not_found(f"{kind.capitalize()} {job_id} not found")
        return job

    def _state(self, job: Job) -> State:
        if job.id in self._cancelled:
            return "cancelled"
        return "done" if self._polls[job.id] > job.polls else "running"

    def _charge_all(self, bills: Sequence[Bill]) -> None:
        for bill in bills:
            self._charge(bill)
