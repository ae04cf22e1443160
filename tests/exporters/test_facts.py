"""What is read off another library's span: what platforms would choke on is not known."""

from decimal import Decimal

import pytest

from spancast.contract import Attribute
from spancast_exporters import _facts
from tests.support.spans import of_application, of_call

FIRST = "gen_ai.response.time_to_first_chunk"


def read(attributes: dict[str, Attribute]) -> _facts.Facts:
    return _facts.of(of_application("chat", attributes=attributes))


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [(0.5, 0.5), (2, 2.0), (0.0, 0.0), (True, None), ("0.5", None)]
    + [(odd, None) for odd in (float("nan"), float("inf"), 1e300, 1.79e12, -1.0, -1e20, 10**40)],
)
def test_a_first_token_comes_after_seconds_and_no_moment_is_one(stated, seconds):
    assert read({FIRST: stated}).time_to_first_token == seconds


def test_a_first_token_of_our_own_that_never_came_is_not_known():
    assert _facts.of(of_call(time_to_first_token=10**30)).time_to_first_token is None


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"openrouter.input_cost_usd": "0.04", "openrouter.output_cost_usd": "0.06"}, ("0.04", "0.06")),
        ({"openrouter.input_cost_usd": "0.04"}, None),
        ({"openrouter.input_cost_usd": "0.04", "openrouter.output_cost_usd": "0.05"}, None),
    ],
)
def test_the_parts_of_a_cost_are_known_only_together_and_where_they_add_up(parts, expected):
    found = read({"openrouter.cost_usd": "0.10", **parts})
    wanted = (None, None) if expected is None else tuple(map(Decimal, expected))
    assert (found.cost, found.input_cost, found.output_cost) == (Decimal("0.10"), *wanted)


@pytest.mark.parametrize("cost", [-1.0, "-0.01", "nan", "1e999", float("inf"), True])
def test_what_is_no_price_is_not_known(cost):
    assert read({"gen_ai.usage.cost": cost}).cost is None


def test_what_openinference_says_is_read_where_the_conventions_say_nothing():
    stated: dict[str, Attribute] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-5",
        "llm.provider": "openai",
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 20,
        "llm.token_count.total": 120,
        "llm.token_count.prompt_details.cache_read": 60,
        "llm.token_count.prompt_details.cache_write": 5,
        "llm.token_count.completion_details.reasoning": 7,
        "llm.cost.total": 0.3,
        "llm.cost.prompt": 0.1,
        "llm.cost.completion": 0.2,
    }
    assert read(stated) == _facts.Facts(
        model="gpt-5",
        provider="openai",
        input_tokens=100,
        output_tokens=20,
        total_tokens=120,
        cached_tokens=60,
        cache_write_tokens=5,
        reasoning_tokens=7,
        cost=Decimal("0.3"),
        input_cost=Decimal("0.1"),
        output_cost=Decimal("0.2"),
    )
    said = {"gen_ai.response.model": "gpt-5-2025", "gen_ai.usage.input_tokens": 101, "gen_ai.usage.cost": "0.31"}
    newer = read(stated | said)
    assert (newer.model, newer.input_tokens, newer.cost) == ("gpt-5-2025", 101, Decimal("0.31"))


@pytest.mark.parametrize(("kind", "expected"), [("chat", "llm"), ("completion", "llm"), ("embedding", "embedding")])
def test_what_openllmetry_called_a_request_says_what_a_span_is(kind, expected):
    assert _facts.kind(of_application("openai.chat", attributes={"llm.request.type": kind})) == expected
