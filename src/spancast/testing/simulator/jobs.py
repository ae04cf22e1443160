"""The jobs that were begun: videos and batches. A job goes on by being polled, so that tests can count."""

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
    """What was begun, and what comes of it."""

    id: str
    kind: Kind
    polls: int
    """How many polls find it under way."""
    bills: tuple[Bill, ...]
    """What is charged when it is done."""
    result: Any
    """What the file of its dialect makes an answer of."""


class Standing(msgspec.Struct, frozen=True):
    """How a job stands."""

    job: Job
    state: State


class Jobs:
    """Every access is one step under one lock. `charge` takes a bill."""

    def __init__(self, charge: Callable[[Bill], None]) -> None:
        self._charge = charge
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._polls: Counter[str] = Counter()
        self._cancelled: set[str] = set()

    def begin(self, job: Job) -> None:
        """Begin a job."""
        with self._lock:
            self._jobs[job.id] = job

    def poll(self, job_id: str, kind: Kind) -> Standing:
        """Count a poll, and return how the job stands after it; raises `Refused` (404) where there is none.

        The poll that finds it done first has it charged.
        """
        with self._lock:
            job = self._find(job_id, kind)
            self._polls[job_id] += 1
            standing = Standing(job, self._state(job))
            if standing.state == "done" and self._polls[job_id] == job.polls + 1:
                self._charge_all(job.bills)
            return standing

    def look(self, job_id: str, kind: Kind) -> Standing:
        """Return how a job stands; raises `Refused` (404) where there is none."""
        with self._lock:
            job = self._find(job_id, kind)
            return Standing(job, self._state(job))

    def cancel(self, job_id: str, kind: Kind) -> Standing:
        """Cancel a job that is not done; the next poll finds it cancelled. Raises `Refused` (404)."""
        with self._lock:
            job = self._find(job_id, kind)
            if self._state(job) == "done":
                return Standing(job, "done")
            self._cancelled.add(job_id)
            return Standing(job, "cancelling")

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
