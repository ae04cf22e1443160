from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.wire import HELLO, MINI, WEATHER, Reply, chat, get

HAIKU = "anthropic/claude-haiku-4.5"
MARKED = [{"role": "user", "content": [{"type": "text", "text": "Hello" * 40, "cache_control": {"type": "ephemeral"}}]}]
VARIETY = (
    {},
    {},
    {"stream": True},
    {"model": "openai/gpt-5-mini"},
    {"model": HAIKU, "stream": True, "reasoning": {"effort": "high"}},
    {"model": "openai/gpt-oss-20b:free"},
    {"model": "google/gemini-2.5-flash", "max_tokens": 1},
    {"model": "deepseek/deepseek-v3.2", "tools": [WEATHER], "tool_choice": "required"},
    {"model": "simulator/byok"},
    {"model": "simulator/byok-free", "stream": True},
    {"model": "simulator/error-mid-stream", "stream": True},
    {"model": "simulator/choice-error"},
    {"model": "simulator/cache-hit"},
    {"model": "simulator/429"},
    {"model": "no/such"},
)


def usage(reply: Reply) -> dict:
    is_stream = reply.headers["content-type"] == "text/event-stream"
    return reply.events[-1]["usage"] if is_stream else reply.json.get("usage", {})


def prices(openrouter: Simulator, model: str) -> dict[str, Decimal]:
    rows = {row["id"]: row["pricing"] for row in get(openrouter, "/api/v1/models").json["data"]}
    return {key: Decimal(price) for key, price in rows[model].items()}


def test_the_bills_are_the_stated_costs_to_the_last_digit(openrouter: Simulator):
    stated = [Decimal(usage(chat(openrouter, **body)).get("cost", 0)) for body in VARIETY]
    assert sum(bill.cost for bill in openrouter.bills) == sum(stated) == openrouter.usage
    assert len(openrouter.bills) == 13


def test_a_key_and_the_credits_state_the_sum_of_the_bills(openrouter: Simulator):
    for body in VARIETY:
        chat(openrouter, **body)
    key, credit = (get(openrouter, f"/api/v1/{path}").json["data"] for path in ("key", "credits"))
    assert key["usage"] == credit["total_usage"] == openrouter.usage
    assert key["byok_usage"] == sum(bill.upstream_cost for bill in openrouter.bills if bill.is_byok)


@pytest.mark.parametrize("model", [MINI, HAIKU, "openai/gpt-5-mini", "google/gemini-2.5-flash"])
def test_a_cost_is_tokens_times_the_listed_prices(openrouter: Simulator, model: str):
    spent, price = usage(chat(openrouter, model=model)), prices(openrouter, model)
    assert spent["cost"] == spent["prompt_tokens"] * price["prompt"] + spent["completion_tokens"] * price["completion"]


def test_a_cost_is_its_two_halves(openrouter: Simulator):
    details = usage(chat(openrouter))["cost_details"]
    halves = details["upstream_inference_prompt_cost"] + details["upstream_inference_completions_cost"]
    assert halves == details["upstream_inference_cost"]


def test_a_repeated_prompt_is_read_from_the_cache_at_its_price(openrouter: Simulator):
    first, second = usage(chat(openrouter)), usage(chat(openrouter, stream=True))
    price = prices(openrouter, MINI)
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert (first["prompt_tokens_details"]["cached_tokens"], second["prompt_tokens"]) == (0, first["prompt_tokens"])
    assert 0 < cached < second["prompt_tokens"]
    assert first["cost"] - second["cost"] == cached * (price["prompt"] - price["input_cache_read"])


@pytest.mark.parametrize("other", [{"model": "openai/gpt-4o"}, {"tools": [WEATHER]}, {"messages": [*HELLO, *HELLO]}])
def test_another_prompt_or_model_finds_nothing_in_the_cache(openrouter: Simulator, other: dict):
    chat(openrouter)
    assert usage(chat(openrouter, **other))["prompt_tokens_details"]["cached_tokens"] == 0


def test_a_model_without_a_price_for_the_cache_reads_nothing_from_it(openrouter: Simulator):
    replies = [chat(openrouter, model="deepseek/deepseek-v3.2") for _ in range(2)]
    assert [usage(reply)["prompt_tokens_details"]["cached_tokens"] for reply in replies] == [0, 0]


def test_a_marked_prompt_is_written_to_the_cache_at_its_price_then_read(openrouter: Simulator):
    first, second = (usage(chat(openrouter, model=HAIKU, messages=MARKED)) for _ in range(2))
    price = prices(openrouter, HAIKU)
    written = first["prompt_tokens_details"]["cache_write_tokens"]
    assert written == second["prompt_tokens_details"]["cached_tokens"] > 0
    assert second["prompt_tokens_details"]["cache_write_tokens"] == 0
    assert first["cost"] - second["cost"] == written * (price["input_cache_write"] - price["input_cache_read"])


def test_a_bill_says_for_whom_and_for_what(openrouter: Simulator):
    reply = chat(openrouter, model=HAIKU, user="u_42", session_id="s_7", stream=True)
    (bill,) = openrouter.bills
    assert (bill.user, bill.session_id, bill.streamed, bill.cancelled) == ("u_42", "s_7", True, False)
    assert (bill.generation_id, bill.created) == (reply.events[0]["id"], reply.events[0]["created"])
    assert (bill.model, bill.provider) == ("anthropic/claude-4.5-haiku-20251001", "Amazon Bedrock")
    assert (bill.prompt_tokens, bill.completion_tokens) == (
        usage(reply)["prompt_tokens"],
        usage(reply)["completion_tokens"],
    )


def test_a_session_in_the_body_wins_over_the_header(openrouter: Simulator):
    chat(openrouter, {"x-session-id": "header"})
    chat(openrouter, {"x-session-id": "header"}, session_id="body")
    assert [bill.session_id for bill in openrouter.bills] == ["header", "body"]


def test_a_refused_request_is_not_billed(openrouter: Simulator):
    chat(openrouter, model="simulator/500")
    chat(openrouter, messages=[])
    assert openrouter.bills == ()
