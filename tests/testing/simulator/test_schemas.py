import json

import pytest

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import openapi
from tests.testing.wire import HELLO, KEY, MINI, WEATHER, chat, get, post, send

pytestmark = needs_shared

CHAT = "/chat/completions"
REASONING = {"model": "openai/gpt-5-mini"}
TOOLS = {"messages": [{"role": "user", "content": "What is the weather?"}], "tools": [WEATHER]}
KINDS = {
    "text": {},
    "reasoning": REASONING,
    "tools": TOOLS,
    "length": {"max_tokens": 3},
    "free": {"model": "openai/gpt-oss-20b:free"},
    "anthropic": {"model": "anthropic/claude-haiku-4.5", "reasoning": {"effort": "low"}},
    "byok": {"model": "simulator/byok"},
    "cache-hit": {"model": "simulator/cache-hit"},
    "no-usage": {"model": "simulator/no-usage"},
    "error": {"model": "simulator/error-mid-stream"},
    "choice-error": {"model": "simulator/choice-error"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_answer_fits_openrouters_schema(openrouter: Simulator, kind: str):
    reply = chat(openrouter, **KINDS[kind])
    assert reply.status == 200
    openapi.check_text(reply.body, openapi.answer(CHAT, "post", 200))


@pytest.mark.parametrize("kind", KINDS)
def test_every_chunk_of_a_stream_fits_openrouters_schema(openrouter: Simulator, kind: str):
    reply = chat(openrouter, stream=True, **KINDS[kind])
    chunks = [line[6:] for line in reply.body.split(b"\n\n") if line.startswith(b"data: {")]
    assert chunks
    for chunk in chunks:
        openapi.check_text(chunk, openapi.CHUNK)


@pytest.mark.parametrize("status", [402, 403, 408, 429, 500, 502, 503, 524, 529])
def test_every_refusal_fits_openrouters_schema(openrouter: Simulator, status: int):
    reply = chat(openrouter, model=f"simulator/{status}")
    assert reply.status == status
    openapi.check_text(reply.body, openapi.answer(CHAT, "post", status))


def test_an_unknown_model_fits_the_schema_of_a_bad_request(openrouter: Simulator):
    openapi.check_text(chat(openrouter, model="no/such").body, openapi.answer(CHAT, "post", 400))


def test_a_missing_key_fits_the_schema_of_an_unauthorized_request(openrouter: Simulator):
    body = json.dumps({"model": MINI, "messages": HELLO}).encode()
    reply = send(openrouter, "POST", "/api/v1/chat/completions", body, dict.fromkeys(KEY, ""))
    openapi.check_text(reply.body, openapi.answer(CHAT, "post", 401))


def test_an_unknown_generation_fits_the_schema_of_not_found(openrouter: Simulator):
    openapi.check_text(get(openrouter, "/api/v1/generation?id=gen-1").body, openapi.answer("/generation", "get", 404))


def test_a_generation_fits_openrouters_schema():
    with Simulator(lookups_before_ready=0) as simulator:
        generation_id = post(simulator, {"model": MINI, "messages": HELLO}).json["id"]
        reply = get(simulator, f"/api/v1/generation?id={generation_id}")
    openapi.check_text(reply.body, openapi.answer("/generation", "get", 200))


@pytest.mark.parametrize("path", ["/models", "/key", "/credits"])
def test_a_listing_fits_openrouters_schema(openrouter: Simulator, path: str):
    reply = get(openrouter, f"/api/v1{path}")
    assert reply.status == 200
    openapi.check_text(reply.body, openapi.answer(path, "get", 200))
