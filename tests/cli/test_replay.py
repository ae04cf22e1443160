import json
from contextlib import closing

import pytest

from spancast.base import locks
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from tests.support.calls import a_call
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector


@pytest.fixture
def platform():
    with FaultCollector().open() as opened:
        yield opened


@pytest.fixture
def configured(home, platform, monkeypatch):
    """Have two destinations in the settings, of which one was added today."""
    tables = [f'{{exporter = "otlp", name = "{name}", endpoint = "{platform.url}"}}' for name in ("old", "new")]
    (home.parent / "spancast.toml").write_text(f"destinations = [{', '.join(tables)}]")
    return home


def record(home, count, **facts):
    with closing(Journal(home)) as journal:
        calls = [a_call(**{"destinations": ("old",), **facts}) for _ in range(count)]
        for call in calls:
            journal.append(call)
    return [call.span_id for call in calls]


def test_a_destination_that_was_added_today_is_sent_the_past_once(configured, platform, spancast):
    ids = record(configured, 5)
    status, said, _ = spancast("replay", "new", "--since", "7d")
    assert (status, said) == (0, "5 calls to be replayed to new: 5 delivered, 0 waiting.\n")
    assert dict(platform.accepted) == dict.fromkeys(ids, 1)
    status, said, _ = spancast("replay", "new", "--since", "7d")
    assert (status, said) == (0, "0 calls to be replayed to new: 0 delivered, 0 waiting.\n")
    assert dict(platform.accepted) == dict.fromkeys(ids, 1)


def test_json_says_what_came_of_it(configured, platform, spancast):
    record(configured, 3)
    platform.mode = modes.status(400)
    status, said, _ = spancast("replay", "new", "--since", "7d", "--json")
    assert (status, json.loads(said)) == (
        0,
        {"name": "new", "replayed": 3, "delivered": 0, "waiting": 0, "reasons": {"HTTP 400": 3}},
    )


def test_what_is_not_taken_in_time_is_left_waiting(configured, platform, spancast):
    record(configured, 3)
    platform.mode = modes.status(503)
    status, said, _ = spancast("replay", "new", "--since", "7d", "--timeout", "0.5")
    assert status == 1
    assert "3 calls to be replayed to new: 0 delivered, 3 waiting." in said
    assert said.endswith("new is retrying: HTTP 503\n")


def test_what_the_platform_may_have_is_sent_on_demand_alone(configured, platform, spancast):
    from spancast.delivery.outbox.ack import AMBIGUOUS, Ack  # noqa: PLC0415 - of this test alone

    with closing(Outbox(configured)) as outbox:
        outbox.apply("writer-000001.seg", 1, [a_call(destinations=("new",))])
        (waiting,) = outbox.take("new", 1)
        outbox.ack("new", Ack(cursor=waiting.seq, dead={waiting.seq: AMBIGUOUS}))
    assert "0 calls to be replayed" in spancast("replay", "new", "--since", "7d")[1]
    assert "1 call to be replayed to new: 1 delivered" in spancast("replay", "new", "--since", "7d", "--ambiguous")[1]


def test_a_damaged_outbox_is_set_aside_and_what_comes_is_replayed(configured, spancast):
    record(configured, 2)
    (configured / "outbox.db").write_bytes(b"no database at all")
    status, said, _ = spancast("replay", "new", "--since", "7d")
    assert (status, said) == (0, "2 calls to be replayed to new: 2 delivered, 0 waiting.\n")
    assert len([*configured.glob("outbox.db.damaged-*")]) == 1


def test_a_process_that_stands_still_with_the_outbox_is_told(configured, spancast, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
    record(configured, 2)
    with locks.FileLock(configured / "outbox.lock"):
        status, _, complaint = spancast("replay", "new", "--since", "7d")
    assert status == 1
    assert complaint.endswith("Is one suspended? Wait until it is done, or end it, and try again.\n")


def test_a_destination_that_nobody_knows_is_told_with_the_nearest(configured, spancast):
    status, _, complaint = spancast("replay", "nwe", "--since", "7d")
    assert (status, "Did you mean 'new'?" in complaint) == (2, True)


def test_it_has_to_be_told_since_when(configured, spancast):
    status, _, complaint = spancast("replay", "new")
    assert (status, "--since" in complaint) == (2, True)


def test_without_a_home_there_is_nothing_and_nothing_is_made(configured, spancast):
    assert spancast("replay", "new", "--since", "7d")[:2] == (
        0,
        "0 calls to be replayed to new: 0 delivered, 0 waiting.\n",
    )
    assert not configured.exists()
