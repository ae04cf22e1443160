"""Row 46: a platform that does not prove who it is gets nothing."""

import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from spancast.delivery.courier import pacing
from spancast.delivery.http import wire
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.collector import Door
from tests.support.faults.desk import once, until_settled

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
CANARY = "c4nary"


@pytest.fixture(autouse=True)
def _trusting(tmp_path, monkeypatch):
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    wire._ssl_context.cache_clear()
    yield
    wire._ssl_context.cache_clear()


def proving(authority, name="127.0.0.1", **facts) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **facts).configure_cert(context)
    return context


UNTRUSTED = {
    "expired": (lambda: proving(AUTHORITY, not_after=datetime.now(UTC) - timedelta(days=1)), "has expired"),
    "another host's": (lambda: proving(AUTHORITY, "platform.example"), "is not valid for '127.0.0.1'"),
    "a stranger's": (lambda: proving(STRANGER), "self-signed certificate|unable to get local issuer"),
}


@pytest.mark.parametrize("how", UNTRUSTED)
def test_nothing_is_sent_and_everything_waits_until_the_certificate_is_right(desk, monkeypatch, how):
    made, reason = UNTRUSTED[how]
    collector = desk.collector(tls=made())
    desk.put(3, content=CANARY)
    serving = desk.courier(Otlp(endpoint=collector.url, headers={"x-key": CANARY}))
    for _ in range(3):
        once(serving)
    assert collector.received == []
    assert len(collector.connections) == 1
    assert (desk.standing().state, desk.standing().reasons) == ("parked", {"parked": 3})
    assert any(part in desk.standing().reason for part in reason.split("|"))
    monkeypatch.setattr(pacing, "PARKED_SECONDS", 0.0)
    collector.tls = proving(AUTHORITY)
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    desk.assert_each_once(collector)


def test_a_certificate_of_a_trusted_authority_is_good(desk):
    collector = desk.collector(tls=proving(AUTHORITY))
    desk.put(3)
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    desk.assert_each_once(collector)


def test_it_is_never_tried_without_encryption(desk):
    seen, done = bytearray(), threading.Event()

    def listen(_collector, connection):
        connection.settimeout(5)
        seen.extend(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        done.set()

    collector = desk.collector(Door(listen))
    desk.put(3, content=CANARY)
    serving = desk.courier(Otlp(endpoint=collector.url.replace("http:", "https:"), headers={"x-key": CANARY}))
    once(serving)
    assert done.wait(5)
    assert (desk.standing().waiting, CANARY.encode() in seen, b"POST" in seen) == (3, False, False)


def test_a_handshake_that_hangs_ends_with_the_attempt(desk, monkeypatch):
    monkeypatch.setattr("spancast.delivery.http.wire.TIMEOUT_SECONDS", 0.5)
    collector = desk.collector(modes.never_reading)
    desk.put()
    once(desk.courier(Otlp(endpoint=collector.url.replace("http:", "https:"))))
    assert (desk.standing().waiting, desk.standing().state) == (1, "retrying")
