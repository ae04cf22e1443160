"""Two processes of the same environment, one bare and one with the subject on, that take turns."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
SERVER = Path(__file__).with_name("server.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What some units of work cost, in nanoseconds of CPU time."""

    units: int
    app: int
    everything: int
    missed: int
    """How many of the calls the subject has not recorded; every one where it is off."""


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
        return Cost(**json.loads(line))


@contextmanager
def workers(python: Path, setup: str, work: str = "sdk", **variables: str) -> Iterator[tuple[Worker, Worker]]:
    """Yield a bare worker, and one with `setup` on, for a work of `worker.WORKS`."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="spancast-bench-"))
        environment = {**os.environ, "PYTHONHASHSEED": "0", "BENCH_HOME": home, **variables}
        commands = ([str(python), str(WORKER), each, work] for each in ("bare", setup))
        bare, on = (_worker(stack, command, environment) for command in commands)
        yield bare, on


@contextmanager
def server() -> Iterator[str]:
    """Yield the address of a server on loopback, in a process of its own."""
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def _worker(stack: ExitStack, command: list[str], environment: dict[str, str]) -> Worker:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=environment["BENCH_HOME"],
    )
    stack.enter_context(process)
    return Worker(process)
