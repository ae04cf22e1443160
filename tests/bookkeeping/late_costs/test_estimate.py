"""What a call comes to by the list of prices, and where nothing can be said."""

from decimal import Decimal

import pytest

from spancast.bookkeeping import prices
from spancast.bookkeeping.late_costs.estimate import estimate
from spancast.bookkeeping.pricing import pricing
from spancast.records.call import Modalities, Parameters
from tests.bookkeeping.records import call
from tests.support.recordings import Recording, recordings
from tests.support.shared import needs_shared

PLAIN = {"prompt": "0.000001", "completion": "0.000005"}
COUNTS = {"input_tokens": 1000, "output_tokens": 100}


def cost(listed=None, **facts) -> Decimal | None:
    """Return the estimate in millionths of a dollar."""
    found = estimate(call(**(COUNTS | facts)), pricing(PLAIN | (listed or {})))
    return None if found is None else found * 10**6


def test_input_and_output_have_their_rates():
    assert cost() == 1500


def test_what_was_cached_reasoned_heard_and_said_has_rates_of_its_own():
    listed = {
        "input_cache_read": "0.0000001",
        "input_cache_write": "0.00000125",
        "input_cache_write_1h": "0.000002",
        "internal_reasoning": "0.000003",
        "audio": "0.00001",
        "input_audio_cache": "0.0000004",
        "audio_output": "0.00002",
        "image_token": "0.000004",
    }
    assert cost(listed, cached_tokens=400) == 1140
    assert cost(listed, cache_write_tokens=400, cache_write_1h_tokens=100) == 1675
    assert cost(listed, reasoning_tokens=50) == 1400
    assert cost(listed, modalities=Modalities(audio_input=10)) == 1590
    assert cost(listed, cached_tokens=10, modalities=Modalities(audio_input=10, audio_cached=10)) == 1494
    assert cost(listed, modalities=Modalities(audio_output=10)) == 1650
    assert cost(listed, modalities=Modalities(image_input=10)) == 1530


def test_what_has_no_rate_of_its_own_has_that_of_its_kind():
    used = Modalities(audio_input=10, image_input=10, audio_output=10)
    assert cost(cached_tokens=400, cache_write_tokens=100, reasoning_tokens=50, modalities=used) == 1500
    assert cost({"internal_reasoning": "0", "input_cache_read": "0"}, cached_tokens=9, reasoning_tokens=50) == 1500


def test_a_request_and_a_search_have_prices_of_their_own():
    assert cost({"request": "0.005"}) == 6500
    assert cost({"web_search": "0.01"}, web_searches=2) == 21500


def test_a_discount_is_taken_off_the_price():
    assert cost({"discount": Decimal("0.35")}) == 975
    assert cost({"discount": 1}) == 0


def test_no_digit_is_lost():
    listed = pricing({"prompt": "0.0000000208333333333333", "completion": "0.1"})
    found = estimate(call(input_tokens=7, output_tokens=3), listed)
    assert str(found) == "0.3000001458333333333331"


@pytest.mark.parametrize(
    "facts",
    [
        {"outcome": "closed"},
        {"input_tokens": None},
        {"output_tokens": None},
        {"is_byok": True},
        {"cache_hit": True},
        {"service_tier": "flex"},
        {"operation": "speech"},
        {"operation": "image"},
        {"web_searches": 1},
        {"server_tool_calls": 1},
        {"request_model": "openai/gpt-5:online"},
        {"parameters": Parameters(plugins=("web",))},
        {"modalities": Modalities(image_output=1)},
    ],
)
def test_where_something_counts_that_is_not_known_there_is_no_estimate(facts):
    assert cost(**facts) is None


def test_images_that_are_billed_by_the_piece_cannot_be_counted():
    seen = Modalities(image_input=10)
    assert cost({"image": "0.008256"}, modalities=seen) is None
    assert cost({"image": "0.000001"}, modalities=seen) == 1500
    assert cost({"image": "0"}, modalities=seen) == 1500


def test_parts_that_are_more_than_the_whole_are_no_parts():
    assert cost({"input_cache_read": "0.0000001"}, cached_tokens=1001) is None
    assert cost(reasoning_tokens=101) == 1500


def test_searches_that_are_stated_are_known():
    online = {"request_model": "openai/gpt-5:online", "web_searches": 1, "server_tool_calls": 1}
    assert cost({"web_search": "0.01"}, **online) == 11500
    assert cost(request_model="openai/gpt-5:online", web_searches=0) == 1500


def as_call(recording: Recording):
    expect = recording.expect
    counts = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    used = {
        "operation": expect["operation"],
        "request_model": expect["request_model"],
        "response_model": expect["response_model"],
        "is_byok": expect["is_byok"],
    }
    return call(**used, **{name: expect[name] for name in counts})


@needs_shared
@pytest.mark.parametrize("source", ["rig", "open_router_enhanced"])
def test_recorded_calls_cost_what_the_list_of_their_time_says(source):
    """But for one that heard a sound, and one model whose providers have prices of their own."""
    listing = next(each for each in recordings("models") if each.id.startswith(source))
    known = prices.read(listing.response["body"].encode(), 0.0)
    others, same = [], 0
    for recording in (each for operation in ("chat", "responses") for each in recordings(operation)):
        if not recording.id.startswith(source + "/") or recording.expect["cost"] is None:
            continue
        made = as_call(recording)
        listed = known.of(made)
        found = None if listed is None else estimate(made, listed)
        if found is None:
            assert recording.expect["request_model"] == "openrouter/bodybuilder"
        elif abs(found - Decimal(recording.expect["cost"])) < Decimal("1e-11"):
            same += 1
        else:
            others.append((recording.id.partition("#")[0], recording.expect["request_model"]))
    assert set(others) <= {
        ("rig/audio_analysis_prompt", "google/gemini-2.5-flash"),
        ("rig/provider_selection_scenarios", "deepseek/deepseek-v3.2"),
    }
    assert (len(others), same) == {"rig": (5, 228), "open_router_enhanced": (0, 198)}[source]
