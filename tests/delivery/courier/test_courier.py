import os
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base.locks import FileLock
from spancast.contract import (
    Delivered,
    Rejected,
    Retry,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
)
from spancast.delivery.courier.courier import Courier, Pass
from spancast.delivery.http import backoff
from spancast.delivery.outbox.ack import AMBIGUOUS, ON_ITS_WAY, Ack
from spancast.delivery.worker import WorkerThread
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span
from tests.support.faults import desk as desks
from tests.support.faults.desk import PATIENCE, assert_adds_up, die_when_answered, once, until_settled
from tests.support.plain import Plain
from tests.support.platform import (
    Platform,
    answer,
    at_most,
    hanging_up,
    no_larger_than,
    partially,
    refusing,
    trickling,
)
from tests.support.waiting import eventually


class Desk(desks.Desk):
    """With platforms that answer as told."""

    def platform(self, *answers, port: int = 0) -> Platform:
        return self._open.enter_context(Platform(*answers, port=port).open())


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch):
    """Make every wait that we choose ourselves a short one."""
    monkeypatch.setattr(backoff, "CAP_SECONDS", 0.02)
    monkeypatch.setattr(backoff, "BASE_SECONDS", 0.02)


def test_what_waits_is_delivered_and_counted(desk):
    platform = desk.platform()
    ids = desk.put(3)
    assert once(desk.courier(Otlp(endpoint=platform.url))) == Pass(decided=3)
    assert platform.taken == dict.fromkeys(ids, 1)
    assert (desk.standing().delivered, desk.standing().waiting, desk.standing().state) == (3, 0, "ready")


def test_nothing_is_sent_where_nothing_waits(desk):
    platform = desk.platform()
    assert once(desk.courier(Otlp(endpoint=platform.url))) == Pass()
    assert platform.received == []


def test_what_was_delivered_is_not_sent_again(desk):
    platform = desk.platform()
    ids = desk.put(3)
    once(desk.courier(Otlp(endpoint=platform.url)))
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert platform.taken == dict.fromkeys(ids, 1)


def test_more_than_a_platform_takes_at_once_goes_in_several_requests(desk):
    platform = desk.platform()
    desk.put(25)
    courier = desk.courier(Plain(url=platform.url, traits=Traits(max_spans=10)))
    assert once(courier).more
    until_settled(courier)
    assert [len(received.spans()) for received in platform.received] == [10, 10, 5]


def test_spans_arrive_in_the_order_of_their_calls(desk):
    platform = desk.platform(answer(), answer(503), answer())
    ids = desk.put(30)
    courier = desk.courier(Plain(url=platform.url, traits=Traits(max_spans=10)))
    until_settled(courier)
    assert list(platform.taken) == ids


def test_a_call_whose_trace_was_not_sampled_is_skipped_and_not_sent(desk):
    platform = desk.platform()
    desk.put(2, sampled=False)
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert (desk.standing().skipped, desk.standing().reasons) == (2, {"trace not sampled": 2})
    assert platform.received == []


def test_what_the_rate_leaves_out_is_skipped(desk):
    platform = desk.platform()
    desk.put(5)
    once(desk.courier(Otlp(endpoint=platform.url), sample_rate=0.0))
    assert desk.standing().reasons == {"sampled out": 5}
    assert platform.received == []


def test_a_call_older_than_the_platform_takes_expires(desk):
    platform = desk.platform()
    desk.put(1, started_at=time.time_ns() - 7200 * 10**9)
    (young,) = desk.put(1)
    once(desk.courier(Plain(url=platform.url, traits=Traits(max_age=3600.0))))
    assert (desk.standing().expired, desk.standing().delivered) == (1, 1)
    assert list(platform.taken) == [young]


def test_503_and_then_200_is_delivered_at_the_second_try(desk, impatient):
    platform = desk.platform(answer(503), answer())
    ids = desk.put(3)
    courier = desk.courier(Otlp(endpoint=platform.url))
    assert once(courier).wait is not None
    assert (desk.standing().state, desk.standing().reasons) == ("retrying", {"HTTP 503": 3})
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)
    assert (desk.standing().state, desk.standing().reasons) == ("ready", {})


def test_a_platform_that_is_down_keeps_everything_waiting_until_it_is_back(desk, impatient):
    with Platform().open() as down:
        port = down.port
    ids = desk.put(3)
    courier = desk.courier(Otlp(endpoint=f"http://127.0.0.1:{port}"))
    for _ in range(3):
        once(courier)
    (reason,) = desk.standing().reasons
    assert (desk.standing().waiting, "refused" in reason) == (3, True)
    platform = desk.platform(port=port)
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)


def test_no_request_is_made_before_the_time_that_the_platform_asked_for(desk):
    platform = desk.platform(answer(429, {"retry-after": "30"}), answer())
    desk.put()
    courier = desk.courier(Otlp(endpoint=platform.url))
    assert 30 <= once(courier).wait <= 31
    assert 29 <= once(courier).wait <= 31
    assert len(platform.received) == 1


def test_a_new_courier_keeps_to_the_time_that_the_platform_asked_for(desk):
    platform = desk.platform(answer(429, {"retry-after": "30"}), answer())
    desk.put()
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert once(desk.courier(Otlp(endpoint=platform.url))).wait > 28
    assert len(platform.received) == 1


def test_a_new_courier_tries_at_once_where_nobody_asked_it_to_wait(desk, monkeypatch):
    monkeypatch.setattr(backoff, "wait", lambda _: 30.0)
    platform = desk.platform(answer(503), answer())
    desk.put()
    once(desk.courier(Otlp(endpoint=platform.url)))
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert desk.standing().delivered == 1


@pytest.mark.parametrize("asked", ["1000000000", "9" * 400])
def test_a_platform_that_asks_for_ages_is_asked_again_within_the_hour(desk, asked):
    platform = desk.platform(answer(429, {"retry-after": asked}))
    desk.put()
    assert 3600 <= once(desk.courier(Otlp(endpoint=platform.url))).wait <= 3601


@pytest.mark.parametrize("asked", ["soon", "-5", "1.5.2", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_time_to_wait_that_cannot_be_read_is_ours_to_choose(desk, asked):
    platform = desk.platform(answer(429, {"retry-after": asked}))
    desk.put()
    assert 0 <= once(desk.courier(Otlp(endpoint=platform.url))).wait <= backoff.CAP_SECONDS


def test_a_refused_credential_parks_the_destination_and_is_not_tried_again(desk):
    platform = desk.platform(answer(401))
    desk.put(3)
    courier = desk.courier(Otlp(endpoint=platform.url))
    for _ in range(3):
        assert once(courier).wait is None
    assert len(platform.received) == 1
    assert (desk.standing().state, desk.standing().reason) == ("parked", "HTTP 401")
    assert desk.standing().reasons == {"parked": 3}


def test_what_a_parked_destination_kept_is_delivered_by_the_next_process(desk):
    platform = desk.platform(answer(403), answer())
    ids = desk.put(3)
    once(desk.courier(Otlp(endpoint=platform.url)))
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert platform.taken == dict.fromkeys(ids, 1)
    assert desk.standing().state == "ready"


def test_a_request_that_is_too_large_is_split_until_it_passes(desk):
    platform = desk.platform(at_most(3))
    ids = desk.put(16)
    until_settled(desk.courier(Otlp(endpoint=platform.url)))
    assert platform.taken == dict.fromkeys(ids, 1)


def test_the_size_that_was_too_large_is_not_tried_again(desk):
    platform = desk.platform(at_most(4))
    courier = desk.courier(Otlp(endpoint=platform.url, compression="none"))
    desk.put(8)
    once(courier)
    asked = len(platform.received)
    desk.put(8)
    once(courier)
    assert [len(received.spans()) for received in platform.received[asked:]] == [4, 4]


def test_a_body_larger_than_the_platform_takes_is_split_before_it_is_sent(desk):
    platform = desk.platform()
    desk.put(16)
    size = len(to_span(a_call()).otlp())
    until_settled(desk.courier(Plain(url=platform.url, traits=Traits(max_bytes=size * 5))))
    assert [len(received.spans()) for received in platform.received] == [4, 4, 4, 4]


def test_a_span_that_is_too_large_alone_is_dead_and_its_neighbours_travel(desk):
    *others, large = desk.put(16)
    platform = desk.platform(no_larger_than(20_000))

    def make(call, _content):
        return replace(to_span(call), attributes={"large": "x" * 50_000}) if call.span_id == large else to_span(call)

    until_settled(desk.courier(Plain(url=platform.url), make=make))
    assert platform.taken == dict.fromkeys(others, 1)
    assert desk.standing().reasons == {"HTTP 413": 1}
    assert len(platform.received) <= 2 * 4 + 1


def test_one_span_that_is_refused_does_not_take_its_neighbours_with_it(desk):
    ids = desk.put(16)
    bad = ids.pop(5)
    platform = desk.platform(refusing(bad))
    until_settled(desk.courier(Otlp(endpoint=platform.url)))
    assert platform.taken == dict.fromkeys(ids, 1)
    assert (desk.standing().dead, desk.standing().reasons) == (1, {"HTTP 400": 1})


@pytest.mark.parametrize("position", [0, 511])
def test_one_refused_span_is_found_among_as_many_as_a_request_may_hold(desk, position):
    ids = desk.put(512)
    platform = desk.platform(refusing(ids[position]))
    until_settled(desk.courier(Otlp(endpoint=platform.url)))
    assert (desk.standing().delivered, desk.standing().dead) == (511, 1)


def test_a_platform_that_refuses_everything_is_not_asked_about_every_span(desk):
    platform = desk.platform(answer(422))
    desk.put(512)
    until_settled(desk.courier(Otlp(endpoint=platform.url)))
    assert desk.standing().reasons == {"HTTP 422": 512}
    assert len(platform.received) < 64


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_no_acknowledgement(desk, status):
    elsewhere = desk.platform()
    platform = desk.platform(answer(status, {"location": elsewhere.url}))
    desk.put()
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert (desk.standing().delivered, desk.standing().reasons) == (0, {f"HTTP {status}": 1})
    assert elsewhere.received == []


def test_a_page_of_a_captive_portal_is_no_acknowledgement(desk, impatient):
    portal = answer(200, {"content-type": "text/html"}, b"<html>Log in to the airport</html>")
    platform = desk.platform(portal, answer())
    desk.put()
    courier = desk.courier(Otlp(endpoint=platform.url))
    once(courier)
    (reason,) = desk.standing().reasons
    assert (desk.standing().waiting, "page" in reason) == (1, True)
    until_settled(courier)
    assert desk.standing().delivered == 1


def test_the_spans_that_a_partial_success_left_out_are_dead_with_the_platforms_words(desk):
    ids = desk.put(16)
    platform = desk.platform(partially(ids[3], ids[9], message="conflicting keys"))
    until_settled(desk.courier(Otlp(endpoint=platform.url)))
    assert (desk.standing().delivered, desk.standing().dead) == (14, 2)
    assert desk.standing().reasons == {"rejected: conflicting keys": 2}


@pytest.mark.parametrize("what", ["headers", "body"])
def test_a_platform_that_trickles_costs_no_more_than_the_deadline(desk, what):
    platform = desk.platform(trickling(what))
    desk.put()
    courier = desk.courier(Otlp(endpoint=platform.url))
    began = time.monotonic()
    once(courier, seconds=0.5)
    assert time.monotonic() - began < 1.5
    assert (desk.standing().waiting, desk.standing().state) == (1, "retrying")


def test_a_lost_acknowledgement_is_sent_again_where_that_does_no_harm(desk, impatient):
    platform = desk.platform(hanging_up, answer())
    (span,) = desk.put()
    until_settled(desk.courier(Plain(url=platform.url, traits=Traits(resend="upsert"))))
    assert platform.taken == {span: 2}
    assert desk.standing().delivered == 1


def test_a_lost_acknowledgement_is_not_sent_again_where_it_would_count_twice(desk, impatient):
    platform = desk.platform(hanging_up, answer())
    (span,) = desk.put()
    until_settled(desk.courier(Plain(url=platform.url, traits=Traits(resend="duplicates"))))
    assert platform.taken == {span: 1}
    assert (desk.standing().dead, desk.standing().reasons) == (1, {AMBIGUOUS: 1})


def test_what_did_not_get_out_is_sent_again_even_where_it_would_count_twice(desk, impatient):
    with Platform().open() as down:
        port = down.port
    ids = desk.put(2)
    courier = desk.courier(Plain(url=f"http://127.0.0.1:{port}", traits=Traits(resend="duplicates")))
    once(courier)
    assert desk.standing().waiting == 2
    platform = desk.platform(port=port)
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)


def test_a_span_that_cannot_be_made_is_dead_alone(desk):
    platform = desk.platform()
    bad, *good = desk.put(3)

    def make(call, _content):
        if call.span_id == bad:
            raise KeyError(call.span_id)
        return to_span(call)

    once(desk.courier(Otlp(endpoint=platform.url), make=make))
    assert platform.taken == dict.fromkeys(good, 1)
    assert desk.standing().reasons == {"no span: KeyError": 1}


def test_a_span_that_cannot_be_encoded_is_dead_alone(desk):
    platform = desk.platform()
    ids = desk.put(9)
    bad = ids.pop(4)

    def make(call, _content):
        return replace(to_span(call), trace_id="no hex") if call.span_id == bad else to_span(call)

    until_settled(desk.courier(Otlp(endpoint=platform.url), make=make))
    assert platform.taken == dict.fromkeys(ids, 1)
    assert desk.standing().reasons == {"not encoded: ValueError": 1}


def test_a_record_that_cannot_be_read_is_dead_alone(desk):
    platform = desk.platform()
    desk.put(3)
    with desk.outbox._store.transaction() as connection:
        connection.execute("UPDATE record SET payload = x'ff' WHERE seq = 2")
    once(desk.courier(Otlp(endpoint=platform.url)))
    assert (desk.standing().delivered, desk.standing().reasons) == (2, {"unreadable record": 1})


def test_a_span_that_the_exporter_leaves_out_is_skipped(desk):
    class Choosy(Plain):
        def encode(self, spans, at):
            return super().encode(spans[1:], at) if len(spans) > 1 else []

    platform = desk.platform()
    desk.put(3)
    once(desk.courier(Choosy(url=platform.url)))
    assert (desk.standing().delivered, desk.standing().reasons) == (2, {"left out by the exporter": 1})


def test_of_several_requests_the_one_that_fails_waits_and_the_others_are_delivered(desk, impatient):
    class OneEach(Plain):
        def encode(self, spans, at):
            return [encoded for span in spans for encoded in super(OneEach, self).encode([span], at)]

    platform = desk.platform(answer(), answer(503), answer())
    ids = desk.put(4)
    courier = desk.courier(OneEach(url=platform.url))
    once(courier)
    assert (desk.standing().delivered, desk.standing().reasons) == (1, {"HTTP 503": 3})
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)


def test_an_exporter_that_cannot_judge_an_answer_is_asked_again(desk, impatient):
    class Puzzled(Plain):
        def judge(self, _encoded, reply):
            return {"yes": Delivered()}[reply.body.decode()]

    platform = desk.platform(answer(body=b"perhaps"), answer(body=b"yes"))
    desk.put()
    courier = desk.courier(Puzzled(url=platform.url))
    once(courier)
    assert desk.standing().reasons == {"not judged: KeyError": 1}
    until_settled(courier)
    assert desk.standing().delivered == 1


@dataclass
class Shelf:
    """A sink that answers as told."""

    verdicts: list[Verdict | Exception]
    written: list[str] = field(default_factory=list)

    def write(self, spans: Sequence[Span]) -> Verdict:
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        if isinstance(verdict, Exception):
            raise verdict
        if isinstance(verdict, Delivered):
            self.written += [span.span_id for span in spans]
        return verdict


def test_a_sink_is_written_to(desk):
    ids = desk.put(3)
    sink = Shelf([Delivered()])
    once(desk.courier(sink))
    assert (sink.written, desk.standing().delivered) == (ids, 3)


def test_what_a_sink_does_not_take_now_it_is_given_again(desk, impatient):
    ids = desk.put(3)
    sink = Shelf([Retry("full"), Delivered()])
    until_settled(desk.courier(sink))
    assert sink.written == ids


def test_a_sink_that_breaks_on_a_span_is_given_the_others(desk):
    ids = desk.put(2)
    sink = Shelf([OSError("bad"), OSError("bad"), Delivered()])
    once(desk.courier(sink))
    assert (sink.written, desk.standing().reasons) == (ids[1:], {"not written: OSError": 1})


@dataclass
class Hanging:
    """A sink that has no answer until it is let go."""

    entered: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def write(self, spans: Sequence[Span]) -> Verdict:  # noqa: ARG002 - a sink is given them
        self.entered.set()
        self.let_go.wait(PATIENCE)
        return Delivered()


def test_a_sink_without_an_answer_is_as_silent_as_a_platform(desk):
    desk.put()
    sink = Hanging()
    courier = desk.courier(sink)
    serving = threading.Thread(target=once, args=(courier,))
    serving.start()
    assert sink.entered.wait(PATIENCE)
    assert courier.is_silent(0.0)
    sink.let_go.set()
    serving.join()
    assert not courier.is_silent(0.0)
    assert desk.standing().delivered == 1


@pytest.mark.parametrize("verdict", [Unauthorized("no"), Split("too many"), Rejected({})])
def test_a_sink_has_every_verdict_that_an_exporter_has(desk, verdict):
    desk.put(2)
    once(desk.courier(Shelf([verdict])))
    assert desk.standing().captured == 2


def test_a_destination_that_another_process_serves_is_left_to_it(desk):
    platform = desk.platform()
    desk.put()
    courier = desk.courier(Otlp(endpoint=platform.url))
    (desk.home / "destinations").mkdir()
    with FileLock(desk.home / "destinations" / "platform.lock"):
        assert once(courier).wait > 0
    assert platform.received == []


def test_a_name_that_is_no_file_name_works(desk):
    platform = desk.platform()
    desk.put(destinations=("../a b/c",))
    assert once(desk.courier(Otlp(endpoint=platform.url), name="../a b/c")).decided == 1
    assert [path.parent.name for path in desk.home.rglob("*.lock") if "a%20b" in path.name] == ["destinations"]


def test_a_credential_in_the_endpoint_is_not_written_down(desk):
    desk.courier(Plain(url="http://x"), endpoint="https://user:s3cret@host:8080/s3cret?key=s3cret")
    assert desk.standing().endpoint == "https://host:8080"
    desk.outbox.close()
    assert not [path for path in desk.home.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_nothing_is_begun_after_the_deadline_and_nothing_is_lost_by_it(desk):
    platform = desk.platform()
    ids = desk.put(3)
    courier = desk.courier(Otlp(endpoint=platform.url))
    assert once(courier, seconds=-1.0).decided == 0
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("resend", "times", "delivered", "dead"), [("upsert", 2, 1, 0), ("ignored", 2, 1, 0), ("duplicates", 1, 0, 1)]
)
def test_a_death_between_the_answer_and_its_entry_never_counts_a_span_twice(desk, resend, times, delivered, dead):
    platform = desk.platform()
    (span,) = desk.put()
    exporter = Plain(url=platform.url, traits=Traits(resend=resend))
    die_when_answered(desk, exporter)
    assert desk.standing().waiting == 1
    until_settled(desk.courier(exporter))
    assert platform.taken == {span: times}
    assert (desk.standing().delivered, desk.standing().dead) == (delivered, dead)


@pytest.mark.parametrize(("resend", "delivered"), [("duplicates", 2), ("upsert", 0)])
def test_a_request_that_must_not_be_cut_off_has_its_whole_time(desk, resend, delivered):
    def slowly(handler, received):
        time.sleep(0.5)
        return answer()(handler, received)

    platform = desk.platform(slowly)
    desk.put(2)
    courier = desk.courier(Plain(url=platform.url, traits=Traits(resend=resend)))
    once(courier, seconds=0.2)
    assert (desk.standing().delivered, desk.standing().dead) == (delivered, 0)


def test_what_is_on_its_way_when_time_is_up_is_not_taken_for_sent(desk):
    platform = desk.platform()
    ids = desk.put(2)
    courier = desk.courier(Plain(url=platform.url, traits=Traits(resend="duplicates")))
    once(courier, seconds=-1.0)
    assert ON_ITS_WAY not in desk.standing().reasons
    until_settled(courier)
    assert platform.taken == dict.fromkeys(ids, 1)


def test_skipped_calls_beside_ones_on_their_way_are_counted_once(desk):
    platform = desk.platform()
    desk.put(2)
    desk.put(3, sampled=False)
    courier = desk.courier(Plain(url=platform.url, traits=Traits(resend="duplicates")))
    assert once(courier).decided == 5
    assert (desk.standing().delivered, desk.standing().skipped) == (2, 3)


class Scripted:
    """Plays a script and then takes everything; it notes what it took."""

    def __init__(self, script: list[object]) -> None:
        self._script = script
        self.taken: list[str] = []

    def write(self, spans: Sequence[Span]) -> Verdict:
        verdict = self._script.pop(0) if self._script else Delivered()
        ids = [span.span_id for span in spans]
        if isinstance(verdict, Exception):
            raise verdict
        if isinstance(verdict, Rejected):
            verdict = Rejected(dict.fromkeys(ids if verdict.reasons else ids[:1], "bad"))
            ids = ids[len(verdict.reasons) :]
        if isinstance(verdict, Delivered | Rejected):
            self.taken += ids
        return verdict


script_of_a_platform = st.lists(
    st.sampled_from(
        [
            Delivered(),
            Retry("later"),
            Split("large"),
            Rejected({"all": "bad"}),
            Rejected({}),
            Unauthorized("no"),
            ValueError("broken"),
        ]
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(script=script_of_a_platform, counts=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_every_call_is_decided_once_and_the_books_add_up_whatever_a_platform_answers(tmp_path_factory, script, counts):
    desk = Desk(tmp_path_factory.mktemp("home"))
    sink = Scripted(script)
    with closing(desk), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "PROBE_SECONDS", 0.0)  # each pass is of a process that has just begun
        for count in counts:
            desk.put(count)
            once(desk.courier(sink))
            assert_adds_up(desk.outbox.standings())
        for _ in range(60):
            once(desk.courier(sink))
            assert_adds_up(desk.outbox.standings())
        assert desk.standing().waiting == 0
        assert desk.standing().delivered == len(sink.taken) == len(set(sink.taken))


@pytest.fixture
def start(desk):
    threads: list[WorkerThread] = []

    def make(courier: Courier) -> WorkerThread:
        threads.append(WorkerThread(courier))
        return threads[-1]

    yield make
    for thread in threads:
        assert thread.stop(PATIENCE)


def test_a_thread_delivers_when_it_is_woken(desk, start):
    platform = desk.platform()
    thread = start(desk.courier(Otlp(endpoint=platform.url)))
    for _ in range(2):
        ids = desk.put(3)
        thread.wake()
        eventually(lambda ids=ids: set(ids) <= set(platform.taken))


def test_a_thread_tries_again_by_itself(desk, start, impatient):
    platform = desk.platform(answer(503), answer(503), answer())
    desk.put()
    start(desk.courier(Otlp(endpoint=platform.url))).wake()
    eventually(lambda: desk.standing().delivered == 1)


def test_a_destination_that_hangs_delays_no_other(desk, start):
    slow, quick = desk.platform(trickling("headers")), desk.platform()
    desk.put(destinations=("slow", "quick"))
    for name, platform in (("slow", slow), ("quick", quick)):
        start(desk.courier(Otlp(endpoint=platform.url), name=name)).wake()
    began = time.monotonic()
    eventually(lambda: desk.standing("quick").delivered == 1)
    assert time.monotonic() - began < 2.0
    slow.closing.set()


def test_a_thread_that_waits_for_its_next_try_stops_at_once(desk, start, monkeypatch):
    monkeypatch.setattr(backoff, "wait", lambda _: 30.0)
    platform = desk.platform(answer(503))
    desk.put()
    thread = start(desk.courier(Otlp(endpoint=platform.url)))
    thread.wake()
    eventually(lambda: desk.standing().state == "retrying")
    began = time.monotonic()
    assert thread.stop(PATIENCE)
    assert time.monotonic() - began < 1.0


def test_stopping_does_not_wait_for_a_platform_that_hangs(desk, start):
    platform = desk.platform(trickling("headers"))
    desk.put()
    thread = start(desk.courier(Otlp(endpoint=platform.url)))
    thread.wake()
    eventually(lambda: platform.received)
    began = time.monotonic()
    assert not thread.stop(0.2)
    assert time.monotonic() - began < 1.0
    platform.closing.set()


def test_a_thread_that_was_stopped_does_not_start_again(desk, start):
    thread = start(desk.courier(Otlp(endpoint=desk.platform().url)))
    thread.stop(PATIENCE)
    before = threading.active_count()
    thread.wake()
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_delivers_with_a_thread_of_its_own(desk, start):
    platform = desk.platform()
    desk.put()
    thread = start(desk.courier(Otlp(endpoint=platform.url)))
    thread.wake()
    eventually(lambda: desk.standing().delivered == 1)
    child = os.fork()
    if child == 0:
        try:
            desk.put(destinations=("platform",), call_id="c" * 32)
            thread.wake()
            eventually(lambda: desk.standing().delivered == 2)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_thread_goes_on_after_a_fault_of_its_own(desk, start, monkeypatch):
    monkeypatch.setattr("spancast.base.guard.strict", False)
    monkeypatch.setattr("spancast.delivery.worker.FAILURE_SECONDS", 0.01)
    platform = desk.platform()
    desk.put()
    courier = desk.courier(Otlp(endpoint=platform.url))
    failures = [OSError("the disk is full"), OSError("the disk is full")]
    real = courier.deliver_once
    courier.deliver_once = lambda deadline: (_ for _ in ()).throw(failures.pop()) if failures else real(deadline)
    start(courier).wake()
    eventually(lambda: desk.standing().delivered == 1)


def test_an_ack_that_finds_the_disk_full_leaves_everything_waiting(desk, monkeypatch):
    platform = desk.platform()
    desk.put(2)
    courier = desk.courier(Otlp(endpoint=platform.url))

    def full(name: str, ack: Ack) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.outbox, "ack", full)
        with pytest.raises(OSError, match="full"):
            once(courier)
    assert desk.standing().waiting == 2
    until_settled(courier)
    assert desk.standing().delivered == 2
