"""The simulator's responses have the keys of recorded OpenRouter traffic."""

import json
import re
from functools import cache
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import recorded
from tests.testing.wire import WEATHER, Reply, chat

WEATHER_QUESTION = [{"role": "user", "content": "What is the weather?"}]
REQUESTS = {
    "text": {},
    "reasoning": {"model": "openai/gpt-5-mini"},
    "tools": {"messages": WEATHER_QUESTION, "tools": [WEATHER]},
}


def stream_paths(body: str) -> set[str]:
    return {path for chunk in recorded.events(body) for path in recorded.paths(chunk)}


@cache
def recent() -> list[dict[str, Any]]:
    """Return recorded chat responses of the shape of 2026, which has cache write tokens and video tokens."""
    return [one for one in recorded.of("chat") if _is_recent(one["response"]["body"])]


def _is_recent(body: str) -> bool:
    return '"cache_write_tokens"' in body and '"video_tokens"' in body


def recorded_paths(*, stream: bool) -> list[set[str]]:
    bodies = [one["response"]["body"] for one in recent() if one["stream"] is stream]
    return [stream_paths(body) if stream else set(recorded.paths(json.loads(body))) for body in bodies]


@needs_shared
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("kind", REQUESTS)
def test_an_answer_has_no_key_that_openrouter_was_never_seen_to_send(openrouter: Simulator, kind: str, stream: bool):
    assert ours(chat(openrouter, stream=stream, **REQUESTS[kind])) <= set().union(*recorded_paths(stream=stream))


@needs_shared
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_answer_has_every_key_that_openrouter_always_sends(openrouter: Simulator, stream: bool):
    always = set.intersection(*recorded_paths(stream=stream))
    assert len(always) > 20
    assert always <= ours(chat(openrouter, stream=stream))


@needs_shared
def test_a_tool_call_has_every_key_that_openrouter_always_sends(openrouter: Simulator):
    calling = [found for found in recorded_paths(stream=False) if ".choices[].message.tool_calls" in found]
    assert set.intersection(*calling) <= ours(chat(openrouter, **REQUESTS["tools"]))


@needs_shared
def test_the_keys_of_a_plain_answer_stand_in_the_recorded_order(openrouter: Simulator):
    verbatim = [one for one in recent() if one["fidelity"] == "verbatim" and not one["stream"]]
    newest = max(verbatim, key=lambda one: one["recorded"])
    body = chat(openrouter).json
    assert list(body) == list(json.loads(newest["response"]["body"]))
    assert list(body["usage"]) == list(json.loads(newest["response"]["body"])["usage"])


def test_an_answer_carries_the_headers_that_openrouter_adds(openrouter: Simulator):
    reply = chat(openrouter)
    assert re.fullmatch(r"gen-\d{10}-[A-Za-z0-9]{20}", reply.headers["x-generation-id"])
    assert reply.headers["x-generation-id"] == reply.json["id"]


@pytest.mark.parametrize("count", [1, 3, 400])
def test_every_chunk_of_a_stream_carries_the_same_id(openrouter: Simulator, count: int):
    reply = chat(openrouter, {"X-Simulator-Words": str(count)}, stream=True)
    assert {event["id"] for event in reply.events} == {reply.headers["x-generation-id"]}


def test_a_plain_body_follows_keep_alive_padding(openrouter: Simulator):
    assert chat(openrouter).body.startswith(b"\n         \n\n         \n{")


def test_a_stream_has_comments_then_events_then_done(openrouter: Simulator):
    body = chat(openrouter, stream=True).body
    assert body.startswith(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {")
    assert body.endswith(b"}\n\ndata: [DONE]\n\n")


def test_the_usage_stands_only_in_the_last_chunk_beside_one_choice(openrouter: Simulator):
    *before, last = chat(openrouter, stream=True).events
    assert not any("usage" in event for event in before)
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert len(last["choices"]) == 1


def ours(reply: Reply) -> set[str]:
    body = reply.body.decode()
    return (
        stream_paths(body)
        if reply.headers["content-type"] == "text/event-stream"
        else set(recorded.paths(json.loads(body)))
    )
