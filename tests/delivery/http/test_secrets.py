"""What an exporter keeps to itself reaches nobody by what a platform says, by a sink's words, or by a traceback."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.base import guard
from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Rejected,
    Reply,
    Request,
    Retry,
    Sink,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
)
from spancast.delivery.http.secrets import Secrets
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span
from tests.support.delivered import offered

KEY = "k-0123456789abcdef"
NOTHING = Request(url="http://x", body=b"")


@dataclass(frozen=True, kw_only=True)
class Inner:
    password: str = field(default=f"inner {KEY}", repr=False)
    shown: str = "shown for all to see"


@dataclass(frozen=True, kw_only=True)
class Holder:
    key: object = field(default=None, repr=False)
    inner: Inner | None = field(default=None, repr=False)
    shown: str = "shown for all to see"


@pytest.mark.parametrize(
    "held",
    [
        KEY,
        f"Bearer {KEY}",
        f"x=1,api-key={KEY}, y=2",
        f"authorization=Bearer%20{KEY}",
        f"https://{KEY}@o1.ingest.example/7",
        f"https://user:{KEY}@host",
        f"https://host/in?x=1&key={KEY}",
        {"x-honeycomb-team": KEY},
        ["first", KEY],
        (f"whsec_other {KEY}",),
    ],
)
def test_a_secret_is_known_however_it_is_held(held):
    assert Secrets(Holder(key=held)).redact(f"no such key: {KEY}.") == "no such key: [removed]."


def test_one_in_a_dataclass_within_is_known_too():
    assert KEY not in Secrets(Holder(inner=Inner())).redact(f"no {KEY}")


def test_what_is_shown_is_no_secret_and_what_is_short_is_none():
    secrets = Secrets(Holder(key="short", inner=Inner()))
    assert secrets.redact("shown for all to see: short") == "shown for all to see: short"


@pytest.mark.parametrize("key", ["a key/with+signs=&more", 'a "quoted" key', "ключ-от-квартиры", "half\ud800key-mine"])
def test_it_is_known_in_an_address_and_in_json(key):
    secrets = Secrets(Holder(key=key))
    for written in secrets._known:
        assert secrets.redact(f"<{written}>") == "<[removed]>"
    assert len(secrets._known) >= 2


def test_an_exporter_without_secrets_changes_nothing():
    secrets, reply = Secrets(object()), Reply(200, {}, b"as it is")
    assert secrets.redact_reply(reply, NOTHING) is reply
    assert secrets.redact("as it is") == "as it is"


def test_a_credential_made_of_a_secret_is_known_by_the_header_that_holds_it():
    request = Request(url="http://x", body=b"", headers={"Authorization": "Basic Nzprbm93bi1ieS10aGUtaGVhZGVy"})
    reply = Secrets(object()).redact_reply(Reply(401, {}, b"bad: Nzprbm93bi1ieS10aGUtaGVhZGVy"), request)
    assert reply.body == b"bad: [removed]"


def test_a_message_in_protobuf_can_still_be_read():
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 1
    answer.partial_success.error_message = f"the key {KEY} may not write"
    reply = Reply(200, {"content-type": "application/x-protobuf"}, answer.SerializeToString())
    exporter = Otlp(headers={"x-team": KEY})
    seen = Secrets(exporter).redact_reply(reply, NOTHING)
    reason = f"rejected: the key {'[removed]'.ljust(len(KEY), '.')} may not write"
    assert exporter.judge(Encoded(NOTHING, ("a",)), seen) == Rejected({"a": reason})


@pytest.mark.parametrize(
    ("verdict", "clean"),
    [
        (Delivered(), Delivered()),
        (Retry(f"no {KEY}", 3.0), Retry("no [removed]", 3.0)),
        (Split(f"no {KEY}"), Split("no [removed]")),
        (Unauthorized(f"no {KEY}"), Unauthorized("no [removed]")),
        (Rejected({"a": f"no {KEY}", "b": "else"}), Rejected({"a": "no [removed]", "b": "else"})),
    ],
)
def test_a_verdict_is_told_without_it(verdict, clean):
    assert Secrets(Holder(key=KEY)).redact_verdict(verdict) == clean


@dataclass(frozen=True, kw_only=True)
class Talkative:
    """A sink that tells its key."""

    key: str = field(default=KEY, repr=False)

    def write(self, spans: Sequence[Span]) -> Verdict:  # noqa: ARG002 - it takes none
        return Unauthorized(f"the server says: {self.key} is wrong")


@dataclass(frozen=True, kw_only=True)
class Raising:
    """An exporter whose exception tells its key."""

    headers: Mapping[str, str] = field(default_factory=lambda: {"x": KEY}, repr=False)
    traits: Traits = field(default=Traits(), init=False)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - it takes none
        raise ValueError(f"bad header {self.headers}")

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:  # noqa: ARG002 - it is never asked
        return Delivered()


def told(home: Path, exporter: Exporter | Sink) -> str:
    standing = offered(home, [to_span(a_call())], exporter)
    return f"{standing.reason} {standing.reasons}"


def test_what_a_sink_says_is_kept_and_logged_without_it(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(guard, "_last_logged", {})
    with caplog.at_level(logging.WARNING, "spancast"):
        reason = told(tmp_path, Talkative())
    assert "the server says: [removed] is wrong" in reason
    assert "[removed]" in caplog.text
    assert KEY not in reason + caplog.text


def test_what_an_exporter_raises_is_logged_with_its_traceback_and_without_it(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(guard, "_last_logged", {})
    with caplog.at_level(logging.DEBUG, "spancast"):
        reason = told(tmp_path, Raising())
    assert "ValueError: bad header {'x': '[removed]'}" in caplog.text
    assert "in encode" in caplog.text
    assert KEY not in reason + caplog.text
