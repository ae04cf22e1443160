"""What the outbox sheds when it is full."""

from contextlib import closing
from decimal import Decimal

import pytest

from spancast.delivery.outbox import cap
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN, Ack, Open
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.records.content import Content
from spancast.records.late import LateFacts
from tests.support.calls import a_call
from tests.support.faults.desk import assert_adds_up

SEGMENT = "writer-000001.seg"
SIZE = 2_000_000
WORDS = "w" * 10_000
FOR_EVER = 1e9
COST = Decimal("0.0012345678")


@pytest.fixture
def outbox(tmp_path):
    with closing(Outbox(tmp_path, Limits(SIZE, FOR_EVER, FOR_EVER))) as opened:
        yield opened
        assert_adds_up(opened.standings())


def put(outbox, count, words=None, **facts):
    calls = [a_call(**{"content": words is not None, "cost": COST, **facts}) for _ in range(count)]
    spoken = [Content(call_id=call.call_id, input_messages=words) for call in calls if words is not None]
    outbox.apply(SEGMENT, outbox.committed_offset(SEGMENT) + count, [*calls, *spoken])
    assert_adds_up(outbox.standings())
    return calls


def deliver(outbox, name="platform", limit=10_000):
    waiting = outbox.take(name, limit)
    outbox.ack(name, Ack(cursor=max(each.seq for each in waiting), delivered=[each.seq for each in waiting]))


def standing(outbox, name="platform"):
    return next(each for each in outbox.standings() if each.name == name)


def kept(outbox):
    """Return how many records and how many words are there."""
    with outbox._store.reading() as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("record", "content")
        )


def used(outbox):
    with outbox._store.reading() as connection:
        return cap.used(connection)


def test_nothing_is_shed_while_there_is_room(outbox):
    put(outbox, 50, WORDS)
    assert (kept(outbox), standing(outbox).reasons) == ((50, 50), {})


def test_it_never_takes_more_room_than_it_has(outbox):
    for _ in range(40):
        put(outbox, 20, WORDS)
        assert used(outbox) <= SIZE
    assert kept(outbox)[0] == 800


def test_words_are_shed_before_records_and_the_oldest_first(outbox):
    calls = put(outbox, 100, WORDS) + [call for _ in range(20) for call in put(outbox, 20, WORDS)]
    records, words = kept(outbox)
    assert (records, 0 < words < 200) == (500, True)
    found, _ = outbox.content([call.call_id for call in calls])
    assert [call.call_id for call in calls if call.call_id in found] == [call.call_id for call in calls[-words:]]
    assert standing(outbox).reasons == {cap.CONTENT_SHED: 500 - words}
    assert (standing(outbox).waiting, standing(outbox).shed) == (500, 0)


def test_when_there_are_no_words_left_the_oldest_records_are_shed_and_counted_with_their_dollars(outbox):
    calls = [call for _ in range(50) for call in put(outbox, 200)]
    one = standing(outbox)
    assert one.shed > 0
    assert one.waiting + one.shed == len(calls)
    assert one.reasons == {cap.FULL: one.shed}
    assert one.shed_usd == COST * one.shed
    (oldest,) = outbox.take("platform", 1)
    assert oldest.call == calls[one.shed]


def test_what_all_have_goes_before_what_one_still_waits_for(outbox):
    put(outbox, 100, WORDS)
    deliver(outbox)
    waiting = put(outbox, 50, WORDS)
    put(outbox, 60, WORDS)
    found, _ = outbox.content([call.call_id for call in waiting])
    assert (len(found), standing(outbox).reasons) == (50, {})
    assert kept(outbox)[1] < 210


def test_records_that_all_have_go_before_the_words_of_what_waits(outbox):
    for _ in range(20):
        put(outbox, 200)
        deliver(outbox)
    before, _ = kept(outbox)
    put(outbox, 100, WORDS)
    after, words = kept(outbox)
    assert (words, after < before + 100, standing(outbox).reasons) == (100, True, {})


def test_a_call_without_a_cost_is_shed_for_nothing(outbox):
    for _ in range(50):
        put(outbox, 200, cost=None)
    assert standing(outbox).shed > 0
    assert standing(outbox).shed_usd == 0


def test_each_destination_is_told_what_it_does_not_get(outbox):
    put(outbox, 200, destinations=("one", "two"))
    deliver(outbox, "one")
    for _ in range(50):
        put(outbox, 200, destinations=("two",))
    assert (standing(outbox, "one").shed, standing(outbox, "one").delivered) == (0, 200)
    assert standing(outbox, "two").shed > 200


def test_records_that_wait_as_exceptions_are_shed_too(outbox):
    put(outbox, 200)
    waiting = outbox.take("platform", 200)
    outbox.ack("platform", Ack(cursor=waiting[-1].seq, waiting={each.seq: "HTTP 503" for each in waiting}))
    for _ in range(60):
        put(outbox, 200)
    assert not {each.seq for each in waiting} & {each.seq for each in outbox.take("platform", 10_000)}
    assert standing(outbox).reasons == {cap.FULL: standing(outbox).shed}


def test_what_a_platform_has_without_its_cost_is_delivered_when_it_is_shed_before_it_is_sent_again(outbox):
    both = ("has it", "has it not")
    calls = put(outbox, 100, destinations=both, outcome="closed", cost=None, generation_id="gen-1")
    waiting = outbox.take("has it", 100)
    opened = {each.seq: Open("update", each.call) for each in waiting}
    outbox.ack("has it", Ack(cursor=waiting[-1].seq, delivered=list(opened), opened=opened))
    late = [LateFacts(at=1, source="generation", call_id=call.call_id, cost=COST) for call in calls]
    outbox.apply(SEGMENT, outbox.committed_offset(SEGMENT) + 100, late)
    assert (standing(outbox, "has it").delivered, standing(outbox, "has it").waiting) == (0, 100)
    for _ in range(50):
        put(outbox, 200, destinations=("has it not",))
    has, has_not = standing(outbox, "has it"), standing(outbox, "has it not")
    assert (has.delivered, has.waiting, has.shed, has.shed_usd) == (100, 0, 0, 0)
    assert has.reasons == {f"{NOT_SENT_AGAIN}: {cap.FULL}": 100}
    assert has_not.shed_usd == COST * has_not.shed > COST * 100
    assert has_not.delivered == 0


def test_a_record_that_is_shed_while_it_is_on_its_way_is_counted_once(outbox):
    put(outbox, 10)
    on_their_way = outbox.take("platform", 10)
    for _ in range(60):
        put(outbox, 200)
    outbox.ack("platform", Ack(cursor=on_their_way[-1].seq, delivered=[each.seq for each in on_their_way]))
    assert standing(outbox).delivered == 0


def test_who_only_reads_lets_go_of_nothing(tmp_path):
    with closing(Outbox(tmp_path)) as reader:
        put(reader, 400, WORDS)
        assert (kept(reader), reader.prune()) == ((400, 400), False)


def test_a_file_that_was_larger_is_brought_to_size(tmp_path):
    with closing(Outbox(tmp_path)) as reader:
        put(reader, 400, WORDS)
    with closing(Outbox(tmp_path, Limits(SIZE, FOR_EVER, FOR_EVER))) as outbox:
        while outbox.prune():
            pass
        assert used(outbox) <= SIZE
        assert_adds_up(outbox.standings())


def test_the_room_is_used_again_so_that_the_file_stops_growing(outbox, tmp_path):
    sizes = []
    batch = 50 * len(WORDS)
    for _ in range(40):
        put(outbox, 50, WORDS)
        deliver(outbox)
        outbox.close()
        sizes.append((tmp_path / "outbox.db").stat().st_size)
    assert sizes[-1] == sizes[20] <= SIZE + 2 * batch
