from decimal import Decimal

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import openapi
from tests.testing.asking import got
from tests.testing.wire import MINI, chat

DAY = 24 * 60 * 60
HAIKU = "anthropic/claude-haiku-4.5"


def test_what_was_used_is_told_by_day_model_and_provider():
    now = [1_800_000_000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        for model, later in (({}, 0), ({}, 0), ({"model": HAIKU}, DAY), ({"model": HAIKU}, 0)):
            now[0] += later
            chat(simulator, **model)
        now[0] += DAY
        rows = got(simulator, "/activity").json["data"]
        one_day = got(simulator, "/activity?date=2027-01-16").json["data"]
    assert [(row["date"], row["provider_name"], row["requests"]) for row in rows] == [
        ("2027-01-15", "OpenAI", 2),
        ("2027-01-16", "Amazon Bedrock", 2),
    ]
    assert one_day == rows[1:]
    assert sum(row["usage"] for row in rows) == simulator.usage
    assert sum(row["prompt_tokens"] for row in rows) == sum(bill.prompt_tokens for bill in simulator.bills)


def test_what_one_key_used_can_be_asked_for():
    now = [1_800_000_000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        chat(simulator)
        chat(simulator, {"Authorization": "Bearer sk-or-v1-other"}, model="simulator/byok")
        now[0] += DAY
        (row,) = got(simulator, f"/activity?api_key_hash={simulator.bills[1].key_hash}").json["data"]
    bill = simulator.bills[1]
    assert (row["usage"], row["byok_usage_inference"]) == (bill.cost, bill.upstream_cost)


@needs_shared
def test_a_day_that_is_not_over_or_long_past_is_not_told_of():
    now = [1_800_000_000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        chat(simulator)
        today = got(simulator, "/activity?date=2027-01-15")
        under_way = got(simulator, "/activity").json["data"]
        now[0] += 30 * DAY
        last = got(simulator, "/activity").json["data"]
        now[0] += DAY
        past = got(simulator, "/activity").json["data"]
    openapi.check_text(today.body, openapi.answer("/activity", "get", 400))
    assert (today.status, under_way, len(last), past) == (400, [], 1, [])


@needs_shared
def test_what_was_used_is_what_was_billed_and_fits_openrouters_schema():
    now = [1_800_000_000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        for model in ("simulator/byok", "simulator/byok-free", "simulator/discount", "simulator/cut", MINI):
            chat(simulator, model=model)
        now[0] += DAY
        reply = got(simulator, "/activity")
    openapi.check_text(reply.body, openapi.answer("/activity", "get", 200))
    rows = {row["model"]: (row["usage"], row["byok_usage_inference"]) for row in reply.json["data"]}
    prompt, completion = simulator.bills[0].prompt_tokens, simulator.bills[0].completion_tokens
    upstream = prompt * Decimal("0.000001") + completion * Decimal("0.000004")
    assert rows["simulator/byok"] == (upstream * Decimal("0.05"), upstream)
    assert rows["simulator/byok-free"] == (0, upstream)
    assert rows["simulator/discount"] == (upstream * Decimal("0.65"), 0)
    assert rows["simulator/cut"] == (upstream, 0)
    assert sum(usage for usage, _ in rows.values()) == simulator.usage
