import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.ack import Ack, Hold
from spancast.delivery.outbox.outbox import Outbox
from tests.support.calls import a_call

SEGMENT = "writer-000001.seg"


@pytest.fixture
def outbox(tmp_path):
    with closing(Outbox(tmp_path)) as opened:
        yield opened
        for standing in opened.standings():
            assert_adds_up(standing)


def assert_adds_up(standing: Standing) -> None:
    parts = (standing.delivered, standing.waiting, standing.dead, standing.expired, standing.shed, standing.skipped)
    assert standing.captured == sum(parts), standing


def only(outbox: Outbox) -> Standing:
    (standing,) = outbox.standings()
    return standing


def put(outbox: Outbox, *calls, segment: str = SEGMENT) -> None:
    outbox.apply(segment, outbox.committed_offset(segment) + len(calls), calls)


def test_a_finished_call_waits_for_the_destinations_it_names(outbox):
    put(outbox, a_call(destinations=("one", "two")))
    assert [(standing.name, standing.waiting) for standing in outbox.standings()] == [("one", 1), ("two", 1)]


def test_what_waits_is_the_call_as_it_was_recorded(outbox):
    call = a_call(tags={"feature": "search"})
    put(outbox, call)
    assert [waiting.call for waiting in outbox.take("platform", 10)] == [call]


def test_a_call_that_is_only_opened_is_not_taken_in(outbox):
    put(outbox, a_call(outcome=None))
    assert outbox.standings() == ()


def test_a_call_that_names_no_destination_counts_nowhere(outbox):
    put(outbox, a_call(destinations=()))
    assert outbox.standings() == ()


def test_the_same_records_again_change_nothing(outbox):
    calls = [a_call(), a_call()]
    put(outbox, *calls)
    put(outbox, *calls)
    assert only(outbox).captured == 2


def test_the_offset_of_a_segment_is_kept_with_its_records_and_forgotten_on_demand(outbox):
    outbox.apply(SEGMENT, 700, [a_call()])
    assert outbox.committed_offset(SEGMENT) == 700
    outbox.forget(SEGMENT)
    assert outbox.committed_offset(SEGMENT) == 0


def test_records_that_fail_to_be_entered_leave_the_offset_where_it_was(outbox):
    outbox.apply(SEGMENT, 10, [a_call()])
    with pytest.raises(TypeError):
        outbox.apply(SEGMENT, 20, [a_call(), a_call(destinations=({"no name"},))])
    assert (outbox.committed_offset(SEGMENT), only(outbox).captured) == (10, 1)


def test_a_finished_call_takes_the_place_of_its_killed_self_while_a_destination_waits_for_it(outbox):
    killed = a_call(outcome="killed", cost=None)
    finished = a_call(call_id=killed.call_id)
    put(outbox, killed)
    put(outbox, finished)
    assert [waiting.call for waiting in outbox.take("platform", 10)] == [finished]
    assert only(outbox).captured == 1


def test_a_killed_call_that_was_delivered_is_left_as_it_was_sent(outbox):
    killed = a_call(outcome="killed", cost=None)
    put(outbox, killed)
    (sent,) = outbox.take("platform", 10)
    outbox.ack("platform", Ack(cursor=sent.seq, delivered=[sent.seq]))
    put(outbox, a_call(call_id=killed.call_id))
    with outbox._store.reading() as connection:
        assert [bool(row["killed"]) for row in connection.execute("SELECT killed FROM record")] == [True]
    assert (only(outbox).delivered, only(outbox).waiting) == (1, 0)


def test_a_killed_conclusion_never_takes_the_place_of_a_finished_call(outbox):
    finished = a_call()
    put(outbox, finished)
    put(outbox, a_call(call_id=finished.call_id, outcome="killed"))
    assert [waiting.call for waiting in outbox.take("platform", 10)] == [finished]


def test_what_is_decided_is_taken_no_more_and_counted_with_its_reason(outbox):
    put(outbox, *(a_call() for _ in range(5)))
    seqs = [waiting.seq for waiting in outbox.take("platform", 10)]
    outbox.ack(
        "platform",
        Ack(
            cursor=seqs[-1],
            delivered=seqs[:1],
            skipped={seqs[1]: "sampled out"},
            expired={seqs[2]: "too old"},
            dead={seqs[3]: "HTTP 400"},
            waiting={seqs[4]: "HTTP 503"},
        ),
    )
    standing = only(outbox)
    assert (standing.delivered, standing.skipped, standing.expired, standing.dead, standing.waiting) == (1, 1, 1, 1, 1)
    assert standing.reasons == {"HTTP 400": 1, "HTTP 503": 1, "sampled out": 1, "too old": 1}
    assert [(waiting.seq, waiting.reason) for waiting in outbox.take("platform", 10)] == [(seqs[4], "HTTP 503")]


def test_exceptions_are_taken_before_what_is_new(outbox):
    put(outbox, a_call(), a_call())
    first, second = (waiting.seq for waiting in outbox.take("platform", 10))
    outbox.ack("platform", Ack(cursor=second, delivered=[second], waiting={first: "HTTP 503"}))
    put(outbox, a_call())
    assert [waiting.seq for waiting in outbox.take("platform", 10)] == [first, second + 1]
    assert [waiting.seq for waiting in outbox.take("platform", 1)] == [first]


def test_an_exception_that_is_delivered_later_is_one_no_more(outbox):
    put(outbox, a_call())
    (waiting,) = outbox.take("platform", 10)
    outbox.ack("platform", Ack(cursor=waiting.seq, waiting={waiting.seq: "HTTP 503"}))
    outbox.ack("platform", Ack(cursor=waiting.seq, delivered=[waiting.seq]))
    assert (only(outbox).delivered, only(outbox).waiting, only(outbox).reasons) == (1, 0, {})


def test_the_cursor_never_moves_back(outbox):
    put(outbox, a_call(), a_call())
    first, second = (waiting.seq for waiting in outbox.take("platform", 10))
    outbox.ack("platform", Ack(cursor=second, delivered=[first, second]))
    outbox.ack("platform", Ack(cursor=first))
    assert outbox.take("platform", 10) == ()


def test_one_destination_is_not_moved_by_another(outbox):
    put(outbox, a_call(destinations=("one", "two")))
    (waiting,) = outbox.take("one", 10)
    outbox.ack("one", Ack(cursor=waiting.seq, delivered=[waiting.seq]))
    assert [standing.waiting for standing in outbox.standings()] == [0, 1]


def test_a_new_destination_starts_at_now(outbox):
    put(outbox, a_call(destinations=("old",)))
    outbox.register("new", "otlp", None)
    put(outbox, a_call(destinations=("old", "new")))
    assert len(outbox.take("new", 10)) == 1
    assert len(outbox.take("old", 10)) == 2


def test_a_destination_is_noted_with_its_exporter_and_endpoint(outbox):
    outbox.register("mine", "otlp", "http://localhost:4318")
    assert (only(outbox).exporter, only(outbox).endpoint, only(outbox).state) == (
        "otlp",
        "http://localhost:4318",
        "ready",
    )


def test_what_waits_for_a_parked_destination_is_counted_as_parked(outbox):
    put(outbox, a_call(), a_call())
    outbox.ack("platform", Ack(state="parked", reason="HTTP 401"))
    standing = only(outbox)
    assert (standing.state, standing.reason, standing.reasons) == ("parked", "HTTP 401", {"parked": 2})


def test_what_waits_for_a_destination_that_is_down_has_its_reason(outbox):
    put(outbox, a_call(), a_call())
    outbox.ack("platform", Ack(state="retrying", reason="HTTP 503"))
    assert only(outbox).reasons == {"HTTP 503": 2}


def test_a_hold_is_remembered_until_the_state_changes(outbox):
    put(outbox, a_call())
    outbox.ack("platform", Ack(state="retrying", reason="HTTP 429", hold=Hold(1e12, is_requested=True)))
    outbox.ack("platform", Ack())
    assert outbox.hold("platform") == Hold(1e12, is_requested=True)
    outbox.ack("platform", Ack(state="ready"))
    assert outbox.hold("platform") is None


def test_the_lag_is_the_age_of_the_oldest_call_that_waits(outbox):
    put(outbox, a_call(started_at=a_call().started_at - 60 * 10**9), a_call())
    first, second = (waiting.seq for waiting in outbox.take("platform", 10))
    assert 60 <= only(outbox).lag_s < 90
    outbox.ack("platform", Ack(cursor=second, delivered=[first], waiting={second: "HTTP 503"}))
    assert only(outbox).lag_s < 30
    outbox.ack("platform", Ack(cursor=second, delivered=[second]))
    assert only(outbox).lag_s == 0.0


def test_undecided_counts_one_writers_deliveries_and_no_others(outbox):
    put(outbox, a_call(destinations=("one", "two")), a_call(destinations=("one",)), segment="me-000001.seg")
    put(outbox, a_call(destinations=("one",)), segment="me-000002.seg")
    put(outbox, a_call(destinations=("one",)), segment="you-000001.seg")
    assert outbox.undecided("me", ["one", "two"]) == 4
    assert outbox.undecided("me", ["two"]) == 1
    assert outbox.undecided("nobody", ["one"]) == 0


def test_undecided_counts_exceptions_that_wait_and_not_the_dead(outbox):
    put(outbox, a_call(), a_call(), a_call())
    first, second, third = (waiting.seq for waiting in outbox.take("platform", 10))
    outbox.ack("platform", Ack(cursor=third, delivered=[first], dead={second: "HTTP 400"}, waiting={third: "HTTP 503"}))
    assert outbox.undecided("writer", ["platform"]) == 1


def test_a_record_that_cannot_be_read_is_given_without_its_call(outbox):
    put(outbox, a_call())
    with outbox._store.transaction() as connection:
        connection.execute("UPDATE record SET payload = x'ff'")
    assert [waiting.call for waiting in outbox.take("platform", 10)] == [None]


def test_the_file_is_its_owners_alone(outbox, tmp_path):
    put(outbox, a_call())
    assert (tmp_path / "outbox.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_and_its_parent_both_write(outbox):
    put(outbox, a_call())
    child = os.fork()
    if child == 0:
        try:
            put(outbox, a_call(call_id="c" * 32), segment="child-000001.seg")
        finally:
            os._exit(0)
    put(outbox, a_call())
    assert os.waitpid(child, 0)[1] == 0
    assert only(outbox).captured == 3


def test_threads_that_write_at_once_lose_nothing(outbox):
    def write(number: int) -> None:
        for _ in range(20):
            put(outbox, a_call(), segment=f"w{number}-000001.seg")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert only(outbox).captured == 80


fates = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["delivered", "skipped", "expired", "dead", "waiting", "leave"])),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(rounds=st.lists(fates, max_size=6))
def test_the_books_add_up_after_every_step_whatever_becomes_of_the_records(tmp_path_factory, rounds):
    with closing(Outbox(tmp_path_factory.mktemp("home"))) as outbox:
        for number, fate in enumerate(rounds):
            put(outbox, *(a_call() for _ in range(number + 1)))
            taken = outbox.take("platform", max(1, len(fate)))
            became = dict(zip((waiting.seq for waiting in taken), (kind for _, kind in fate), strict=False))
            kinds = {
                kind: {seq: kind for seq, what in became.items() if what == kind}
                for kind in ("skipped", "expired", "dead", "waiting")
            }
            kinds["waiting"] |= {
                waiting.seq: "left" for waiting in taken if became.get(waiting.seq, "leave") == "leave"
            }
            delivered = [seq for seq, what in became.items() if what == "delivered"]
            outbox.ack("platform", Ack(cursor=taken[-1].seq, delivered=delivered, **kinds))
            assert_adds_up(only(outbox))


def test_what_came_in_one_batch_keeps_its_order_whatever_it_is(outbox):
    video = a_call(operation="video", response_id="job-1")
    calls = [a_call(), video, a_call(), a_call(outcome="killed")]
    put(outbox, *calls)
    assert [waiting.call for waiting in outbox.take("platform", 10)] == calls


def test_a_call_that_is_killed_and_ends_in_one_batch_has_ended(outbox):
    killed = a_call(outcome="killed")
    ended = a_call(call_id=killed.call_id)
    put(outbox, killed, a_call(), ended, ended)
    assert outbox.take("platform", 1)[0].call == ended
    assert only(outbox).captured == 2
