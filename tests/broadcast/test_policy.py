from hypothesis import given
from hypothesis import strategies as st

from spancast.broadcast.policy import NOT_SAMPLED, SAMPLED_OUT, share, wants
from spancast.destination import Destination
from tests.support.calls import a_call

keys = st.text(min_size=1)


def test_a_destination_wants_everything_unless_told_otherwise():
    assert wants(Destination("otlp"), a_call()) is None


def test_a_call_whose_trace_was_not_sampled_is_wanted_by_none():
    assert wants(Destination("otlp"), a_call(sampled=False)) == NOT_SAMPLED


@given(session=keys)
def test_a_rate_of_one_keeps_all_and_a_rate_of_zero_none(session):
    call = a_call(session=session)
    assert wants(Destination("otlp", sample_rate=1.0), call) is None
    assert wants(Destination("otlp", sample_rate=0.0), call) == SAMPLED_OUT


@given(session=keys, rate=st.floats(0.0, 1.0))
def test_a_session_is_kept_or_left_out_as_a_whole(session, rate):
    destination = Destination("otlp", sample_rate=rate)
    one, other = a_call(session=session), a_call(session=session)
    assert wants(destination, one) == wants(destination, other)


@given(trace=st.text("0123456789abcdef", min_size=32, max_size=32), rate=st.floats(0.0, 1.0))
def test_a_trace_without_a_session_is_kept_or_left_out_as_a_whole(trace, rate):
    destination = Destination("otlp", sample_rate=rate)
    assert wants(destination, a_call(trace_id=trace)) == wants(destination, a_call(trace_id=trace))


@given(session=keys, low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0))
def test_a_smaller_rate_keeps_a_part_of_what_a_larger_one_keeps(session, low, high):
    low, high = sorted((low, high))
    call = a_call(session=session)
    if wants(Destination("a", sample_rate=low), call) is None:
        assert wants(Destination("b", sample_rate=high), call) is None


def test_the_rate_is_the_share_of_sessions_that_is_kept():
    destination = Destination("otlp", sample_rate=0.25)
    kept = sum(wants(destination, a_call(session=f"s_{number}")) is None for number in range(4000))
    assert 0.22 < kept / 4000 < 0.28


@given(key=st.text())
def test_every_key_has_a_place_below_one(key):
    assert 0.0 <= share(key) < 1.0
