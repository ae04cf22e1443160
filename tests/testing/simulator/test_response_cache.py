import pytest

from spancast.testing import Simulator
from tests.testing.asking import FORMS, TEXT, ask, got, objects, usage
from tests.testing.wire import WEATHER, Reply, chat

CACHE = {"X-OpenRouter-Cache": "true"}
CACHED = [(name, stream) for name, stream in FORMS if name in {"chat", "responses", "message", "embeddings"}]


def status(reply: Reply) -> str | None:
    return reply.headers.get("x-openrouter-cache-status")


def twice(simulator: Simulator, name: str, stream: bool, headers: dict[str, str] = CACHE) -> tuple[Reply, Reply]:
    first, second = (ask(simulator, name, headers, **({"stream": True} if stream else {})) for _ in range(2))
    return first, second


@pytest.mark.parametrize(("name", "stream"), CACHED)
def test_the_same_request_again_is_answered_for_nothing(openrouter: Simulator, name: str, stream: bool):
    first, second = twice(openrouter, name, stream)
    assert (status(first), status(second)) == ("MISS", "HIT")
    assert usage(first)["cost"] > 0
    assert (usage(second)["cost"], openrouter.bills[1].cost) == (0, 0)
    assert set(usage(second)) == set(usage(first))


@pytest.mark.parametrize(("name", "stream"), CACHED)
def test_an_answer_that_is_given_again_is_a_generation_of_its_own(openrouter: Simulator, name: str, stream: bool):
    first, second = twice(openrouter, name, stream)
    assert len({bill.generation_id for bill in openrouter.bills}) == 2
    assert second.headers["x-generation-id"] == openrouter.bills[1].generation_id
    assert second.headers["x-openrouter-cache-source-id"] == openrouter.bills[0].generation_id
    assert openrouter.bills[1].cache_source_id == openrouter.bills[0].generation_id
    assert len(objects(first)) == len(objects(second))


def test_a_tool_call_that_is_given_again_keeps_its_id(openrouter: Simulator):
    replies = [chat(openrouter, CACHE, tools=[WEATHER], tool_choice="required") for _ in range(2)]
    first, second = (reply.json["choices"][0]["message"] for reply in replies)
    assert first == second


def test_without_the_header_nothing_is_cached(openrouter: Simulator):
    assert [status(chat(openrouter)) for _ in range(2)] == [None, None]
    assert status(chat(openrouter, {"X-OpenRouter-Cache": "false"})) is None


@pytest.mark.parametrize("name", ["completion", "rerank", "image"])
def test_a_dialect_that_the_cache_does_not_serve_is_answered_as_ever(openrouter: Simulator, name: str):
    first, second = twice(openrouter, name, stream=False)
    assert (status(first), status(second)) == (None, None)
    assert usage(second)["cost"] > 0


@pytest.mark.parametrize("other", [{"stream": True}, {"temperature": 1}, {"model": "openai/gpt-4o"}])
def test_a_request_that_differs_in_anything_is_another(openrouter: Simulator, other: dict):
    chat(openrouter, CACHE)
    assert status(chat(openrouter, CACHE, **other)) == "MISS"


def test_another_key_has_a_cache_of_its_own(openrouter: Simulator):
    chat(openrouter, CACHE)
    assert status(chat(openrouter, CACHE | {"Authorization": "Bearer sk-or-v1-other"})) == "MISS"


def test_the_age_and_what_is_left_of_the_time_are_told():
    now = [1000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        first = chat(simulator, CACHE)
        now[0] += 12
        second = chat(simulator, CACHE)
    assert first.headers["x-openrouter-cache-ttl"] == "300"
    assert (second.headers["x-openrouter-cache-age"], second.headers["x-openrouter-cache-ttl"]) == ("12", "288")


@pytest.mark.parametrize(("written", "seconds"), [("60", 60), ("60abc", 60), ("1.5", 1), ("0", 1), ("x", 300)])
def test_how_long_an_answer_is_kept_can_be_asked_for(written: str, seconds: int):
    now = [1000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        headers = CACHE | {"X-OpenRouter-Cache-TTL": written}
        found = [chat(simulator, headers)]
        for later in (seconds - 1, 1):
            now[0] += later
            found.append(chat(simulator, headers))
    assert [status(reply) for reply in found] == ["MISS", "HIT", "MISS"]


def test_what_is_kept_can_be_forgotten(openrouter: Simulator):
    chat(openrouter, CACHE)
    assert status(chat(openrouter, CACHE | {"X-OpenRouter-Cache-Clear": "true"})) == "MISS"
    assert status(chat(openrouter, CACHE)) == "HIT"


@pytest.mark.parametrize("fault", ["error-mid-stream", "502-in-200", "429"])
def test_an_answer_that_went_wrong_is_not_kept(openrouter: Simulator, fault: str):
    found = [chat(openrouter, CACHE | {"X-Simulator-Fault": fault}), chat(openrouter, CACHE)]
    assert status(found[1]) == "MISS"


@pytest.mark.parametrize("name", TEXT)
def test_an_answer_from_the_cache_does_not_tell_of_its_routing(openrouter: Simulator, name: str):
    reply = ask(openrouter, name, {"X-Simulator-Fault": "cache-hit", "X-OpenRouter-Metadata": "enabled"})
    assert "openrouter_metadata" not in reply.json


def test_a_lookup_names_the_generation_that_was_given_again():
    with Simulator(lookups_before_ready=0) as simulator:
        first, second = twice(simulator, "chat", stream=False)
        data = got(simulator, f"/generation?id={second.json['id']}").json["data"]
    assert (data["response_cache_source_id"], data["total_cost"]) == (first.json["id"], 0)
