"""Where a call stands: trace, span, generation."""

from hashlib import sha256

import pytest

from spancast.broadcast.hierarchy import placed, trace_id, with_spans_between
from spancast.contract import Span
from spancast.semconv import names
from tests.support.spans import SECOND, of_application, of_call

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"


def alone(**facts: object) -> Span:
    """Return the span of a call that was made with no span open, as its request has it."""
    return placed(of_call(**{"parent_span_id": None, "trace_id": "1" * 32, "trace_name": None, **facts}))


def hashed(text: str, digits: int) -> str:
    return sha256(text.encode()).hexdigest()[:digits]


def above(span: Span) -> Span | None:
    """Return the span between the trace and the call."""
    *between, last = with_spans_between([span])
    assert last is span
    return between[0] if between else None


def test_a_call_that_says_nothing_of_it_stands_where_it_is():
    span = of_call()
    assert placed(span) is span
    assert [*with_spans_between([span])] == [span]


def test_a_span_of_the_applications_own_stands_where_it_is():
    span = of_application("agent")
    assert placed(span) is span


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (TRACE, TRACE),
        (TRACE.upper(), TRACE),
        ("run-1", hashed("run-1", 32)),
        ("0" * 32, hashed("0" * 32, 32)),
        (TRACE[:-1], hashed(TRACE[:-1], 32)),
        ("прогон", hashed("прогон", 32)),
    ],
)
def test_calls_of_one_trace_id_are_of_one_trace(asked, found):
    one, other = alone(request_trace_id=asked), alone(request_trace_id=asked, call_id="d" * 32, trace_id="2" * 32)
    assert one.trace_id == other.trace_id == found
    assert trace_id(one.generation) == found
    assert one.parent_span_id is None


@pytest.mark.parametrize(("asked", "found"), [(PARENT, PARENT), ("step 3", hashed("step 3", 16))])
def test_a_call_hangs_under_the_span_that_its_request_names(asked, found):
    span = alone(request_trace_id=TRACE, request_parent_span_id=asked)
    assert (span.trace_id, span.parent_span_id) == (TRACE, found)


def test_a_parent_without_its_trace_is_of_no_trace_of_ours():
    assert alone(request_parent_span_id=PARENT).parent_span_id is None


def test_a_call_is_called_what_its_request_calls_it():
    assert alone(generation_name="rank").name == "rank"
    assert placed(of_call(generation_name="rank")).name == "rank"


def test_a_named_span_stands_between_the_trace_and_the_call():
    span = alone(request_trace_id="run-1", request_parent_span_id=PARENT, span_name="search", trace_name="checkout")
    between = above(span)
    assert between is not None
    assert (between.name, between.kind, between.status, between.generation) == ("search", "internal", "unset", None)
    assert (between.trace_id, between.parent_span_id) == (hashed("run-1", 32), PARENT)
    assert span.parent_span_id == between.span_id != span.span_id
    assert (between.start, between.end) == (span.start, span.start + 2 * SECOND)


def test_the_span_between_says_what_its_trace_is_and_nothing_of_the_call():
    between = above(alone(span_name="search", trace_name="checkout", metadata={"team": "blue"}, environment="staging"))
    assert between is not None
    assert between.attributes == {
        names.OPERATION: "invoke_workflow",
        names.SPAN_NAME: "search",
        names.TRACE_NAME: "checkout",
        names.ENVIRONMENT: "staging",
        names.USER: "u_42",
        names.SESSION: "s_7",
        names.TAG + "feature": "search",
        names.METADATA + "team": "blue",
    }
    assert (between.user, between.session, between.trace_name) == ("u_42", "s_7", "checkout")
    assert (between.content, between.events) == ({}, ())


def test_a_failed_call_does_not_fail_the_span_between():
    between = above(alone(span_name="search", error_type="429", error_message="Rate limit"))
    assert between is not None
    assert (between.status, between.status_message) == ("unset", None)


def test_each_call_has_a_span_between_of_its_own_and_always_the_same():
    one, other = (alone(request_trace_id="run-1", span_name="search", call_id=call_id * 32) for call_id in "cd")
    again = alone(request_trace_id="run-1", span_name="search", call_id="c" * 32)
    assert above(one).span_id == above(again).span_id != above(other).span_id


def test_many_spans_keep_their_order_each_behind_its_own():
    spans = [of_application("agent"), alone(span_name="search", call_id="1" * 32), of_call(call_id="2" * 32)]
    assert [span.name for span in with_spans_between(spans)] == [
        "agent",
        "search",
        "chat openai/gpt-5-mini",
        "chat openai/gpt-5-mini",
    ]


SAID = {"request_trace_id": "run-1", "request_parent_span_id": PARENT, "span_name": "search"}


@pytest.mark.parametrize("open_span", [{"parent_span_id": "b" * 16}, {"carried": True}])
def test_an_application_that_has_a_span_open_has_said_where_the_call_belongs(open_span):
    span = alone(**SAID, generation_name="rank", **open_span)
    assert (span.name, span.trace_id) == ("rank", "1" * 32)
    assert span.parent_span_id == open_span.get("parent_span_id")
    assert above(span) is None
    assert span.attributes[names.TRACE_ID] == "run-1"


def test_what_is_derived_is_the_very_same_for_every_destination():
    one, other = alone(**SAID), alone(**SAID)
    assert one.trace_id is other.trace_id
    assert one.parent_span_id is other.parent_span_id
