from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from spancast.broadcast.policy import (
    FILTERED_OUT,
    NOT_SAMPLED,
    OTHER_KEY,
    SAMPLED_OUT,
    Policy,
)
from spancast.destinations.destination import Destination
from tests.support.calls import a_call

HASH, OTHER = "a" * 64, "b" * 64
DEAR = [{"field": "total_cost", "operator": "gt", "value": 0.5}]


def test_a_destination_wants_everything_unless_told_otherwise():
    assert Policy(Destination("otlp")).skip_reason(a_call()) is None


def test_a_call_whose_trace_was_not_sampled_is_wanted_by_none():
    assert Policy(Destination("otlp")).skip_reason(a_call(sampled=False)) == NOT_SAMPLED


def test_a_destination_of_some_keys_wants_their_calls_and_none_of_unknown_ones():
    destination = Destination("otlp", keys=[HASH])
    assert Policy(destination).skip_reason(a_call(key_hash=HASH)) is None
    assert Policy(destination).skip_reason(a_call(key_hash=OTHER)) == OTHER_KEY
    assert Policy(destination).skip_reason(a_call()) == OTHER_KEY


def test_a_key_goes_by_the_name_that_the_settings_give_to_it():
    destination = Destination("otlp", keys=["web"]).with_key_names({"web": HASH, "batch": OTHER})
    assert Policy(destination).skip_reason(a_call(key_hash=HASH)) is None
    assert Policy(destination).skip_reason(a_call(key_hash=OTHER)) == OTHER_KEY


def test_a_name_that_was_not_looked_up_lets_nothing_pass():
    assert Policy(Destination("otlp", keys=["web"])).skip_reason(a_call(key_hash=HASH)) == OTHER_KEY


def test_what_a_filter_keeps_back_is_skipped_as_such():
    destination = Destination("otlp", filters=DEAR)
    assert Policy(destination).skip_reason(a_call(cost=Decimal("0.6"))) is None
    assert Policy(destination).skip_reason(a_call(cost=Decimal("0.5"))) == FILTERED_OUT


def test_a_filter_knows_the_names_of_keys():
    rules = [{"field": "api_key_name", "operator": "equals", "value": "web"}]
    destination = Destination("otlp", filters=rules).with_key_names({"web": HASH})
    assert Policy(destination).skip_reason(a_call(key_hash=HASH)) is None
    assert Policy(destination).skip_reason(a_call(key_hash=OTHER)) == FILTERED_OUT


def test_what_no_destination_of_that_rate_gets_is_skipped_before_filters_are_asked():
    assert Policy(Destination("otlp", sample_rate=0.0, filters=DEAR)).skip_reason(a_call()) == SAMPLED_OUT


def test_only_a_filter_that_asks_for_it_waits_for_the_cost():
    assert Policy(Destination("otlp", filters=DEAR)).waits_for_cost
    assert not Policy(Destination("otlp", filters=[{"field": "model", "operator": "exists"}])).waits_for_cost
    assert not Policy(Destination("otlp")).waits_for_cost


@given(session=st.text(min_size=1), rate=st.floats(0.0, 1.0))
def test_the_same_call_always_has_the_same_answer(session, rate):
    destination, call = Destination("otlp", sample_rate=rate), a_call(session=session)
    assert Policy(destination).skip_reason(call) == Policy(destination).skip_reason(call)
