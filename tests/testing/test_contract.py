"""The suite for exporters detects defects: each of its tests detects its own."""

# The methods of an exporter take what the contract gives, wanted or not.
# ruff: noqa: ARG002

import json
import os
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from spancast.contract import (
    Delivered,
    Encoded,
    Grant,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Unauthorized,
    Verdict,
    judge_status,
)
from spancast.testing import ExporterContract
from spancast.testing.purity import ImpurityError, pure

JSON = {"content-type": "application/json"}
KEY = "k-5ecret"


@dataclass(frozen=True, kw_only=True)
class Right:
    """Does all that an exporter should."""

    api_key: str = field(default=KEY, repr=False)
    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        return [self._request([self.event(span) for span in spans], [span.span_id for span in spans])]

    def event(self, span: Span) -> dict[str, Any]:
        call = span.generation
        known = {} if call is None or call.cost is None else {"cost": str(call.cost)}
        return {"id": span.span_id, "name": span.name, **known}

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        verdict = judge_status(encoded, reply)
        acknowledged = reply.body == b'{"ok": true}'
        return Retry("no acknowledgement") if isinstance(verdict, Delivered) and not acknowledged else verdict

    def _request(self, said: object, ids: Sequence[str]) -> Encoded:
        headers = {**JSON, "authorization": self.api_key}
        return Encoded(Request(url="https://acme.example", body=json.dumps(said).encode(), headers=headers), tuple(ids))


class Asking(Right):
    """Is also a `Probe`, a `ReadBack` and an `Authorizer`."""

    def probe(self, at: datetime) -> Request:
        return Request(url="https://acme.example/me", body=b"", method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        return None if reply.body == b'{"me": 1}' else "It is not well. See ACME_API_KEY."

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:
        return Request(url="https://acme.example/spans", body=b"", method="GET")

    def found(self, spans: Sequence[Span], reply: Reply) -> dict[str, bool]:
        return {}

    def ask(self, at: datetime) -> Request:
        return Request(url="https://acme.example/token", body=b"")

    def grant(self, reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
        return Unauthorized("no") if reply.status == 401 else Retry("not now")


def suite(made: Any) -> ExporterContract:
    class Suite(ExporterContract):
        def exporter(self) -> Any:
            return made

        def accepts(self) -> Reply:
            return Reply(200, JSON, b'{"ok": true}')

        def healthy(self) -> Reply | None:
            return Reply(200, JSON, b'{"me": 1}')

    return Suite()


class TestOneThatIsRight(ExporterContract):
    def exporter(self) -> Any:
        return Asking()

    def accepts(self) -> Reply:
        return Reply(200, JSON, b'{"ok": true}')

    def healthy(self) -> Reply:
        return Reply(200, JSON, b'{"me": 1}')


class ReadsAClock(Right):
    def event(self, span):
        return {**super().event(span), "sent": time.time()}


class SwallowsItsFault(Right):
    def event(self, span):
        try:
            where = os.environ["PATH"]
        except Exception:  # noqa: BLE001
            where = ""
        return {**super().event(span), "a": where[:0]}


class CountsUp(Right):
    seen: list[int] = []  # noqa: RUF012 - the fault

    def event(self, span):
        self.seen.append(1)
        return {**super().event(span), "number": len(self.seen)}


class ChangesSpans(Right):
    def event(self, span):
        span.attributes["sent"] = True
        return super().event(span)


class SendsTwice(Right):
    def encode(self, spans, at):
        return [*super().encode(spans, at), *super().encode(spans, at)]


class SendsNothing(Right):
    def encode(self, spans, at):
        return []


@dataclass(frozen=True, kw_only=True)
class Large(Right):
    traits: Traits = field(default=Traits(max_bytes=50_000), init=False)

    def event(self, span):
        return {**super().event(span), "words": dict(span.content)}


class TakesUnknownForFree(Right):
    def event(self, span):
        call = span.generation
        return {"id": span.span_id, "total_cost": 0 if call is None or call.cost is None else float(call.cost)}


class WritesNoJson(Right):
    def event(self, span):
        return {**super().event(span), "value": float("nan")}


class ChokesOnWords(Right):
    def event(self, span):
        messages = json.loads(str(span.content.get("gen_ai.input.messages", "[]")))
        return {**super().event(span), "messages": [each["role"] for each in messages]}


class ShowsItsKey(Right):
    def _request(self, said, ids):
        made = super()._request(said, ids)
        return replace(made, request=replace(made.request, url=f"https://acme.example/{self.api_key}"))


class WritesItsKey(Right):
    def event(self, span):
        return {**super().event(span), "by": self.api_key}


class BelievesAll(Right):
    def judge(self, encoded, reply):
        return judge_status(encoded, reply)


class BelievesRedirects(Right):
    def judge(self, encoded, reply):
        return Delivered() if reply.status < 400 else super().judge(encoded, reply)


class Chokes(Right):
    def judge(self, encoded, reply):
        return Rejected(json.loads(reply.body)) if reply.status == 422 else super().judge(encoded, reply)


class RejectsNobody(Right):
    def judge(self, encoded, reply):
        return Rejected({}) if reply.status == 422 else super().judge(encoded, reply)


class NeverWaits(Right):
    def judge(self, encoded, reply):
        return Retry("too many") if reply.status == 429 else super().judge(encoded, reply)


class GivesUp(Right):
    def judge(self, encoded, reply):
        gone = reply.status in (401, 413, 502)
        return Rejected(dict.fromkeys(encoded.span_ids, "no")) if gone else super().judge(encoded, reply)


class AlwaysWell(Asking):
    def diagnose(self, reply):
        return None


class KnowsTooMuch(Asking):
    def found(self, spans, reply):
        return {span.span_id: False for span in spans}


class GrantsItself(Asking):
    def grant(self, reply, at):
        return Grant({"authorization": reply.body.decode("latin-1")}, at)


@pytest.mark.parametrize(
    ("fault", "tests"),
    [
        (ReadsAClock, ["encode_is_pure"]),
        (SwallowsItsFault, ["encode_is_pure"]),
        (CountsUp, ["encode_is_pure"]),
        (ChangesSpans, ["encode_is_pure"]),
        (SendsTwice, ["each_span_is_carried_once_or_left_out"]),
        (SendsNothing, ["each_span_is_carried_once_or_left_out"]),
        (Large, ["what_is_too_large_can_be_split"]),
        (TakesUnknownForFree, ["an_unknown_cost_is_written_nowhere"]),
        (WritesNoJson, ["no_value_that_an_application_can_set_makes_it_raise"]),
        (ChokesOnWords, ["no_value_that_an_application_can_set_makes_it_raise"]),
        (ShowsItsKey, ["the_credential_is_not_shown"]),
        (WritesItsKey, ["the_credential_is_not_shown"]),
        (
            BelievesAll,
            ["judge_believes_no_page_and_no_error", "judge_believes_no_empty_body_if_the_platform_replies_in_json"],
        ),
        (BelievesRedirects, ["judge_believes_no_failure"]),
        (Chokes, ["judge_has_a_verdict_on_every_answer"]),
        (RejectsNobody, ["judge_has_a_verdict_on_every_answer"]),
        (NeverWaits, ["judge_waits_as_long_as_it_is_asked_to"]),
        (GivesUp, ["judge_splits_what_is_too_large", "judge_tries_again_when_the_platform_fails"]),
        (AlwaysWell, ["its_probe_tells_what_is_wrong"]),
        (KnowsTooMuch, ["its_read_back_knows_only_what_it_is_told"]),
        (GrantsItself, ["its_authorizer_takes_nothing_else_for_a_credential"]),
    ],
)
def test_a_fault_is_found(fault, tests):
    tried = suite(fault())
    for name in tests:
        with pytest.raises(AssertionError):
            getattr(tried, f"test_{name}")()


def test_a_wrong_credential_that_is_taken_for_a_bad_span_is_found():
    with pytest.raises(AssertionError):
        suite(GivesUp()).test_judge_parks_on_a_wrong_credential(401)


def test_who_forgets_to_say_what_is_tried_is_told():
    with pytest.raises(NotImplementedError, match=r"Return your exporter from exporter\(\)"):
        ExporterContract().exporter()
    with pytest.raises(NotImplementedError, match=r"accepts\(\)"):
        ExporterContract().accepts()


@pytest.mark.parametrize(
    "touch",
    [
        lambda: socket.socket().close(),
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: threading.Thread(target=int).start(),
        lambda: open(os.devnull).close(),  # noqa: PTH123 - what is caught
        lambda: time.monotonic(),  # noqa: PLW0108 - looked up when it is called
        lambda: time.sleep(0),
        lambda: os.environ.get("HOME"),
    ],
    ids=["socket", "name", "thread", "file", "clock", "sleep", "environment"],
)
def test_what_touches_the_world_is_caught(touch):
    with pytest.raises(ImpurityError), pure("it"):
        touch()


def test_what_another_thread_does_is_its_own():
    begun, over, done = threading.Event(), threading.Event(), []

    def elsewhere() -> None:
        begun.wait()
        done.append(time.monotonic() > 0 and os.environ.get("PATH") is not None)
        over.set()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    with pure("this thread"):
        begun.set()
        over.wait()
    thread.join()
    assert done == [True]


def test_afterwards_all_is_as_it_was():
    before = time.time, type(os.environ).__getitem__
    with pure("it"):
        pass
    assert (time.time, type(os.environ).__getitem__) == before
    socket.socket().close()
