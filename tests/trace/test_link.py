"""Broadcast's spans and ours find each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from spancast.capture.json_body import decode_members, with_members
from spancast.semconv import names
from spancast.spans.attributes import response_attributes
from spancast.spans.broadcast_ids import broadcast_ids
from spancast.trace.link import linked_trace
from tests.support.calls import a_call
from tests.support.shared import SHARED, needs_shared

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OURS = {"trace_id": TRACE, "parent_span_id": SPAN}


def linked(body: bytes) -> bytes | None:
    members = decode_members(body)
    trace = None if members is None else linked_trace(members, TRACE, SPAN)
    return None if members is None or trace is None else with_members(members, {"trace": trace})


def spans_in(value: Any) -> list[dict[str, Any]]:
    """Return every OTLP span of a recorded payload, however it is wrapped."""
    if isinstance(value, dict):
        found = [value] if "spanId" in value else []
        return found + [span for each in value.values() for span in spans_in(each)]
    return [span for each in value for span in spans_in(each)] if isinstance(value, list) else []


def generation_of(span: dict[str, Any]) -> str | None:
    said = {each["key"]: each["value"].get("stringValue") for each in span.get("attributes", [])}
    return said.get("gen_ai.response.id")


def payloads() -> list[Path]:
    return sorted((SHARED / "recordings" / "broadcast_payloads").rglob("*.json"))


@needs_shared
def test_the_ids_of_recorded_broadcasts_follow_from_their_generation_ids() -> None:
    roots = [
        (span, generation)
        for path in payloads()
        for span in spans_in(json.loads(path.read_text()))
        if not span.get("parentSpanId") and (generation := generation_of(span))
    ]

    told = [(span["traceId"], span["spanId"]) for span, _ in roots]
    assert [broadcast_ids(generation) for _, generation in roots] == told
    assert told


def test_a_call_says_which_ids_broadcast_will_use_unless_its_request_does() -> None:
    free = response_attributes(a_call(generation_id="gen-1"))
    assert (free[names.BROADCAST_TRACE_ID], free[names.BROADCAST_SPAN_ID]) == broadcast_ids("gen-1")
    for call in (a_call(generation_id="gen-1", linked=True), a_call(generation_id=None)):
        assert names.BROADCAST_TRACE_ID not in response_attributes(call)
        assert names.BROADCAST_SPAN_ID not in response_attributes(call)


@pytest.mark.parametrize(
    ("body", "trace"),
    [
        (b"{}", OURS),
        (b'{"model":"m"}', OURS),
        (b'{"trace":null}', OURS),
        (b'{"trace":{"trace_name":"search","plan":{"n":1}}}', {"trace_name": "search", "plan": {"n": 1}, **OURS}),
    ],
)
def test_a_body_names_our_span_beside_what_its_trace_says(body: bytes, trace: dict[str, Any]) -> None:
    sent = linked(body)
    assert sent is not None
    assert json.loads(sent) == {**json.loads(body), "trace": trace}


def test_everything_else_is_sent_as_it_was_written() -> None:
    members = rb'"model":"m","temperature":0.10,"seed":12345678901234567890,"text":"\u00e9\ud83d\ude00","n":1e2'

    assert linked(b"{" + members + b"}") == (
        b"{" + members + b',"trace":{"trace_id":"%b","parent_span_id":"%b"}}' % (TRACE.encode(), SPAN.encode())
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"trace":{"trace_id":"theirs"}}',
        b'{"trace":{"parent_span_id":"theirs"}}',
        b'{"trace":"theirs"}',
        b"[]",
        b"",
        b"no json",
        b"\x1f\x8b\x08",
    ],
)
def test_a_body_that_names_a_trace_itself_or_is_no_object_is_left_alone(body: bytes) -> None:
    assert linked(body) is None
