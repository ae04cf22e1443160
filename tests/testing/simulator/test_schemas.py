import json
from typing import Any

import pytest
from openrouter.components import BatchObject, DecisionsResponse

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import openapi
from tests.testing.asking import ASKS, FORMS, ask, got, objects, posted
from tests.testing.wire import HELLO, KEY, MINI, WEATHER, Reply, chat, get, post, send

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
    "discount": {"model": "simulator/discount"},
    "cache-hit": {"model": "simulator/cache-hit"},
    "no-completion": {"model": "simulator/no-completion"},
    "content-filter": {"model": "simulator/content-filter"},
    "web": {"plugins": [{"id": "web"}]},
    "tier": {"service_tier": "priority"},
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


@pytest.mark.parametrize("path", ["/models", "/key", "/keys", "/credits", "/activity"])
def test_a_listing_fits_openrouters_schema(openrouter: Simulator, path: str):
    chat(openrouter)
    reply = get(openrouter, f"/api/v1{path}")
    assert reply.status == 200
    openapi.check_text(reply.body, openapi.answer(path, "get", 200))


EVENTS = {
    "responses": "#/components/schemas/StreamEvents",
    "message": "#/components/schemas/MessagesStreamEvents",
    "image": "#/components/schemas/ImageStreamingResponse/properties/data",
}
DESCRIBED = [(name, stream) for name, stream in FORMS if name not in {"chat", "completion", "speech", "decision"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLED = {
    "responses": {
        "input": "What is the weather?",
        "tools": [{"type": "function", "name": "get_weather", "parameters": SCHEMA}],
    },
    "message": {"messages": TOOLS["messages"], "tools": [{"name": "get_weather", "input_schema": SCHEMA}]},
}
TOLD = {"X-OpenRouter-Metadata": "enabled"}
WAYS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "usual": ({}, {}),
    "routing": (TOLD, {"plugins": [{"id": "web"}]}),
    "length": ({}, {"max_tokens": 2, "max_output_tokens": 2}),
    "tier": ({}, {"service_tier": "priority"}),
    "cached": ({"X-OpenRouter-Cache": "true"}, {}),
}
FAULTS = ("byok", "discount", "cache-hit", "content-filter", "no-completion", "error-mid-stream", "choice-error")


def without_unknown_usage(event: Any) -> Any:
    """Return an event without a null `usage`, which recorded events have but the description does not allow."""
    response = event.get("response")
    if not isinstance(response, dict) or response.get("usage", 0) is not None:
        return event
    return event | {"response": {name: value for name, value in response.items() if name != "usage"}}


def check(reply: Reply, name: str, stream: bool) -> None:
    """Validate every object of a response; the description has no schema for an error in a success."""
    pointer = EVENTS[name] if stream else openapi.answer(ASKS[name].path, "post", 200)
    found = [json.loads(json.dumps(each, default=float)) for each in objects(reply)]
    assert found
    for each in found:
        if stream or "error" not in each or name == "responses":
            openapi.check(without_unknown_usage(each), pointer)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "stream"), DESCRIBED)
def test_every_other_dialect_fits_openrouters_schema(openrouter: Simulator, name: str, stream: bool, way: str):
    headers, body = WAYS[way]
    for _ in range(2):
        check(ask(openrouter, name, headers, **({"stream": True} if stream else {}), **body), name, stream)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("name", "stream"), DESCRIBED)
def test_every_other_dialect_fits_it_when_something_is_wrong(
    openrouter: Simulator, name: str, stream: bool, fault: str
):
    headers = TOLD | {"X-Simulator-Fault": fault}
    check(ask(openrouter, name, headers, **({"stream": True} if stream else {})), name, stream)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", TOOLED)
def test_calls_and_reasoning_fit_openrouters_schema(openrouter: Simulator, name: str, stream: bool):
    for model in (MINI, "openai/gpt-5-mini"):
        check(ask(openrouter, name, stream=stream, model=model, **TOOLED[name]), name, stream)


REFUSING = ("responses", "message", "embeddings", "rerank", "image", "speech", "transcription")
REFUSED = [
    (name, fault)
    for name in REFUSING
    for fault in ("402", "429", "500", "502", "529")
    if (name, fault) not in {("message", "402"), ("message", "502")}  # which are described nowhere
]


@pytest.mark.parametrize(("name", "fault"), REFUSED)
def test_every_refusal_of_every_dialect_fits_openrouters_schema(openrouter: Simulator, name: str, fault: str):
    reply = ask(openrouter, name, TOLD, model=f"simulator/{fault}")
    openapi.check_text(reply.body, openapi.answer(ASKS[name].path, "post", int(fault)))


def test_a_missing_key_fits_anthropics_form(openrouter: Simulator):
    reply = send(openrouter, "POST", "/api/v1/messages", b"{}", dict.fromkeys(KEY, ""))
    openapi.check_text(reply.body, openapi.answer("/messages", "post", 401))


@pytest.mark.parametrize("fault", ["slow", "error-mid-stream"])
def test_a_video_fits_openrouters_schema_from_its_beginning_to_its_end(openrouter: Simulator, fault: str):
    wanted = {"model": f"simulator/{fault}", "prompt": "the sea"}
    begun = posted(openrouter, "/videos", wanted, {"X-Simulator-Delay": "0"})
    openapi.check_text(begun.body, openapi.answer("/videos", "post", 202))
    for _ in range(2):
        polled = got(openrouter, f"/videos/{begun.json['id']}")
        openapi.check_text(polled.body, openapi.answer("/videos/{jobId}", "get", 200))


def test_a_verbose_transcription_fits_openrouters_schema(openrouter: Simulator):
    check(ask(openrouter, "transcription", response_format="verbose_json"), "transcription", stream=False)


@pytest.mark.parametrize("name", [name for name in ASKS if name != "decision"])
def test_every_dialects_generation_fits_openrouters_schema(name: str):
    with Simulator(lookups_before_ready=0) as simulator:
        ask(simulator, name)
        reply = got(simulator, f"/generation?id={simulator.bills[0].generation_id}")
    openapi.check_text(reply.body, openapi.answer("/generation", "get", 200))


@pytest.mark.parametrize("route", ["chat/completions", "responses", "messages"])
def test_a_preset_fits_openrouters_schema(openrouter: Simulator, route: str):
    reply = posted(openrouter, f"/presets/mine/{route}", {"model": MINI})
    openapi.check_text(reply.body, openapi.answer(f"/presets/{{slug}}/{route}", "post", 200))


def test_a_decision_fits_the_model_of_the_official_sdk(openrouter: Simulator):
    read = DecisionsResponse.model_validate_json(ask(openrouter, "decision").body)
    assert {answer.type for answer in read.answers.values()} == {"noul", "choice", "score", "box"}


def test_a_batch_fits_the_model_of_the_official_sdk_from_its_beginning_to_its_end(openrouter: Simulator):
    requests = [{"custom_id": "a", "body": {"messages": HELLO}}, {"custom_id": "b", "body": {"n": 1}}]
    wanted = {"endpoint": "/v1/chat/completions", "model": MINI, "requests": requests}
    begun = posted(openrouter, "/batches", wanted)
    BatchObject.model_validate_json(begun.body)
    for _ in range(2):
        read = BatchObject.model_validate_json(got(openrouter, f"/batches/{begun.json['id']}").body)
    assert (read.status, read.usage.cost) == ("completed", float(openrouter.usage))
