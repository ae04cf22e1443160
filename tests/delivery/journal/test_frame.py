import itertools
import random
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.delivery.journal import frame
from tests.support.faults.damage import KINDS, mutated

payloads = st.lists(st.binary(max_size=200), min_size=1, max_size=8)


def read(data: bytes) -> list[bytes]:
    return [record.payload for record in frame.unpack(data) if record.payload is not None]


@given(payloads)
def test_what_was_packed_is_unpacked_in_order(payloads):
    assert read(b"".join(map(frame.pack, payloads))) == payloads


@given(payloads, st.data())
def test_an_incomplete_record_is_left_for_the_next_time(payloads, data):
    whole = b"".join(map(frame.pack, payloads))
    cut = data.draw(st.integers(0, len(whole)))
    before = list(frame.unpack(whole[:cut]))
    at = before[-1].end if before else 0
    after = list(frame.unpack(whole, at))
    assert [record.payload for record in [*before, *after]] == payloads


@pytest.mark.parametrize("seed", range(10))
def test_of_ten_thousand_faults_each_costs_the_records_it_hit_and_no_other(seed):
    chance = random.Random(seed)
    for _ in range(1_000):
        payloads = [chance.randbytes(chance.randrange(1, 200)) for _ in range(chance.randrange(1, 9))]
        records = [frame.pack(payload) for payload in payloads]
        fault = (chance.choice(KINDS), chance.random(), chance.random(), chance.randbytes(chance.randrange(1, 300)))
        damaged, hit = mutated(b"".join(records), *fault)
        ends = [0, *itertools.accumulate(map(len, records))]
        spared = [
            each
            for each, place in zip(payloads, itertools.pairwise(ends), strict=True)
            if not {*hit} & {*range(*place)}
        ]
        found = Counter(read(damaged))
        del found[b""]  # zeros behind a magic are a record of nothing, which the drainer counts as damage
        assert Counter(spared) <= found
        assert {*found} <= {*payloads}


@given(payloads, st.data())
def test_a_flipped_bit_costs_the_record_it_hit_and_no_other(payloads, data):
    hit = data.draw(st.integers(0, len(payloads) - 1))
    records = [bytearray(frame.pack(payload)) for payload in payloads]
    bit = data.draw(st.integers(0, len(records[hit]) * 8 - 1))
    records[hit][bit // 8] ^= 1 << bit % 8
    assert read(b"".join(records)) == payloads[:hit] + payloads[hit + 1 :]


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=300), st.binary(max_size=100))
def test_garbage_between_two_records_is_marked_and_costs_neither(first, garbage, second):
    found = list(frame.unpack(frame.pack(first) + garbage + frame.pack(second)))
    assert [record.payload for record in found] == [first, None, second]


@given(st.binary(max_size=2000))
def test_whatever_lies_in_a_segment_is_read_to_an_end(data):
    ends = [record.end for record in frame.unpack(data)]
    assert ends == sorted(set(ends))
    assert all(end <= len(data) for end in ends)


def test_a_payload_of_the_greatest_length_is_a_record():
    payload = bytes(frame.MAX_PAYLOAD_BYTES)
    assert read(frame.pack(payload)) == [payload]


def test_a_payload_that_would_be_read_as_damage_is_no_record():
    with pytest.raises(ValueError, match="larger than"):
        frame.pack(bytes(frame.MAX_PAYLOAD_BYTES + 1))


def test_a_segment_full_of_magics_is_looked_through_in_time():
    storm = frame.MAGIC + (2**20).to_bytes(4, "little") + bytes(4)
    data = frame.pack(b"before") + storm * 200_000
    began = time.process_time()
    (before, rest) = frame.unpack(data)
    assert time.process_time() - began < 5.0
    assert (before.payload, rest) == (b"before", frame.Frame(None, len(data)))
    assert read(data[rest.end :] + frame.pack(b"after")) == [b"after"]


def test_whatever_one_byte_in_a_hundred_was_hit_by_every_whole_record_is_found():
    chance = random.Random(7)
    payloads = [bytes(chance.choices(range(128), k=500)) for _ in range(2_000)]
    records = [bytearray(frame.pack(payload)) for payload in payloads]
    hit = {divmod(chance.randrange(2_000 * 510), 510) for _ in range(2_000 * 5)}
    for number, place in hit:
        records[number][place] ^= chance.randrange(1, 256)
    lost = {number for number, _ in hit}
    spared = [payload for number, payload in enumerate(payloads) if number not in lost]
    assert [each for each in read(b"".join(records)) if each] == spared
    assert spared


def test_a_record_that_holds_records_is_one():
    inner = frame.pack(b"inner") * 3
    assert read(frame.pack(inner) + frame.pack(b"after")) == [inner, b"after"]
