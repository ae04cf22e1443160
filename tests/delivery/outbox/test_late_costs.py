"""A cost that comes late, and what each destination makes of it."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base.deadline import Deadline
from spancast.base.store import Store
from spancast.contract import Delivered, Exporter, Rejected, Retry, Span, Traits, Verdict
from spancast.delivery.courier.courier import Courier, Pass
from spancast.delivery.http import backoff
from spancast.delivery.outbox import late_costs
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN, Ack, Open
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.outbox.schema import MIGRATIONS
from spancast.destinations.destination import Destination
from spancast.records.call import Call
from spancast.records.late import LateFacts, cost_may_come
from tests.support.calls import a_call, to_span
from tests.support.plain import Plain
from tests.support.platform import Platform, answer, hanging_up

SEGMENT = "writer-000001.seg"
COST = Decimal("0.0000120")


@dataclass
class Shelf:
    """A sink that remembers what it was given, and answers as told; at last it takes everything."""

    verdicts: list[Verdict] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def written(self) -> list[tuple[str, Decimal | None]]:
        return [(call.span_id, call.cost) for call in self.calls]

    def write(self, spans: Sequence[Span]) -> Verdict:
        verdict = self.verdicts.pop(0) if self.verdicts else Delivered()
        if isinstance(verdict, Rejected):
            verdict = Rejected({span.span_id: "bad" for span in spans})
        if isinstance(verdict, Delivered):
            self.calls += [span.generation for span in spans]
        return verdict


class Desk:
    """An outbox, and couriers to serve it; every count must add up after every step."""

    def __init__(self, home) -> None:
        self.home = home
        self._open = ExitStack()
        self.outbox = self._open.enter_context(closing(Outbox(home)))

    def courier(self, exporter, name: str = "platform", *, expects=cost_may_come, **options) -> Courier:
        if isinstance(exporter, Shelf):  # it stands for a platform that makes one of two
            options = {"late_cost": "update", **options}
        destination = Destination(exporter, name=name, **options)
        return self._open.enter_context(
            closing(Courier(destination, exporter, self.outbox, to_span, self.home, expects=expects))
        )

    def platform(self, *answers) -> Platform:
        return self._open.enter_context(Platform(*answers).open())

    def put(self, *records) -> None:
        self.outbox.apply(SEGMENT, self.outbox.committed_offset(SEGMENT) + len(records), records)
        self.standings()

    def cut(self, **facts):
        """Put a call that was cut short, and whose cost may come."""
        call = a_call(**{"outcome": "closed", "cost": None, "generation_id": "gen-1", **facts})
        self.put(call)
        return call

    def standings(self) -> tuple[Standing, ...]:
        for one in (standings := self.outbox.standings()):
            assert one.captured == one.delivered + one.waiting + one.dead + one.expired + one.shed + one.skipped, one
            assert min(one.delivered, one.waiting, one.dead, one.expired, one.shed, one.skipped) >= 0, one
        return standings

    def standing(self, name: str = "platform") -> Standing:
        return next(standing for standing in self.standings() if standing.name == name)

    def close(self) -> None:
        with self._open:
            self.standings()


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def once(courier: Courier) -> Pass:
    return courier.deliver_once(Deadline(20.0))


def the_cost_of(call, **facts) -> LateFacts:
    return LateFacts(**{"at": 1, "source": "generation", "call_id": call.call_id, "cost": COST, **facts})


def counts(standing: Standing) -> tuple[int, int, int]:
    return standing.delivered, standing.waiting, standing.dead


def test_a_cost_that_comes_before_the_call_is_sent_is_sent_with_it(desk):
    call = desk.cut()
    desk.put(the_cost_of(call, provider="Azure"))
    (waiting,) = desk.outbox.take("platform", 10)
    assert (waiting.call.cost, waiting.call.cost_source, waiting.call.provider) == (COST, "generation", "Azure")


def test_a_cost_that_comes_before_its_call_waits_for_it(desk):
    call = a_call(outcome="closed", cost=None, generation_id="gen-1")
    desk.put(the_cost_of(call))
    desk.put(call)
    assert [waiting.call.cost for waiting in desk.outbox.take("platform", 10)] == [COST]


def test_a_bill_of_a_job_finds_the_call_that_began_it_whichever_comes_first(desk):
    first, second = (a_call(operation="video", response_id=f"job-{n}", cost=None, status="pending") for n in "12")
    bills = [LateFacts(at=1, source="response", job_id=f"job-{n}", status="completed", cost=COST) for n in "12"]
    desk.put(first, bills[1])
    desk.put(second, bills[0])
    found = [waiting.call for waiting in desk.outbox.take("platform", 10)]
    assert [(call.cost, call.status) for call in found] == [(COST, "completed")] * 2


def test_the_courier_sends_at_once_and_again_when_the_cost_comes_where_that_is_one_span(desk):
    sink = Shelf()
    courier = desk.courier(sink)
    call = desk.cut()
    once(courier)
    assert counts(desk.standing()) == (1, 0, 0)
    desk.put(the_cost_of(call))
    assert counts(desk.standing()) == (0, 1, 0)
    assert desk.standing().reasons == {late_costs.COST_CAME: 1}
    once(courier)
    assert counts(desk.standing()) == (1, 0, 0)
    assert desk.standing().reasons == {late_costs.SENT_AGAIN: 1}
    assert sink.written == [(call.span_id, None), (call.span_id, COST)]


def test_a_cost_that_is_said_twice_is_sent_once(desk):
    sink = Shelf()
    courier = desk.courier(sink)
    call = desk.cut()
    once(courier)
    for _ in range(3):
        desk.put(the_cost_of(call))
        once(courier)
    assert len(sink.written) == 2


def test_an_estimate_is_sent_and_then_what_openrouter_says(desk):
    sink = Shelf()
    courier = desk.courier(sink)
    call = desk.cut()
    once(courier)
    desk.put(the_cost_of(call, source="prices", cost=Decimal(1)))
    once(courier)
    desk.put(the_cost_of(call))
    once(courier)
    assert [cost for _, cost in sink.written] == [None, Decimal(1), COST]
    assert desk.standing().reasons == {late_costs.SENT_AGAIN: 2}


def test_a_cost_that_comes_while_the_call_is_on_its_way_is_sent_behind_it(desk):
    call = desk.cut()

    class Slow(Shelf):
        def write(self, spans: Sequence[Span]) -> Verdict:
            if not self.written:
                desk.outbox.apply(SEGMENT, 99, [the_cost_of(call)])
            return super().write(spans)

    sink = Slow()
    courier = desk.courier(sink)
    once(courier)
    assert counts(desk.standing()) == (0, 1, 0)
    once(courier)
    assert sink.written == [(call.span_id, None), (call.span_id, COST)]
    assert counts(desk.standing()) == (1, 0, 0)


def test_a_platform_that_does_not_take_the_second_version_has_the_first(desk):
    sink = Shelf([Delivered(), Rejected({"all": "bad"})])
    courier = desk.courier(sink)
    call = desk.cut()
    once(courier)
    desk.put(the_cost_of(call))
    once(courier)
    assert counts(desk.standing()) == (1, 0, 0)
    assert desk.standing().reasons == {f"{NOT_SENT_AGAIN}: bad": 1}
    once(courier)
    assert len(sink.written) == 1


def test_a_second_version_waits_like_any_other_while_the_platform_is_down(desk):
    sink = Shelf([Delivered(), Retry("HTTP 503")])
    call = desk.cut()
    once(desk.courier(sink))
    desk.put(the_cost_of(call))
    once(desk.courier(sink))
    assert (counts(desk.standing()), desk.standing().state) == ((0, 1, 0), "retrying")
    once(desk.courier(sink))
    assert counts(desk.standing()) == (1, 0, 0)


def test_a_call_that_was_skipped_is_not_sent_because_its_cost_came(desk):
    sink = Shelf()
    courier = desk.courier(sink, sample_rate=0.0)
    call = desk.cut()
    once(courier)
    desk.put(the_cost_of(call))
    once(courier)
    assert (sink.written, desk.standing().skipped) == ([], 1)


def test_a_platform_that_counts_twice_gets_the_call_when_its_cost_has_come(desk):
    platform = desk.platform()
    courier = desk.courier(Plain(url=platform.url, traits=Traits(resend="duplicates")))
    call = desk.cut()
    assert 59.0 < once(courier).wait <= 60.0
    assert (counts(desk.standing()), desk.standing().reasons) == ((0, 1, 0), {late_costs.COST_EXPECTED: 1})
    desk.put(the_cost_of(call))
    assert once(courier).decided == 1
    assert platform.taken == {call.span_id: 1}
    assert (counts(desk.standing()), desk.standing().reasons) == ((1, 0, 0), {})


def test_what_waits_for_its_cost_holds_up_nobody_else(desk):
    sink = Shelf()
    courier = desk.courier(sink, late_cost="hold")
    held = [desk.cut() for _ in range(3)]
    others = [a_call() for _ in range(2)]
    desk.put(*others)
    assert once(courier).decided == 2
    assert [name for name, _ in sink.written] == [call.span_id for call in others]
    desk.put(the_cost_of(held[1]))
    once(courier)
    assert sink.written[-1] == (held[1].span_id, COST)
    assert desk.standing().reasons == {late_costs.COST_EXPECTED: 2}


def test_a_full_batch_of_calls_that_wait_is_no_end(desk):
    platform = desk.platform()
    courier = desk.courier(Plain(url=platform.url, traits=Traits(max_spans=2, resend="duplicates")))
    for _ in range(2):
        desk.cut()
    desk.put(a_call())
    assert once(courier).more
    assert once(courier).decided == 1


def test_a_call_whose_cost_does_not_come_is_sent_without_it(desk, monkeypatch):
    monkeypatch.setattr(late_costs, "HOLD_SECONDS", 0.05)
    sink = Shelf()
    courier = desk.courier(sink, late_cost="hold")
    call = desk.cut()
    wait = once(courier).wait
    assert 0.0 <= wait <= 0.05
    time.sleep(wait + 0.01)
    once(courier)
    assert sink.written == [(call.span_id, None)]
    assert desk.standing().reasons == {late_costs.SENT_WITHOUT: 1}
    desk.put(the_cost_of(call))
    assert once(courier) == Pass()
    assert desk.standing().reasons == {late_costs.LEFT_OUT: 1, late_costs.SENT_WITHOUT: 1}


def test_a_call_is_not_held_that_came_more_than_a_minute_ago(desk):
    sink = Shelf()
    desk.cut()
    with desk.outbox._store.transaction() as connection:
        connection.execute("UPDATE record SET came_at = came_at - 61")
    once(desk.courier(sink, late_cost="hold"))
    assert len(sink.written) == 1


def test_a_clock_that_was_set_back_holds_nothing_for_longer(desk):
    desk.cut()
    with desk.outbox._store.transaction() as connection:
        connection.execute("UPDATE record SET came_at = came_at + 86400")
    courier = desk.courier(Shelf(), late_cost="hold")
    assert once(courier).wait <= 60.0
    with desk.outbox._store.transaction() as connection:
        connection.execute("UPDATE exception SET not_before = not_before + 86400")
    assert once(courier).decided == 1


def test_a_job_that_ended_without_a_bill_waits_no_longer(desk):
    sink = Shelf()
    courier = desk.courier(sink, late_cost="hold")
    desk.put(a_call(operation="video", response_id="job-1", cost=None, status="pending"))
    once(courier)
    assert desk.standing().waiting == 1
    desk.put(LateFacts(at=1, source="response", job_id="job-1", status="failed", error_type="failed"))
    once(courier)
    assert (len(sink.written), desk.standing().waiting) == (1, 0)


def test_that_a_job_has_failed_is_told_once_where_its_cost_would_be(desk):
    sink = Shelf()
    courier = desk.courier(sink)
    desk.put(a_call(operation="video", response_id="job-1", cost=None, status="pending"))
    once(courier)
    for _ in range(2):
        desk.put(LateFacts(at=1, source="response", job_id="job-1", status="failed", error_type="failed"))
        once(courier)
    assert [(call.status, call.outcome) for call in sink.calls] == [("pending", "completed"), ("failed", "error")]
    assert (counts(desk.standing()), desk.standing().reasons) == ((1, 0, 0), {late_costs.SENT_AGAIN: 1})


def test_that_a_job_fails_on_the_way_of_its_call_to_the_platform_is_told(desk):
    call = a_call(operation="video", response_id="job-1", cost=None, status="pending")
    desk.put(call)
    (sent,) = desk.outbox.take("platform", 1)
    desk.put(LateFacts(at=1, source="response", job_id="job-1", status="failed", error_type="failed"))
    desk.outbox.ack("platform", Ack(cursor=sent.seq, delivered=[sent.seq], opened={sent.seq: Open("update", call)}))
    assert counts(desk.standing()) == (0, 1, 0)


def test_nothing_is_held_whose_cost_nobody_asks_for(desk):
    sink = Shelf()
    desk.cut()
    once(desk.courier(sink, late_cost="hold", expects=lambda _: False))
    assert len(sink.written) == 1


def test_where_it_is_to_be_left_out_the_late_cost_is_not_sent(desk):
    sink = Shelf()
    courier = desk.courier(sink, late_cost="omit")
    call = desk.cut()
    once(courier)
    desk.put(the_cost_of(call))
    assert once(courier) == Pass()
    assert sink.written == [(call.span_id, None)]
    assert (counts(desk.standing()), desk.standing().reasons) == ((1, 0, 0), {late_costs.LEFT_OUT: 1})


@pytest.mark.parametrize(("resend", "sent"), [("upsert", 1), ("ignored", 0), ("duplicates", 0)])
def test_the_platform_decides_where_the_destination_does_not_say(desk, resend, sent):
    platform = desk.platform()
    desk.cut()
    once(desk.courier(Plain(url=platform.url, traits=Traits(resend=resend))))
    assert len(platform.received) == sent


def test_each_destination_does_as_it_is_told(desk):
    names = ("hold", "update", "omit")
    sinks = {name: Shelf() for name in names}
    couriers = [desk.courier(sinks[name], name, late_cost=name) for name in names]
    call = desk.cut(destinations=names)
    for courier in couriers:
        once(courier)
    desk.put(the_cost_of(call))
    for courier in couriers:
        once(courier)
    assert {name: [cost for _, cost in sink.written] for name, sink in sinks.items()} == {
        "hold": [COST],
        "update": [None, COST],
        "omit": [None],
    }


def test_a_second_version_whose_answer_was_lost_is_not_sent_a_third_time_where_it_would_count(desk):
    platform = desk.platform(answer(), hanging_up, answer())
    courier = desk.courier(Plain(url=platform.url, traits=Traits(resend="duplicates")), late_cost="update")
    call = desk.cut()
    once(courier)
    desk.put(the_cost_of(call))
    for _ in range(3):
        once(courier)
    assert platform.taken == {call.span_id: 2}
    assert (counts(desk.standing()), desk.standing().reasons) == (
        (1, 0, 0),
        {"not sent again with its cost: ambiguous": 1},
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_courier_that_dies_behind_the_second_version_sends_it_again(desk):
    platform = desk.platform()
    exporter: Exporter = Plain(url=platform.url)
    call = desk.cut()
    once(desk.courier(exporter))
    desk.put(the_cost_of(call))
    child = os.fork()
    if child == 0:
        desk.outbox.ack = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        once(desk.courier(exporter))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert counts(desk.standing()) == (0, 1, 0)
    once(desk.courier(exporter))
    assert (platform.taken, counts(desk.standing())) == ({call.span_id: 3}, (1, 0, 0))


def test_a_record_that_cannot_be_read_stops_no_cost_of_another(desk):
    broken, whole = desk.cut(), desk.cut()
    with desk.outbox._store.transaction() as connection:
        connection.execute("UPDATE record SET payload = x'ff' WHERE seq = 1")
    desk.put(the_cost_of(broken), the_cost_of(whole))
    assert [waiting.call and waiting.call.cost for waiting in desk.outbox.take("platform", 10)] == [None, COST]


def test_an_outbox_of_the_version_before_is_brought_up_to_date(tmp_path):
    old = Store(tmp_path / "outbox.db", MIGRATIONS[:1])
    with old.transaction() as connection:
        connection.execute("INSERT INTO destination (name, cursor) VALUES ('platform', 0)")
    old.close()
    desk = Desk(tmp_path)
    call = desk.cut()
    desk.put(the_cost_of(call))
    assert [waiting.call.cost for waiting in desk.outbox.take("platform", 10)] == [COST]
    desk.close()


verdicts = st.sampled_from([Delivered(), Delivered(), Retry("later"), Rejected({"all": "bad"})])
steps = st.lists(st.tuples(st.sampled_from(["cut", "whole", "pass", "late", "estimate"]), st.integers(0, 5)))


@settings(max_examples=40, deadline=None)
@given(steps=steps, script=st.lists(verdicts, max_size=6), late_cost=st.sampled_from(["hold", "update", "omit"]))
def test_the_books_add_up_after_every_step_whatever_comes_late(tmp_path_factory, steps, script, late_cost):
    desk = Desk(tmp_path_factory.mktemp("home"))
    sink = Shelf(script)
    with closing(desk), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "PROBE_SECONDS", 0.0)  # each pass is of a process that has just begun
        cuts = [a_call(outcome="closed", cost=None, generation_id="gen") for _ in range(6)]
        for what, number in [*steps, *(("pass", 0) for _ in range(20))]:
            match what:
                case "cut":
                    desk.put(cuts[number])
                case "whole":
                    desk.put(a_call())
                case "late":
                    desk.put(the_cost_of(cuts[number]))
                case "estimate":
                    desk.put(the_cost_of(cuts[number], source="prices", cost=Decimal(number)))
                case "pass":
                    once(desk.courier(sink, late_cost=late_cost))
            desk.standings()
        held = sum(standing.reasons.get(late_costs.COST_EXPECTED, 0) for standing in desk.standings())
        assert sum(standing.waiting for standing in desk.standings()) == held
