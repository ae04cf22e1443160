"""A server for each module, and no word of anybody's in the log unless a test expects it."""

import logging
from collections.abc import Iterator

import pytest

from tests.support.replay import Answer, Replay, replaying
from tests.support.verbatim import Verbatim, verbatim


@pytest.fixture(scope="module")
def one_server() -> Iterator[Replay]:
    with replaying() as server:
        yield server


@pytest.fixture
def server(one_server: Replay) -> Replay:
    one_server.answer = Answer()
    one_server.answers.clear()
    one_server.requests.clear()
    return one_server


@pytest.fixture(scope="module")
def one_wire() -> Iterator[Verbatim]:
    with verbatim() as server:
        yield server


@pytest.fixture
def wire(one_wire: Verbatim) -> Verbatim:
    one_wire.requests.clear()
    return one_wire


@pytest.fixture(autouse=True)
def _nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []
