"""uvicorn, which raises the signal again behind its graceful end, so that no exit handler of Python's ever runs."""

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import assert_whole
from tests.support.environments import python_with
from tests.support.oracle import marks
from tests.worlds.servers import free_port, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=12) as simulator:
        yield simulator


def uvicorn(port: int, *options: str) -> list[str | Path]:
    python = python_with("worlds/uvicorn", "uvicorn>=0.50", "hypercorn>=0.18")
    return [python, "-m", "uvicorn", "--port", str(port), *options, "tests.worlds.app:asgi"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("workers", ["1", "4"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_by_a_signal_loses_nothing(
    workers: str, number: signal.Signals, openrouter: Simulator, tmp_path: Path
) -> None:
    port = free_port()
    with serving(uvicorn(port, "--workers", workers), port, tmp_path, openrouter) as server:
        server.load(100)
        loading = threading.Thread(target=server.load, args=(200, "late"))
        loading.start()
        server.end(number)
        loading.join()
        assert_whole(server.home, server.marks, in_flight=4)
        assert len(marks(server.marks, "done")) >= 100


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_hypercorn_loses_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    python = uvicorn(port)[0]
    command = [python, "-m", "hypercorn", "-b", f"127.0.0.1:{port}", "-w", "2", "tests.worlds.app:asgi"]
    with serving(command, port, tmp_path, openrouter) as server:
        assert server.load(60) == 60
        server.end()
        assert_whole(server.home, server.marks, in_flight=0)
        assert len(marks(server.marks, "done")) == 60


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_uvicorns_worker_under_gunicorn_loses_nothing(
    number: signal.Signals, openrouter: Simulator, tmp_path: Path
) -> None:
    port = free_port()
    python = python_with("worlds/gunicorn-uvicorn", "gunicorn>=23", "uvicorn-worker>=0.3")
    own = ["-b", f"127.0.0.1:{port}", "-w", "2", "-k", "uvicorn_worker.UvicornWorker", "--preload"]
    with serving([python, "-m", "gunicorn", *own, "tests.worlds.app:asgi"], port, tmp_path, openrouter) as server:
        assert server.load(60) == 60
        server.end(number)
        assert_whole(server.home, server.marks, in_flight=0)
        assert len(marks(server.marks, "done")) == 60
