"""Row 35: what the application gave us to call raises, hangs, or returns nonsense."""

import threading

import pytest

from spancast.broadcast import redaction
from spancast_exporters.otlp import Otlp
from tests.support.faults.desk import PATIENCE, once, until_settled
from tests.support.waiting import eventually

SECRET = '[{"role":"user","parts":[{"type":"text","content":"s3cret"}]}]'


def raising(_text):
    raise RuntimeError("s3cret")


class Hanging:
    def __init__(self) -> None:
        self.released, self.over = threading.Event(), threading.Event()
        self.calls = 0

    def __call__(self, _text):
        self.calls += 1
        self.released.wait()
        self.over.set()
        return "s3cret"


@pytest.mark.parametrize("redact", [raising, lambda _text: 7], ids=["raises", "nonsense"])
def test_a_redactor_that_fails_costs_the_words_and_never_the_call(desk, monkeypatch, redact):
    monkeypatch.setattr(redaction, "LIMIT_SECONDS", PATIENCE)  # a busy machine is not what it fails by
    collector = desk.collector()
    desk.put(5, content=SECRET)
    until_settled(desk.courier(Otlp(endpoint=collector.url, compression="none"), redact=redact))
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {f"sent without its words: {redaction.FAILED}": 5}
    assert not [received for received in collector.received if b"s3cret" in received.body]


def test_a_redactor_that_hangs_is_waited_for_once_and_costs_the_words_and_never_the_call(desk, monkeypatch):
    assert redaction.LIMIT_SECONDS == 0.05
    monkeypatch.setattr(redaction, "FIRST_LIMIT_SECONDS", redaction.LIMIT_SECONDS)
    redact, collector = Hanging(), desk.collector()
    desk.put(50, content=SECRET)
    try:
        until_settled(desk.courier(Otlp(endpoint=collector.url, compression="none"), redact=redact))
        assert (redact.calls, redact.over.is_set()) == (1, False)
    finally:
        redact.released.set()
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {f"sent without its words: {redaction.TOO_SLOW}": 50}
    assert not [received for received in collector.received if b"s3cret" in received.body]


def test_an_exporter_that_hangs_holds_up_its_own_destination_alone(desk):
    class Stuck(Otlp):
        released = threading.Event()

        def encode(self, spans, at):
            self.released.wait(20)
            return super().encode(spans, at)

    stuck, well = desk.collector(), desk.collector()
    desk.put(3, destinations=("stuck", "well"))
    desk.start(desk.courier(Stuck(endpoint=stuck.url), name="stuck"))
    once(desk.courier(Otlp(endpoint=well.url), name="well"))
    desk.assert_each_once(well)
    Stuck.released.set()
    eventually(lambda: desk.standing("stuck").waiting == 0)
