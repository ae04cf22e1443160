"""Every test of faults has its accounts checked: at every instant while it runs, and at its end."""

from contextlib import closing

import pytest

from spancast.delivery.http import backoff
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from tests.support.faults.desk import Desk, always_adding_up, assert_adds_up

DAY = 86_400.0


@pytest.fixture(autouse=True)
def _accounts(tmp_path):
    """Check every outbox that the test has left."""
    yield
    for path in tmp_path.rglob("outbox.db"):
        with closing(Outbox(path.parent)) as outbox:
            assert_adds_up(outbox.standings())


@pytest.fixture
def desk(tmp_path):
    home = tmp_path / "home"
    opened = Desk(home, Limits(size=10**9, age=30 * DAY, retention=7 * DAY))
    with always_adding_up(home):
        yield opened
        opened.close()


@pytest.fixture
def impatient(monkeypatch):
    """Make every wait that we choose ourselves a short one."""
    monkeypatch.setattr(backoff, "CAP_SECONDS", 0.02)
    monkeypatch.setattr(backoff, "BASE_SECONDS", 0.02)
