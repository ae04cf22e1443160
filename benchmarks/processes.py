"""Two processes of the same environment, one bare and one with the subject on, that take turns."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What some units of work cost, in nanoseconds of CPU time."""

    units: int
    app: int
    everything: int
    seen: int
    """How many calls the subject has recorded since its process began."""


class Worker:
    """A process that is told what to do, and says what it cost."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def do(self, kind: str, times: int) -> Cost:
        """Do `times` calls or streams of a kind."""
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        pipe.write(json.dumps({"kind": kind, "times": times}) + "\n")
        pipe.flush()
        line = answers.readline()
        if not line:
            raise SystemExit(f"A worker ended with status {self._process.wait()}; what it printed says why.")
        answer = json.loads(line)
        return Cost(answer["units"], answer["app"], answer["all"], answer["seen"])


@contextmanager
def workers(python: Path, setup: str) -> Iterator[tuple[Worker, Worker]]:
    """Yield a bare worker, and one with `setup` on."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="spancast-bench-"))
        environment = {**os.environ, "PYTHONHASHSEED": "0", "BENCH_HOME": home}
        yield (_worker(stack, python, "bare", environment), _worker(stack, python, setup, environment))


def _worker(stack: ExitStack, python: Path, setup: str, environment: dict[str, str]) -> Worker:
    process = subprocess.Popen(
        [python, WORKER, setup],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=environment["BENCH_HOME"],
    )
    stack.enter_context(process)
    return Worker(process)
