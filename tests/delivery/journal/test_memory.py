"""What waits in memory: in order, within bounds, and counted where it has to go."""

from decimal import Decimal

import msgspec
import pytest

from spancast.delivery.journal import frame, memory
from spancast.delivery.journal.memory import Memory
from spancast.records.content import Content
from spancast.records.late import LateFacts
from spancast.records.record import Record
from tests.bookkeeping.records import call, opened


def framed(record: Record) -> bytes:
    return frame.pack(msgspec.msgpack.encode(record))


def test_what_came_first_goes_first():
    records, waits = [framed(call()) for _ in range(3)], Memory()
    for each in records:
        assert waits.add(each)
    assert waits.oldest(len(records[0])) == (records[0],)
    assert waits.oldest(1) == (records[0],), "one at least, however large"
    assert waits.oldest(len(records[0] + records[1])) == tuple(records[:2])
    waits.remove(records[0])
    waits.remove(records[0])
    assert waits.take() == tuple(records[1:])
    assert (waits.oldest(1), bool(waits), waits.take()) == ((), False, ())


def test_words_are_refused_where_calls_still_have_room(monkeypatch):
    words = framed(Content(call_id="1", input_messages="x" * 1000))
    monkeypatch.setattr(memory, "MAX_BYTES", 4 * len(words))
    waits = Memory()
    assert [waits.add(words, is_content=True) for _ in range(4)] == [True, True, False, False]
    assert waits.add(framed(call()))
    assert waits.lost == {"memory full: words": 2}


@pytest.mark.parametrize(
    ("record", "reason", "cost"),
    [
        (call(cost=Decimal("0.25")), "calls", "0.25"),
        (call(), "calls", "0"),
        (opened(), "calls under way", "0"),
        (Content(call_id="1"), "words", "0"),
        (LateFacts(at=1, source="generation", call_id="1"), "late costs", "0"),
    ],
)
def test_the_oldest_is_dropped_and_counted_as_what_it_is(record, reason, cost, monkeypatch):
    monkeypatch.setattr(memory, "MAX_RECORDS", 1)
    waits, newer = Memory(), framed(call())
    waits.add(framed(record))
    waits.add(newer)
    assert waits.take() == (newer,)
    assert (waits.lost, str(waits.lost_cost)) == ({f"memory full: {reason}": 1}, cost)
