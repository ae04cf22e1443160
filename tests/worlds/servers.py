"""A server under load: started, asked from several threads, ended by a signal; and what the ledger says afterwards."""

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spancast.testing import Simulator
from tests.support.programs import surroundings
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds to wait for a server to come up, or to end."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A process that serves `tests.worlds.app`, and whom it was asked for."""

    def __init__(
        self, command: Sequence[str | Path], port: int, folder: Path, openrouter: Simulator, **more: str
    ) -> None:
        self.home, self.marks, self.port = folder / "home", folder / "marks", port
        self.log = folder / "log"
        environment = surroundings(self.home, openrouter, MARKS=str(self.marks), PYTHONPATH=str(ROOT), **more)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def ask(self, path: str, timeout: float = 20.0) -> bool:
        """Return whether it was answered."""
        url = f"http://127.0.0.1:{self.port}/{path}"
        with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=timeout) as answer:
            return bool(answer.read() == b"ok\n")
        return False

    def wait_until_up(self) -> None:
        eventually(lambda: self.ask("alive", timeout=2.0), PATIENCE, by=self.process, telling=self.log.read_text)

    def load(self, requests: int, prefix: str = "u") -> int:
        """Ask that often, from four threads; return how many were answered."""
        numbers, answered = iter(range(requests)), []
        lock = threading.Lock()

        def on_and_on() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                if self.ask(f"{prefix}-{number}"):
                    answered.append(number)

        threads = [threading.Thread(target=on_and_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(answered)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and return how the process ended; a kill is for its workers, too."""
        if number != signal.SIGKILL:
            self.process.send_signal(number)
            return self.process.wait(PATIENCE)
        os.killpg(self.process.pid, number)
        ended = self.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, 0)  # a worker is not quite dead yet
                time.sleep(0.01)
        return ended


@contextmanager
def serving(
    command: Sequence[str | Path], port: int, folder: Path, openrouter: Simulator, **more: str
) -> Iterator[Server]:
    """Run a server, and leave nothing of it behind."""
    server = Server(command, port, folder, openrouter, **more)
    try:
        server.wait_until_up()
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
