"""gunicorn: every kind of worker, forked before and after the application is loaded, recycled, ended, aborted."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import assert_whole
from tests.support.environments import python_with
from tests.support.oracle import marks
from tests.worlds.servers import Server, free_port, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork"),
]
WORKERS = {
    "sync": (),
    "gthread": ("--threads", "4"),
    "gevent": (),
}


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=11) as simulator:
        yield simulator


def gunicorn(port: int, *options: str) -> list[str | Path]:
    python = python_with("worlds/gunicorn", "gunicorn>=27", "gevent>=26")
    return [python, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", *options, "tests.worlds.app:wsgi"]


def whole(server: Server, in_flight: int = 0) -> int:
    """Check the ledger; return how many calls the application has made."""
    assert_whole(server.home, server.marks, in_flight=in_flight)
    return len(marks(server.marks, "done"))


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
@pytest.mark.parametrize("kind", WORKERS)
def test_every_call_of_every_worker_is_booked(
    kind: str, preload: tuple[str, ...], openrouter: Simulator, tmp_path: Path
) -> None:
    port = free_port()
    command = gunicorn(port, "-k", kind, *WORKERS[kind], *preload)
    with serving(command, port, tmp_path, openrouter, FIRST_CALL="1") as server:
        assert server.load(100) == 100
        server.end()
        assert whole(server) >= 101


@pytest.mark.parametrize("kind", WORKERS)
def test_workers_that_are_recycled_lose_nothing(kind: str, openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    command = gunicorn(port, "-k", kind, *WORKERS[kind], "--max-requests", "10", "--preload")
    with serving(command, port, tmp_path, openrouter) as server:
        answered = server.load(100)
        server.end()
        assert whole(server) >= answered > 80


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT, signal.SIGKILL])
def test_an_end_under_load_loses_nothing(number: signal.Signals, openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    with serving(gunicorn(port, "-k", "gthread", "--threads", "4"), port, tmp_path, openrouter) as server:
        server.load(60)
        server.end(number)
        assert whole(server) == 60


def test_a_worker_that_is_aborted_for_its_slowness_loses_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    with serving(gunicorn(port, "--timeout", "2"), port, tmp_path, openrouter) as server:
        assert not server.ask("hang/slow")
        assert server.load(20) == 20
        server.end()
        assert "slow" in marks(server.marks, "done")
        assert whole(server) == 21
