from hypothesis import given
from hypothesis import strategies as st

from spancast.delivery import frame

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
    payload = bytes(frame.MAX_PAYLOAD)
    assert read(frame.pack(payload)) == [payload]
