"""Any span comes out as one that every exporter can encode; one that is well already comes out as it is."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancast.base.bounded import TRUNCATED
from spancast.broadcast.safe import CUT, LEFT_OUT, LONGEST, LONGEST_CONTENT, MOST, REPAIRED, safe
from spancast.contract import Event, Span
from tests.support.spans import WORDS, a_trace, of_application, of_call

DEEP = 100_000


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
NEIGHBOURS = {"a": 1, "b": "text", "c": (1.5, 2.5), "d": True, "e": ["x", "y"]}


def attributed(**attributes: Any) -> Span:
    return of_application("step", attributes={**NEIGHBOURS, **attributes})


@pytest.mark.parametrize("span", [*a_trace(), of_call(WORDS), attributed()], ids=range(6))
def test_a_span_that_is_well_comes_back_as_the_very_same(span):
    made, done = safe(span)
    assert made is span
    assert not done


@pytest.mark.parametrize(
    ("value", "kept", "done"),
    [
        ("\ud800!", "?!", REPAIRED),
        (float("nan"), "NaN", REPAIRED),
        (float("inf"), "Infinity", REPAIRED),
        (2**63, "9223372036854775808", REPAIRED),
        (-(10**5000), TRUNCATED, REPAIRED),
        (b"caf\xc3\xa9\xff", "café\ufffd", REPAIRED),
        (Decimal("0.10"), "0.10", REPAIRED),
        ({"a": [1, None]}, '{"a":[1,null]}', REPAIRED),
        ([1, "a"], '[1,"a"]', REPAIRED),
        ([[1], [2]], "[[1],[2]]", REPAIRED),
        ([1.5, float("nan")], ("1.5", "NaN"), REPAIRED),
        ([1, 2**70], ("1", str(2**70)), REPAIRED),
        (["a", "\ud800"], ("a", "?"), REPAIRED),
        (nested(DEEP), '{"a":' * 8 + f'"{TRUNCATED}"' + "}" * 8, REPAIRED),
        (CYCLE, "[" * 8 + f'"{TRUNCATED}"' + "]" * 8, REPAIRED),
        (object(), f'"{TRUNCATED}"', REPAIRED),
        ("x" * (LONGEST + 1), "x" * LONGEST + TRUNCATED, CUT),
        ("x" * 10**8, "x" * LONGEST + TRUNCATED, CUT),
        ([7] * (MOST + 1), (7,) * MOST, CUT),
        (None, None, LEFT_OUT),
    ],
    ids=range(20),
)
def test_a_value_is_mended_or_cut_and_its_neighbours_are_not_touched(value, kept, done):
    made, told = safe(attributed(odd=value))
    found = dict(made.attributes)
    assert found.pop("odd", None) == kept
    assert found == NEIGHBOURS
    assert all(found[key] is NEIGHBOURS[key] for key in NEIGHBOURS)
    assert told == {done}


@pytest.mark.parametrize(
    ("key", "kept", "done"),
    [("", None, LEFT_OUT), (7, None, LEFT_OUT), ("k\udfff", "k?", REPAIRED), ("k" * 5000, "k" * 1024, CUT)],
)
def test_a_name_is_mended_or_cut_or_the_attribute_left_out(key, kept, done):
    made, told = safe(replace(attributed(), attributes={**NEIGHBOURS, key: 1}))
    assert dict(made.attributes) == {**NEIGHBOURS, **({kept: 1} if kept else {})}
    assert told == {done}


def test_of_ten_thousand_attributes_the_first_thousand_are_kept():
    made, done = safe(of_application("step", attributes={f"key_{number}": number for number in range(10_000)}))
    assert dict(made.attributes) == {f"key_{number}": number for number in range(MOST)}
    assert done == {LEFT_OUT}


def test_a_thousand_long_texts_are_kept_as_far_as_there_is_room():
    made, done = safe(of_application("step", attributes={f"key_{number}": "x" * LONGEST for number in range(MOST)}))
    assert sum(len(str(value)) for value in made.attributes.values()) < 5_000_000
    assert LEFT_OUT in done


def test_words_may_be_longer_than_anything_else_and_end_all_the_same():
    content = {"input.value": "x" * LONGEST_CONTENT, "output.value": "y" * 10**8}
    made, done = safe(of_application("step", content=content))
    assert made.content == {"input.value": content["input.value"], "output.value": "y" * LONGEST_CONTENT + TRUNCATED}
    assert done == {CUT}


@pytest.mark.parametrize("field", ["name", "status_message", "user", "session", "trace_name", "environment", "release"])
def test_every_text_of_a_span_is_mended(field):
    made, done = safe(replace(of_application("step"), **{field: "a\ud800"}))
    assert getattr(made, field) == "a?"
    assert done == {REPAIRED}


@pytest.mark.parametrize("field", ["tags", "metadata"])
def test_labels_are_text(field):
    given_labels = {"a": "b", "n": 7, "deep": nested(DEEP), "s": "\ud800", "": "x"}
    made, done = safe(of_application("step", **{field: given_labels}))
    assert getattr(made, field) == {"a": "b", "n": "7", "deep": '{"a":' * 8 + f'"{TRUNCATED}"' + "}" * 8, "s": "?"}
    assert done == {REPAIRED, LEFT_OUT}


def test_the_resource_and_the_events_are_mended_too():
    events = [Event(name="ok", time=5, attributes={"a": 1}), Event(name="", time=-5, attributes={"a": b"x"})]
    span = of_application("step", resource={"service.name": "\ud800"}, events=events)
    made, done = safe(span)
    assert made.resource == {"service.name": "?"}
    assert made.events[0] is events[0]
    assert made.events[1] == Event(name="unnamed", time=0, attributes={"a": "x"})
    assert done == {REPAIRED}


def test_a_time_that_no_clock_shows_is_brought_into_what_otlp_can_say():
    made, done = safe(of_application("step", start=-1, end=2**80))
    assert (made.start, made.end) == (0, 2**63 - 1)
    assert done == {REPAIRED}


def test_there_are_only_so_many_events():
    made, done = safe(of_application("step", events=[Event(name="e", time=1)] * 5000))
    assert len(made.events) == MOST
    assert done == {LEFT_OUT}


TEXT = st.text(st.characters(codec=None), max_size=12)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
ODD = st.dictionaries(TEXT | st.integers(), ANYTHING, max_size=6)
TIMES = st.integers(-(2**70), 2**70)


@given(
    attributes=ODD,
    content=ODD,
    tags=ODD,
    metadata=ODD,
    resource=ODD,
    event=ODD,
    name=TEXT,
    user=st.none() | TEXT,
    start=TIMES,
    end=TIMES,
)
def test_whatever_a_span_is_made_of_it_can_be_encoded_and_encoding_it_again_says_the_same(event, **given_fields):
    events = (Event(name=given_fields["name"], time=given_fields["end"], attributes=event),)
    span = of_application(given_fields.pop("name"), events=events, **given_fields)
    made, _ = safe(span)
    ExportTraceServiceRequest.FromString(made.otlp())
    said = {name: getattr(made, name) for name in ("attributes", "content", "tags", "metadata", "resource", "user")}
    json.dumps(said, allow_nan=False, ensure_ascii=False).encode()
    for mapping in (made.attributes, made.content, made.resource, *(each.attributes for each in made.events)):
        assert all(key and isinstance(key, str) and is_attribute(value) for key, value in mapping.items())
    assert all(isinstance(value, str) for value in (*made.tags.values(), *made.metadata.values()))
    again, done = safe(made)
    assert again is made
    assert not done


@given(attributes=ODD)
def test_what_is_well_already_is_kept_as_it_is_beside_whatever(attributes):
    well = {"a": 1, "b": "text", "c": (1.5, 2.5), "d": True}
    made, _ = safe(
        of_application(
            "step", attributes={**well, **{key: value for key, value in attributes.items() if key not in well}}
        )
    )
    assert {key: made.attributes[key] for key in well} == well


def is_attribute(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len({type(each) for each in value}) <= 1 and all(map(is_attribute, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | bool) or (isinstance(value, int) and -(2**63) <= value < 2**63)
