import pytest

from spancast.testing import Simulator
from tests.testing.wire import Reply, chat, get


def look_up(simulator: Simulator, generation_id: str) -> Reply:
    return get(simulator, f"/api/v1/generation?id={generation_id}")


def test_the_first_lookup_comes_too_early(openrouter: Simulator):
    generation_id = chat(openrouter).json["id"]
    first, second = look_up(openrouter, generation_id), look_up(openrouter, generation_id)
    assert (first.status, second.status) == (404, 200)
    assert first.json == {"error": {"message": f"Generation {generation_id} not found", "code": 404}}


@pytest.mark.parametrize("early", [0, 3])
def test_how_many_lookups_come_too_early_can_be_set(early: int):
    with Simulator(lookups_before_ready=early) as simulator:
        generation_id = chat(simulator).json["id"]
        statuses = [look_up(simulator, generation_id).status for _ in range(early + 1)]
    assert statuses == [404] * early + [200]


def test_how_long_lookups_come_too_early_can_be_set():
    now = [1000.0]
    with Simulator(lookups_before_ready=0, ready_after=30, clock=lambda: now[0]) as simulator:
        generation_id = chat(simulator).json["id"]
        now[0] = 1029.0
        assert look_up(simulator, generation_id).status == 404
        now[0] = 1030.0
        assert look_up(simulator, generation_id).status == 200


@pytest.mark.parametrize("early", [0, 3])
def test_how_many_lookups_come_too_early_can_be_asked_for_with_the_generation(openrouter: Simulator, early: int):
    generation_id = chat(openrouter, {"X-Simulator-Lookups": str(early)}).json["id"]
    other = chat(openrouter).json["id"]
    statuses = [look_up(openrouter, generation_id).status for _ in range(early + 1)]
    assert statuses == [404] * early + [200]
    assert [look_up(openrouter, other).status for _ in range(2)] == [404, 200]


def test_how_long_lookups_come_too_early_can_be_asked_for_with_the_generation():
    now = [1000.0]
    with Simulator(lookups_before_ready=0, clock=lambda: now[0]) as simulator:
        generation_id = chat(simulator, {"X-Simulator-Ready-After": "30"}).json["id"]
        statuses = []
        for now[0] in (1029.0, 1030.0):
            statuses.append(look_up(simulator, generation_id).status)
    assert statuses == [404, 200]


def test_an_unknown_generation_is_never_found(openrouter: Simulator):
    assert [look_up(openrouter, "gen-1").status for _ in range(3)] == [404] * 3


def test_a_generation_states_what_its_answer_stated():
    with Simulator(lookups_before_ready=0) as simulator:
        answer = chat(simulator, {"HTTP-Referer": "https://app.example"}, user="u_42", session_id="s_7").json
        data = look_up(simulator, answer["id"]).json["data"]
    assert (data["total_cost"], data["usage"]) == (answer["usage"]["cost"],) * 2
    assert data["native_tokens_prompt"] == answer["usage"]["prompt_tokens"]
    assert data["native_tokens_completion"] == answer["usage"]["completion_tokens"]
    assert (data["model"], data["provider_name"]) == (answer["model"], answer["provider"])
    assert (data["external_user"], data["session_id"], data["origin"]) == ("u_42", "s_7", "https://app.example")
    assert (data["streamed"], data["cancelled"], data["finish_reason"]) == (False, False, "stop")


@pytest.mark.parametrize(("model", "is_byok"), [("simulator/byok", True), ("openai/gpt-4o-mini", False)])
def test_only_a_byok_generation_has_an_upstream_cost(model: str, is_byok: bool):
    with Simulator(lookups_before_ready=0) as simulator:
        data = look_up(simulator, chat(simulator, model=model).json["id"]).json["data"]
    assert (data["is_byok"], data["upstream_inference_cost"] > 0) == (is_byok, is_byok)
