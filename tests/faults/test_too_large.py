"""Row 17: a platform takes no more than so many bytes."""

import math

import pytest

from spancast.contract import Traits
from spancast.delivery.courier.sending import TOO_LARGE
from spancast.delivery.outbox import contents
from tests.support.faults import modes
from tests.support.faults.desk import once, until_settled
from tests.support.plain import Plain

FAT = "words " * 50_000
LIMIT = 100_000


@pytest.mark.parametrize("position", [0, 7, 100, 511])
def test_of_a_fat_span_the_words_alone_are_lost_and_few_requests_are_made(desk, position):
    desk.put(position)
    desk.put(1, content=FAT)
    desk.put(511 - position)
    collector = desk.collector(modes.no_larger_than(LIMIT * 2))
    until_settled(desk.courier(Plain(url=collector.url)))
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {contents.TOO_LARGE: 1}
    assert len(collector.received) <= 2 * math.log2(512) + 1


def test_a_span_that_is_too_large_without_its_words_is_dead(desk):
    fat = desk.put(1, content=FAT)
    good = desk.put(3)
    collector = desk.collector(modes.only(lambda received: set(fat) & set(received.span_ids()), modes.status(413)))
    until_settled(desk.courier(Plain(url=collector.url)))
    assert dict(collector.accepted) == dict.fromkeys(good, 1)
    assert (desk.standing().dead, desk.standing().reasons) == (1, {"HTTP 413": 1})


def test_the_next_batches_are_made_to_fit(desk):
    collector = desk.collector(modes.no_larger_than(LIMIT))
    courier = desk.courier(Plain(url=collector.url))
    desk.put(512, content="words " * 100)
    until_settled(courier)
    asked = len(collector.received)
    desk.put(512, content="words " * 100)
    until_settled(courier)
    assert all(len(received.body) <= LIMIT for received in collector.received[asked:])
    assert desk.standing().delivered == 1024
    desk.assert_each_once(collector)


def test_what_the_platform_is_known_not_to_take_is_not_sent(desk):
    collector = desk.collector()
    courier = desk.courier(Plain(url=collector.url, traits=Traits(max_bytes=LIMIT, resend="upsert")))
    desk.put(2, content=FAT)
    until_settled(courier)
    assert [len(received.body) <= LIMIT for received in collector.received] == [True] * 2
    assert desk.standing().reasons == {contents.TOO_LARGE: 2}


def test_a_span_that_the_platform_is_known_not_to_take_at_all_is_dead_unsent(desk):
    collector = desk.collector()
    desk.put(1)
    once(desk.courier(Plain(url=collector.url, traits=Traits(max_bytes=10, resend="upsert"))))
    assert (collector.received, desk.standing().reasons) == ([], {TOO_LARGE: 1})


def test_more_words_than_there_is_room_for_go_in_several_requests(desk):
    collector = desk.collector()
    desk.put(20, content=FAT)
    until_settled(desk.courier(Plain(url=collector.url, traits=Traits(max_bytes=64 * 1024 * 1024, resend="upsert"))))
    assert max(len(received.body) for received in collector.received) < 3 * 1024 * 1024
    desk.assert_each_once(collector)
