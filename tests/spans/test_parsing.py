from dataclasses import replace

from hypothesis import given, settings

from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call
from spancast.semconv import names
from spancast.spans.attributes import request_attributes, response_attributes
from spancast.spans.export import export_call
from spancast.spans.parsing import call_from_span
from tests.support.spans import of_application, of_call
from tests.trace.any_call import calls

ONE_OF_MANY = ("chat", "generate_content")
"""Names that several operations share."""


def said(call: Call) -> dict:
    return request_attributes(call) | response_attributes(call)


@settings(max_examples=100, deadline=None)
@given(calls())
def test_a_call_that_is_read_back_says_what_its_span_said(call):
    call = Call(**{**{name: getattr(call, name) for name in call.__struct_fields__}, "linked": False, "carried": False})
    span = export_call(call, OtlpEncoder(), "0")
    found = call_from_span(span)
    assert found is not None
    again = said(found)
    differing = {name for name in said(call) if again.get(name) != span.attributes[name]}
    assert differing <= {names.TIME_PER_OUTPUT_CHUNK, names.DISCOUNT_USD, names.ROUTING_SUMMARY, *ROUTING}


ROUTING = (names.ROUTING_ATTEMPT, names.ROUTING_ATTEMPTS, names.ROUTING_PIPELINE, names.ROUTING_STRATEGY)
"""What is for people to read alone."""


def test_money_and_times_are_what_they_were():
    span = of_call()
    found, call = call_from_span(span), span.generation
    assert found is not None
    assert call is not None
    for name in ("cost", "spent", "time_to_first_token", "duration", "tags", "metadata", "user", "parameters"):
        assert getattr(found, name) == getattr(call, name), name


def test_a_providers_own_word_that_never_came_is_unknown():
    span = of_call()
    for words, known in ((("", "completed"), (None, "completed")), (["end_turn"], ("end_turn",))):
        said = {**span.attributes, names.NATIVE_FINISH_REASONS: words}
        found = call_from_span(replace(span, attributes=said))
        assert found is not None
        assert found.native_finish_reasons == known


def test_a_span_of_another_making_is_no_call():
    assert call_from_span(of_application("work")) is None


def test_what_is_by_our_names_and_something_else_is_no_call():
    span = of_call()
    assert call_from_span(replace(span, attributes={**span.attributes, names.INPUT_TOKENS: "many"})) is None
    assert call_from_span(replace(span, attributes={**span.attributes, names.CALL_ID: 5})) is None
