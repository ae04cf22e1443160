from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from spancast.broadcast.sampling import is_sampled, share
from tests.support.calls import a_call

keys = st.text(min_size=1)
rates = st.floats(0.0, 1.0)


@given(session=keys)
def test_a_rate_of_one_keeps_all_and_a_rate_of_zero_none(session):
    call = a_call(session=session)
    assert is_sampled(call, 1.0)
    assert not is_sampled(call, 0.0)


@given(session=keys, rate=rates)
def test_a_session_is_kept_or_left_out_as_a_whole(session, rate):
    assert is_sampled(a_call(session=session), rate) == is_sampled(a_call(session=session), rate)


@given(trace=st.text("0123456789abcdef", min_size=32, max_size=32), rate=rates)
def test_a_trace_without_a_session_is_kept_or_left_out_as_a_whole(trace, rate):
    assert is_sampled(a_call(trace_id=trace), rate) == is_sampled(a_call(trace_id=trace), rate)


@given(trace=keys, rate=rates)
def test_a_trace_that_the_requests_name_is_kept_or_left_out_as_a_whole(trace, rate):
    assert is_sampled(a_call(request_trace_id=trace), rate) == is_sampled(a_call(request_trace_id=trace), rate)


@given(session=keys, low=rates, high=rates)
def test_a_smaller_rate_keeps_a_part_of_what_a_larger_one_keeps(session, low, high):
    low, high = sorted((low, high))
    call = a_call(session=session)
    assert is_sampled(call, high) or not is_sampled(call, low)


def test_the_rate_is_the_share_of_sessions_that_is_kept():
    found = sum(is_sampled(a_call(session=f"s_{number}"), 0.25) for number in range(4000))
    assert 0.22 < found / 4000 < 0.28


def test_a_call_of_a_session_goes_with_the_session_whatever_its_trace():
    call = a_call(session="s_7")
    others = [replace(call, trace_id=f"{number:032x}") for number in range(50)]
    assert {is_sampled(other, 0.5) for other in others} == {is_sampled(call, 0.5)}


@given(key=st.text())
def test_every_key_has_a_place_below_one(key):
    assert 0.0 <= share(key) < 1.0
