from spancast.testing import Simulator
from tests.testing.asking import got
from tests.testing.wire import chat

DAY = 24 * 60 * 60
HAIKU = "anthropic/claude-haiku-4.5"


def test_what_was_used_is_told_by_day_model_and_provider():
    now = [1_800_000_000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        for model, later in (({}, 0), ({}, 0), ({"model": HAIKU}, DAY), ({"model": HAIKU}, 0)):
            now[0] += later
            chat(simulator, **model)
        rows = got(simulator, "/activity").json["data"]
        today = got(simulator, "/activity?date=2027-01-16").json["data"]
    assert [(row["date"], row["provider_name"], row["requests"]) for row in rows] == [
        ("2027-01-15", "OpenAI", 2),
        ("2027-01-16", "Amazon Bedrock", 2),
    ]
    assert today == rows[1:]
    assert sum(row["usage"] for row in rows) == simulator.usage
    assert sum(row["prompt_tokens"] for row in rows) == sum(bill.prompt_tokens for bill in simulator.bills)


def test_what_one_key_used_can_be_asked_for(openrouter: Simulator):
    chat(openrouter)
    chat(openrouter, {"Authorization": "Bearer sk-or-v1-other"}, model="simulator/byok")
    (row,) = got(openrouter, f"/activity?api_key_hash={openrouter.bills[1].key_hash}").json["data"]
    assert (row["usage"], row["byok_usage_inference"]) == (
        openrouter.bills[1].cost,
        openrouter.bills[1].upstream_cost,
    )
