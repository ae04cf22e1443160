from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from spancast.contract import Event, Span
from spancast.destinations.otel_sink import readable
from tests.support.calls import a_call, to_span


def parsed(data: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(data)


def only_span(data: bytes) -> trace_pb2.Span:
    (resource,) = parsed(data).resource_spans
    (scope,) = resource.scope_spans
    (span,) = scope.spans
    return span


def attributes_of(pairs) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


KEYS = st.lists(st.sampled_from("abcdef"), unique=True)
VALUES = st.one_of(
    st.text(max_size=200).filter(lambda text: text.isprintable()),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)
ATTRIBUTES = st.dictionaries(st.sampled_from("abcdef"), VALUES)


def in_order(data: bytes) -> ExportTraceServiceRequest:
    request = parsed(data)
    for resource in request.resource_spans:
        resource.resource.attributes.sort(key=lambda pair: pair.key)
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.attributes.sort(key=lambda pair: pair.key)
    return request


def officially(span: Span) -> bytes:
    """Return the span as OpenTelemetry's own encoder has it."""
    return encode_spans([readable(span)]).SerializeToString()


def test_a_span_is_what_the_official_encoder_makes_of_it():
    span = replace(
        to_span(a_call()),
        kind="server",
        parent_span_id="00000000000000ff",
        status="error",
        status_message="overloaded",
        events=(Event(name="exception", time=7, attributes={"exception.type": "KeyError", "n": (1, 2)}),),
    )
    assert in_order(span.otlp()) == in_order(officially(span))


def test_everything_of_a_span_arrives():
    ours = replace(to_span(a_call()), parent_span_id="00000000000000ff", status="error", status_message="overloaded")
    span = only_span(ours.otlp())
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (
        ours.trace_id,
        ours.span_id,
        ours.parent_span_id,
    )
    assert (span.name, span.start_time_unix_nano, span.end_time_unix_nano) == (ours.name, ours.start, ours.end)
    assert (span.kind, span.status.code) == (trace_pb2.Span.SPAN_KIND_CLIENT, trace_pb2.Status.STATUS_CODE_ERROR)
    assert span.status.message == "overloaded"


def test_events_arrive():
    failed = Event(name="exception", time=7, attributes={"exception.type": "KeyError"})
    (event,) = only_span(replace(to_span(a_call()), events=(failed,)).otlp()).events
    assert (event.name, event.time_unix_nano) == ("exception", 7)
    assert attributes_of(event.attributes) == {"exception.type": "KeyError"}


def test_attributes_keep_their_types():
    ours = replace(to_span(a_call()), attributes={"s": "x", "b": True, "i": 7, "f": 0.5, "l": ("x", "y")})
    found = attributes_of(only_span(ours.otlp()).attributes)
    assert (found["s"], found["b"], found["i"], found["f"]) == ("x", True, 7, 0.5)
    assert [value.string_value for value in found["l"].values] == ["x", "y"]


def test_a_root_span_has_no_parent():
    assert only_span(to_span(a_call()).otlp()).parent_span_id == b""


def test_the_scope_and_the_resource_arrive():
    (resource,) = parsed(to_span(a_call(resource={"service.name": "shop"})).otlp()).resource_spans
    assert attributes_of(resource.resource.attributes) == {"service.name": "shop"}
    assert (resource.scope_spans[0].scope.name, resource.scope_spans[0].scope.version) == ("spancast", "0")


def test_two_messages_joined_are_one_request_of_two_spans():
    one, two = to_span(a_call()), to_span(a_call())
    joined = parsed(one.otlp() + two.otlp())
    spans = [scope.spans[0].span_id.hex() for each in joined.resource_spans for scope in each.scope_spans]
    assert spans == [one.span_id, two.span_id]


def test_what_is_added_wins_over_what_the_span_has():
    span = replace(to_span(a_call()), attributes={"a": 1, "b": 1})
    assert attributes_of(only_span(span.otlp(add={"b": 2, "c": 3})).attributes) == {"a": 1, "b": 2, "c": 3}


def test_what_is_dropped_does_not_arrive():
    span = replace(to_span(a_call()), attributes={"a": 1, "b": 1})
    assert attributes_of(only_span(span.otlp(drop=["b"])).attributes) == {"a": 1}


def test_what_is_dropped_and_added_arrives_as_added():
    span = replace(to_span(a_call()), attributes={"a": 1})
    assert attributes_of(only_span(span.otlp(drop=["a"], add={"a": 2})).attributes) == {"a": 2}


def test_the_resource_is_merged():
    span = to_span(a_call(resource={"service.name": "shop", "host.name": "x"}))
    (resource,) = parsed(span.otlp(resource={"host.name": "y"})).resource_spans
    assert attributes_of(resource.resource.attributes) == {"service.name": "shop", "host.name": "y"}


def test_additions_do_not_touch_the_span_as_it_is():
    span = to_span(a_call())
    first = span.otlp()
    span.otlp(add={"x": 1})
    assert span.otlp() == first


def test_the_words_are_of_the_span_that_has_them_and_of_no_other():
    span = replace(to_span(a_call()), content={"gen_ai.input.messages": "[]"})
    private = replace(span, content={})
    assert "gen_ai.input.messages" in attributes_of(only_span(span.otlp()).attributes)
    assert "gen_ai.input.messages" not in attributes_of(only_span(private.otlp()).attributes)
    assert "gen_ai.input.messages" not in attributes_of(only_span(span.otlp(drop=["gen_ai.input.messages"])).attributes)


@given(attributes=ATTRIBUTES, add=ATTRIBUTES, drop=KEYS, resource=ATTRIBUTES, more=ATTRIBUTES)
def test_the_pieces_joined_are_what_the_official_encoder_makes_of_the_whole(attributes, add, drop, resource, more):
    span = replace(to_span(a_call()), attributes=attributes, resource=resource)
    whole = {key: value for key, value in {**attributes, **add}.items() if key in add or key not in drop}
    theirs = officially(replace(span, attributes=whole, resource={**resource, **more}))
    assert in_order(span.otlp(add=add, drop=drop, resource=more)) == in_order(theirs)


def test_an_encoder_that_two_spans_share_does_not_mix_them_up():
    one = to_span(a_call())
    two = replace(to_span(a_call()), encoder=one.encoder)
    assert only_span(one.otlp()).span_id.hex() == one.span_id
    assert only_span(two.otlp()).span_id.hex() == two.span_id


def test_a_span_that_cannot_be_encoded_raises():
    with pytest.raises(UnicodeEncodeError):
        replace(to_span(a_call()), name="\ud800").otlp()
