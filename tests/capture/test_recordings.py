"""Every recorded exchange of every operation, through an exchange of ours, gives exactly what it states."""

import dataclasses
import json
import random
from typing import Any

import pytest

from spancast.capture.dialects.table import dialect_of
from spancast.records.call import Call
from spancast.records.late import bill_of
from tests.support.exchanges import Heard, opened
from tests.support.recordings import Recording, differences, recordings
from tests.support.shared import SHARED, needs_shared

pytestmark = needs_shared

CALLS = {
    "chat": 584,
    "responses": 27,
    "embeddings": 11,
    "rerank": 1,
    "image": 1,
    "speech": 1,
    "transcription": 1,
    "video": 1,
    "video_poll": 2,
}
"""How many exchanges of each operation were recorded."""
NO_CALLS = {"generation_lookup": 16, "models": 5}


def heard(recording: Recording) -> Heard:
    request = recording.request
    path = request["path"].removeprefix("/api/v1").partition("?")[0]
    return opened(path, recording.request_body, method=request["method"], sent=request["headers"])


def at_once(recording: Recording) -> Call:
    """Return the call of a caller who does not stream, or reads the network's own chunks."""
    one = heard(recording)
    one.exchange.headers(recording.response["status"], recording.headers)
    if recording.stream:
        one.feed(recording.chunks)
        one.exchange.finish("completed")
    else:
        one.exchange.body(b"".join(recording.chunks))
    return one.call


def in_pieces(recording: Recording) -> Call:
    """Return the call of a caller who streams, however the network cut the body."""
    one, dice, body = heard(recording), random.Random(recording.id), b"".join(recording.chunks)
    one.exchange.headers(recording.response["status"], recording.headers)
    while body:
        size = dice.choice((1, 3, 50, 1000, 20_000, 1_000_000))
        one.feed([body[:size]])
        body = body[size:]
    one.exchange.finish("completed")
    return one.call


@pytest.mark.parametrize("play", [at_once, in_pieces])
@pytest.mark.parametrize("operation", CALLS)
def test_a_call_is_what_was_recorded(operation: str, play: Any) -> None:
    chosen = recordings(operation)
    assert len(chosen) == CALLS[operation]
    calls = {recording.id: play(recording) for recording in chosen}
    assert {call.operation for call in calls.values()} == {operation.removesuffix("_poll")}
    wrong = {each.id: found for each in chosen if (found := differences(each, calls[each.id]))}
    assert wrong == {}


@pytest.mark.parametrize("operation", NO_CALLS)
def test_a_lookup_is_no_call(operation: str) -> None:
    chosen = recordings(operation)
    assert len(chosen) == NO_CALLS[operation]
    for recording in chosen:
        assert dialect_of(recording.request["method"], recording.request["path"].partition("?")[0]) is None


def test_every_recording_is_looked_at() -> None:
    totals = json.loads((SHARED / "recordings" / "TOTALS.json").read_text())
    assert totals["sources"]["ALL"]["by_operation"] == CALLS | NO_CALLS


def test_the_poll_of_a_job_brings_its_bill_once_it_is_done() -> None:
    pending, done = (bill_of(at_once(recording)) for recording in recordings("video_poll"))
    assert pending is None
    assert done is not None
    (asked,) = recordings("video")
    assert done.job_id == at_once(asked).response_id
    assert done.generation_id == "gen-vid-1786406418-0YjoBkqWA55lt5jvVhpq"
    assert (str(done.cost), done.is_byok, done.status, done.source) == ("0.05", False, "completed", "response")


def test_an_answer_states_its_cost_or_it_is_unknown() -> None:
    for operation in CALLS:
        for recording in recordings(operation):
            call = at_once(recording)
            assert (call.cost is None) is (recording.expect["cost"] is None)
            assert call.cost_source == (None if call.cost is None else "response")


def test_a_stream_that_is_cut_before_its_end_has_an_unknown_cost() -> None:
    cut = 0
    for recording in (each for each in recordings("chat") if each.stream and each.expect["cost"] is not None):
        body = b"".join(recording.chunks)
        one = heard(recording)
        one.exchange.headers(recording.response["status"], recording.headers)
        one.feed([body[: body.rindex(b'"usage"')]])
        one.exchange.close()
        assert (one.call.cost, one.call.outcome) == (None, "closed")
        assert one.call.generation_id == recording.expect["generation_id"]
        cut += 1
    assert cut > 50


def test_the_same_exchange_with_its_body_lost_is_known_by_its_headers() -> None:
    named = [each for each in recordings("chat") if "x-generation-id" in each.headers]
    assert named
    for recording in named:
        lost = dataclasses.replace(recording, response={**recording.response, "body": "", "chunks": None}, stream=False)
        assert at_once(lost).generation_id == recording.expect["generation_id"]


def test_a_source_is_what_the_answer_cites_and_no_file_that_was_read() -> None:
    cited = {each.id: call.citations for each in recordings("chat") if (call := at_once(each)).citations is not None}
    assert cited == {"activeagent/test_agent_web_search#0": 12}
