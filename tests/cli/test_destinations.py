import json
import time
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.cli import main
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.ack import Ack
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from tests.support.calls import a_call

KEYS = [
    "name",
    "exporter",
    "state",
    "captured",
    "delivered",
    "waiting",
    "dead",
    "expired",
    "shed",
    "skipped",
    "lag_s",
    "reasons",
    "reason",
]


@pytest.fixture
def record(tmp_path):
    """Record calls as an application does."""
    with closing(Journal(tmp_path)) as journal:

        def put(**facts) -> None:
            journal.append(a_call(**facts))

        yield put


def shown(capsys, home, *arguments: str) -> str:
    assert main(["destinations", "--home", str(home), *arguments]) == 0
    return capsys.readouterr().out


def test_json_is_one_array_with_every_key(capsys, tmp_path, record):
    record(destinations=("one", "two"), started_at=time.time_ns() - 90 * 10**9)
    one, two = json.loads(shown(capsys, tmp_path, "--json"))
    assert list(one) == KEYS
    assert (one["name"], one["captured"], one["waiting"], two["name"]) == ("one", 1, 1, "two")
    assert one["lag_s"] >= 90


def test_json_gives_the_reasons(capsys, tmp_path, record):
    record()
    record()
    shown(capsys, tmp_path)
    with closing(Outbox(tmp_path)) as outbox:
        first, second = (waiting.seq for waiting in outbox.take("platform", 10))
        outbox.ack("platform", Ack(cursor=second, dead={first: "HTTP 400"}, waiting={second: "HTTP 503"}))
    (platform,) = json.loads(shown(capsys, tmp_path, "--json"))
    assert platform["reasons"] == {"HTTP 400": 1, "HTTP 503": 1}


def test_without_any_the_array_is_empty_and_nothing_is_made(capsys, tmp_path):
    assert json.loads(shown(capsys, tmp_path, "--json")) == []
    assert not list(tmp_path.iterdir())


def test_without_any_it_says_how_to_have_one(capsys, tmp_path):
    assert "SPANCAST_DESTINATIONS" in shown(capsys, tmp_path)


def test_the_table_says_what_is_the_matter(capsys, tmp_path, record):
    record()
    shown(capsys, tmp_path)
    with closing(Outbox(tmp_path)) as outbox:
        outbox.ack("platform", Ack(state="parked", reason="HTTP 401"))
    text = shown(capsys, tmp_path)
    assert "destination" in text
    assert text.splitlines()[-1] == "platform: parked: HTTP 401"


def test_what_was_shed_is_told_with_its_dollars(capsys, tmp_path, record):
    record(cost=Decimal("0.0123"))
    record(cost=Decimal("0.0300"))
    with closing(Outbox(tmp_path, Limits(10**9, age=0.0, retention=0.0))) as outbox:
        shown(capsys, tmp_path)
        while outbox.prune():
            pass
    lines = shown(capsys, tmp_path).splitlines()
    assert lines[-1] == "platform: 2 waited too long; $0.0423 of calls shed, which are in the ledger"
