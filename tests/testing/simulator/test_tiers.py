from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask, got, usage
from tests.testing.wire import MINI, chat

FACTORS = {"flex": Decimal("0.5"), "priority": Decimal(2), "default": Decimal(1)}


def upstream(openrouter: Simulator, **body: object) -> Decimal:
    return chat(openrouter, **body).json["usage"]["cost_details"]["upstream_inference_cost"]


@pytest.mark.parametrize(("tier", "factor"), FACTORS.items())
def test_a_tier_is_served_said_and_billed(tier: str, factor: Decimal):
    with Simulator() as one, Simulator() as other:
        reply = chat(one, service_tier=tier)
        assert reply.json["usage"]["cost"] == upstream(other) * factor == one.bills[0].cost
    assert reply.json["service_tier"] == one.bills[0].service_tier == tier


def test_without_asking_no_tier_is_said(openrouter: Simulator):
    assert chat(openrouter).json["service_tier"] is None
    assert openrouter.bills[0].service_tier is None


@pytest.mark.parametrize("asked", [{"service_tier": "fast"}, {"speed": "fast"}])
def test_fast_is_another_name_of_priority(openrouter: Simulator, asked: dict):
    assert chat(openrouter, **asked).json["service_tier"] == "priority"


def test_a_provider_without_tiers_serves_at_its_usual_price(openrouter: Simulator):
    costs = [
        chat(openrouter, model="deepseek/deepseek-v3.2", service_tier=tier).json["usage"]["cost"]
        for tier in (None, "flex")
    ]
    assert costs[0] == costs[1]
    assert openrouter.bills[1].service_tier is None


def test_the_tier_that_serves_is_billed_whatever_was_asked_for():
    with Simulator() as one, Simulator() as other:
        reply = chat(one, {"X-Simulator-Tier": "default"}, service_tier="priority")
        assert (reply.json["service_tier"], reply.json["usage"]["cost"]) == ("default", upstream(other))


def test_a_stream_says_the_tier_in_its_last_chunk(openrouter: Simulator):
    assert chat(openrouter, stream=True, service_tier="flex").events[-1]["service_tier"] == "flex"


def test_responses_says_the_tier_at_its_end(openrouter: Simulator):
    events = ask(openrouter, "responses", stream=True, service_tier="flex").events
    assert [event["response"]["service_tier"] for event in (events[0], events[-1])] == ["auto", "flex"]
    assert ask(openrouter, "responses").json["service_tier"] == "default"


@pytest.mark.parametrize(("asked", "said"), [({}, "standard"), ({"service_tier": "priority"}, "priority")])
def test_messages_says_the_tier_in_its_usage(openrouter: Simulator, asked: dict, said: str):
    assert usage(ask(openrouter, "message", **asked))["service_tier"] == said


def test_a_lookup_tells_the_tier():
    with Simulator(lookups_before_ready=0) as simulator:
        generation_id = chat(simulator, model=MINI, service_tier="flex").json["id"]
        assert got(simulator, f"/generation?id={generation_id}").json["data"]["service_tier"] == "flex"
