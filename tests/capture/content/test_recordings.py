"""What was really answered, word for word."""

import hashlib
import json
import random
from typing import Any

import pytest

from spancast.capture.content.buffer import ContentBuffer
from tests.support.recordings import Recording, recordings
from tests.support.shapes import check_messages, check_tools
from tests.support.shared import needs_shared

pytestmark = needs_shared

SCRUBBED = {
    "raix/respects_max_tool_calls_parameter#1",
    "raix/supports_filtering_tools_with_the_tools_parameter#0",
    "activeagent/bp_privacy#0",
}
"""Answers that teach how to write down a key: what looks like one is not kept."""


def whole(recording: Recording) -> ContentBuffer:
    buffer = ContentBuffer(recording.expect["operation"], recording.request_body)
    append = buffer.start(recording.response["status"], "", streamed=recording.stream)
    if recording.stream:
        for chunk in recording.chunks:
            append(chunk)
    else:
        buffer.set_body(b"".join(recording.chunks))
    return buffer


def in_pieces(recording: Recording) -> ContentBuffer:
    buffer = ContentBuffer(recording.expect["operation"], recording.request_body)
    append = buffer.start(recording.response["status"], "", streamed=recording.stream)
    dice, body = random.Random(recording.id), b"".join(recording.chunks)
    while body:
        size = dice.choice((1, 3, 50, 1000, 20_000))
        append(body[:size])
        body = body[size:]
    return buffer


def written(content: str | None) -> list[Any]:
    return [] if content is None else json.loads(content)


def digest(said: list[Any]) -> str | None:
    """Return the digest of the text of the first message, as `expect` has it."""
    parts = said[0]["parts"] if said else []
    text = "".join(part["content"] for part in parts if part["type"] == "text")
    return hashlib.sha256(text.encode()).hexdigest() if text else None


@pytest.mark.parametrize("hold", [whole, in_pieces])
@pytest.mark.parametrize("operation", ["chat", "responses", "transcription"])
def test_the_text_and_the_tool_calls_are_those_that_were_recorded(operation: str, hold: Any) -> None:
    different = set()
    for recording in recordings(operation):
        said = written(hold(recording).content("c").output_messages)
        check_messages(said)
        calls = sum(part["type"] == "tool_call" for message in said for part in message["parts"])
        assert calls == (recording.expect["tool_calls"] or 0)
        if digest(said) != recording.expect["output_text_sha256"]:
            different.add(recording.id)
            assert "[removed]" in json.dumps(said)
    assert different == (SCRUBBED if operation == "chat" else set())


@pytest.mark.parametrize(
    "operation", ["chat", "responses", "embeddings", "rerank", "image", "speech", "transcription", "video"]
)
def test_every_prompt_is_kept_in_the_shape_of_the_conventions(operation: str) -> None:
    for recording in recordings(operation):
        content = whole(recording).content("c")
        asked = written(content.input_messages)
        check_messages(asked)
        check_tools(written(content.tool_definitions))
        body = recording.request["body"] or {}
        assert len(asked) == len(body.get("messages", ())) or operation != "chat"
        assert len(written(content.tool_definitions)) == len(body.get("tools") or ())


def test_what_an_error_says_is_kept_as_content() -> None:
    for recording in recordings("chat"):
        errors = written(whole(recording).content("c").error)
        assert bool(errors) is (recording.expect["error"] is not None), recording.id
