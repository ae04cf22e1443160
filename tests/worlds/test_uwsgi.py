"""uWSGI, which forks without telling Python, and gives threads no time of their own unless it is asked to."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import assert_whole
from tests.support.environments import python_with
from tests.support.oracle import marks
from tests.worlds.servers import free_port, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="uWSGI needs fork"),
]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=13) as simulator:
        yield simulator


def uwsgi(port: int, *options: str) -> list[str | Path]:
    python = python_with("worlds/uwsgi", "pyuwsgi>=2.0.30")
    own = ["--http-socket", f"127.0.0.1:{port}", "--master", "--processes", "3", "--die-on-term", "--need-app"]
    where = ["--virtualenv", python.parents[1], "--module", "tests.worlds.app"]
    return [python.with_name("uwsgi"), *own, *where, *options]


@pytest.mark.parametrize("first_call", ["", "1"], ids=["", "called before the fork"])
@pytest.mark.parametrize(
    "options",
    [(), ("--enable-threads", "--threads", "2"), ("--lazy-apps",), ("--py-call-osafterfork",)],
    ids=["", "threads", "lazy", "told"],
)
def test_every_call_of_every_worker_is_booked(
    options: tuple[str, ...], first_call: str, openrouter: Simulator, tmp_path: Path
) -> None:
    port = free_port()
    with serving(uwsgi(port, *options), port, tmp_path, openrouter, FIRST_CALL=first_call) as server:
        assert server.load(100) == 100
        server.end()
        assert_whole(server.home, server.marks, in_flight=0)
        assert len(marks(server.marks, "done")) >= 100 + bool(first_call)


def test_a_worker_that_is_killed_for_its_slowness_loses_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    with serving(uwsgi(port, "--harakiri", "2"), port, tmp_path, openrouter) as server:
        assert not server.ask("hang/slow")
        assert server.load(20) == 20
        server.end()
        assert_whole(server.home, server.marks, in_flight=0)
        assert "slow" in marks(server.marks, "done")
