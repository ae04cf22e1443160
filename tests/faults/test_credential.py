"""Row 20: a credential that is refused; and one that is asked for first."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from spancast.base import guard
from spancast.contract import Encoded, Grant, Request, Retry, Span, Unauthorized
from spancast.delivery.courier import pacing
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import once, until_settled
from tests.support.plain import Plain
from tests.support.platform import answer

KEY = "x-key"


@pytest.fixture(autouse=True)
def _unlogged(monkeypatch):
    monkeypatch.setattr(guard, "_last_logged", {})


@pytest.mark.parametrize("code", [401, 403])
def test_everything_waits_until_the_key_is_right_and_nothing_is_lost(desk, code):
    collector = desk.collector(modes.keyed(KEY, "right", code))
    wrong = desk.courier(Otlp(endpoint=collector.url, headers={KEY: "wrong"}))
    for _ in range(5):
        desk.put(3)
        once(wrong)
    assert (len(collector.received), desk.standing().state) == (1, "parked")
    assert desk.standing().reasons == {"parked": 15}
    until_settled(desk.courier(Otlp(endpoint=collector.url, headers={KEY: "right"})))
    desk.assert_each_once(collector)
    assert desk.standing().state == "ready"


def test_it_is_one_line_in_the_log_without_the_key(desk, caplog):
    collector = desk.collector(modes.keyed(KEY, "right", 401))
    desk.put(3)
    with caplog.at_level(logging.DEBUG, "spancast"):
        for _ in range(5):
            once(desk.courier(Otlp(endpoint=collector.url, headers={KEY: "s3cret"})))
    (line,) = caplog.messages
    assert ("HTTP 401" in line, "s3cret" in line) == (True, False)


def test_a_process_that_lives_for_weeks_looks_again_now_and_then(desk, monkeypatch):
    monkeypatch.setattr(pacing, "PARKED_SECONDS", 0.1)
    collector = desk.collector(modes.status(403))
    serving = desk.courier(Otlp(endpoint=collector.url))
    desk.put(3)
    once(serving)
    collector.mode = modes.healthy
    assert once(serving).decided == 0
    time.sleep(0.1)
    desk.put()
    until_settled(serving)
    desk.assert_each_once(collector)


class Unheard(Plain):
    """It has a key that no header can hold, and has not looked at it."""

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        return [
            replace(each, request=replace(each.request, headers={KEY: "s3cret\nline"}))
            for each in super().encode(spans, at)
        ]


def test_a_key_that_cannot_be_in_a_header_is_not_told(desk):
    collector = desk.collector()
    desk.put()
    once(desk.courier(Unheard(url=collector.url)))
    (reason,) = desk.standing().reasons
    assert ("s3cret" in reason, desk.standing().waiting) == (False, 1)
    desk.outbox.close()
    assert not [path for path in desk.home.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


@dataclass(frozen=True, kw_only=True)
class Granted(Plain):
    """Its requests need a token, which the same platform gives."""

    lasts: float = 3600.0
    asked: list[datetime] = field(default_factory=list)

    def ask(self, at: datetime) -> Request:
        self.asked.append(at)
        return Request(url=f"{self.url}/token", body=b"")

    def grant(self, reply, at):
        if reply.status == 401:
            return Unauthorized("no such client")
        if reply.status != 200:
            return Retry(f"HTTP {reply.status}")
        return Grant({"authorization": reply.body.decode()}, at + timedelta(seconds=self.lasts))


class Tokens:
    """Gives tokens by number, and takes spans for a token that it has not revoked."""

    def __init__(self) -> None:
        self.given = 0
        self.revoked: set[str] = set()
        self.status = 200

    def __call__(self, handler, received):
        if received.path == "/token":
            self.given += self.status == 200
            answer(self.status, body=f"Bearer {self.given}".encode())(handler, received)
            return False
        token = received.headers.get("authorization", "")
        known = token.startswith("Bearer ") and token not in self.revoked
        return answer(200 if known else 401)(handler, received)


def test_a_credential_is_asked_for_once_and_used_until_it_ends(desk):
    tokens = Tokens()
    collector = desk.collector(tokens)
    exporter = Granted(url=collector.url)
    serving = desk.courier(exporter)
    for _ in range(3):
        desk.put(2)
        until_settled(serving)
    desk.assert_each_once(collector)
    assert tokens.given == 1


def test_a_credential_that_has_ended_is_asked_for_again(desk):
    tokens = Tokens()
    collector = desk.collector(tokens)
    serving = desk.courier(Granted(url=collector.url, lasts=0.05))
    for _ in range(2):
        desk.put()
        until_settled(serving)
        time.sleep(0.06)
    desk.assert_each_once(collector)
    assert tokens.given == 2


def test_a_credential_that_is_revoked_early_is_asked_for_again_and_nothing_is_parked(desk):
    tokens = Tokens()
    collector = desk.collector(tokens)
    serving = desk.courier(Granted(url=collector.url))
    desk.put()
    until_settled(serving)
    tokens.revoked.add("Bearer 1")
    desk.put()
    until_settled(serving)
    desk.assert_each_once(collector)
    assert desk.standing().state == "ready"


def test_a_fresh_credential_that_is_refused_parks(desk):
    tokens = Tokens()
    tokens.revoked = {f"Bearer {number}" for number in range(9)}
    desk.put()
    once(desk.courier(Granted(url=desk.collector(tokens).url)))
    assert (desk.standing().state, tokens.given) == ("parked", 1)


def test_a_client_that_gets_no_credential_parks(desk):
    tokens = Tokens()
    tokens.status = 401
    collector = desk.collector(tokens)
    desk.put()
    once(desk.courier(Granted(url=collector.url)))
    assert (desk.standing().state, desk.standing().reason) == ("parked", "no such client")
    assert [received.path for received in collector.received] == ["/token"]


@pytest.mark.parametrize("mode", [modes.status(503), modes.refused, modes.hang], ids=["503", "refused", "hangs"])
def test_who_grants_credentials_may_be_away_for_a_while(desk, impatient, monkeypatch, mode):
    monkeypatch.setattr("spancast.delivery.http.wire.TIMEOUT_SECONDS", 0.2)
    collector = desk.collector(mode)
    serving = desk.courier(Granted(url=collector.url))
    desk.put(2)
    once(serving)
    assert (desk.standing().state, desk.standing().waiting) == ("retrying", 2)
    collector.mode = Tokens()
    until_settled(serving)
    desk.assert_each_once(collector)


def test_an_exporter_that_cannot_read_what_it_is_granted_is_asked_again(desk, impatient):
    @dataclass(frozen=True, kw_only=True)
    class Broken(Granted):
        def grant(self, reply, at):  # noqa: ARG002 - the protocol's
            raise KeyError("access_token")

    desk.put()
    once(desk.courier(Broken(url=desk.collector(Tokens()).url)))
    assert desk.standing().reasons == {"no credential: KeyError": 1}


def test_a_token_is_nowhere_on_the_disk(desk):
    tokens = Tokens()
    desk.put()
    until_settled(desk.courier(Granted(url=desk.collector(tokens).url)))
    desk.outbox.close()
    assert not [path for path in desk.home.rglob("*") if path.is_file() and b"Bearer" in path.read_bytes()]
    assert "Bearer" not in repr(Grant({"authorization": "Bearer 1"}, datetime.now(UTC)))
