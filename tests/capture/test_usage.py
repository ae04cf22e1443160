"""Tokens and dollars, from the `usage` of an answer."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope
from spancast.capture.usage import messages_usage_facts
from spancast.capture.usage import usage_facts as facts_of
from spancast.capture.values import Facts, stated
from spancast.records.call import Call, Modalities

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5)
NAMES = st.sampled_from(
    [
        "prompt_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "cost",
        "cost_details",
        "is_byok",
        "prompt_tokens_details",
        "output_tokens_details",
        "cached_tokens",
        "upstream_inference_cost",
        "server_tool_use",
        "web_search_requests",
        "cache_creation",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "seconds",
        "search_units",
    ]
)
USAGES = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=6), max_leaves=12)

CHAT: dict[str, Any] = {
    "prompt_tokens": 100,
    "completion_tokens": 40,
    "total_tokens": 140,
    "cost": Decimal("0.00760"),
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 3, "video_tokens": 4},
    "completion_tokens_details": {
        "reasoning_tokens": 25,
        "image_tokens": 5,
        "audio_tokens": 6,
        "accepted_prediction_tokens": 7,
        "rejected_prediction_tokens": 8,
    },
    "cost_details": {
        "upstream_inference_cost": Decimal("0.00060"),
        "upstream_inference_prompt_cost": Decimal("0.0002"),
        "upstream_inference_completions_cost": Decimal("0.0004"),
        "server_tool_cost": Decimal("0.007"),
    },
    "server_tool_use_details": {"web_search_requests": 1, "tool_calls_requested": 3, "tool_calls_executed": 2},
}


def usage_facts(written: Any) -> Facts:
    envelope = Decoder(Envelope).of({"usage": written})
    assert envelope is not None
    return facts_of(envelope.usage or {})


def test_a_chats_usage_is_taken_whole() -> None:
    facts = usage_facts(CHAT)
    assert facts.pop("modalities") == Modalities(
        audio_input=3, video_input=4, image_output=5, audio_output=6, accepted_prediction=7, rejected_prediction=8
    )
    assert facts == {
        "input_tokens": 100,
        "output_tokens": 40,
        "total_tokens": 140,
        "cached_tokens": 60,
        "cache_write_tokens": 10,
        "reasoning_tokens": 25,
        "cost": Decimal("0.0076"),
        "is_byok": False,
        "upstream_cost": Decimal("0.0006"),
        "upstream_input_cost": Decimal("0.0002"),
        "upstream_output_cost": Decimal("0.0004"),
        "server_tool_cost": Decimal("0.007"),
        "server_tool_calls": 2,
        "web_searches": 1,
    }


def test_the_responses_names_mean_the_same() -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 40,
        "total_tokens": 140,
        "cost": Decimal("0.00760"),
        "is_byok": False,
        "input_tokens_details": CHAT["prompt_tokens_details"],
        "output_tokens_details": CHAT["completion_tokens_details"],
        "cost_details": {
            "upstream_inference_cost": Decimal("0.00060"),
            "upstream_inference_input_cost": Decimal("0.0002"),
            "upstream_inference_output_cost": Decimal("0.0004"),
            "server_tool_cost": Decimal("0.007"),
        },
        "server_tool_use": CHAT["server_tool_use_details"],
    }
    assert usage_facts(usage) == usage_facts(CHAT)


def test_what_is_not_stated_is_left_out_and_zero_is_kept() -> None:
    assert usage_facts({"prompt_tokens": 0, "cost": 0}) == {"input_tokens": 0, "cost": Decimal(0)}
    assert usage_facts({"prompt_tokens": None, "cost": None, "cost_details": None, "is_byok": None}) == {}
    assert usage_facts(None) == {}


def test_a_rerank_is_billed_by_units_and_a_transcription_by_seconds() -> None:
    assert usage_facts({"search_units": 2, "total_tokens": 17}) == {"search_units": 2, "total_tokens": 17}
    assert usage_facts({"seconds": Decimal("6.5")}) == {"audio_seconds": 6.5}


def test_an_embeddings_input_is_told_by_what_it_stands_for() -> None:
    details = {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3, "video_tokens": 4, "file_tokens": 5}
    assert usage_facts({"prompt_tokens_details": details}) == {
        "modalities": Modalities(text_input=1, image_input=2, audio_input=3, video_input=4, file_input=5)
    }


@pytest.mark.parametrize("wrong", [-1, "12", True, 1.5, [12], {"a": 12}, 2**64, None])
def test_what_is_no_count_is_unknown(wrong: Any) -> None:
    assert usage_facts({"prompt_tokens": wrong, "completion_tokens": 5}) == {"output_tokens": 5}


def test_messages_input_is_brought_to_the_convention_that_includes_the_cache() -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens_details": {"thinking_tokens": 3},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cost": Decimal("0.01"),
        "is_byok": True,
        "cost_details": {"upstream_inference_cost": Decimal("0.2")},
    }
    assert messages_usage_facts(usage) == {
        "input_tokens": 135,
        "output_tokens": 7,
        "cached_tokens": 100,
        "cache_write_tokens": 30,
        "cache_write_5m_tokens": 10,
        "cache_write_1h_tokens": 20,
        "reasoning_tokens": 3,
        "web_searches": 1,
        "service_tier": "standard",
        "cost": Decimal("0.01"),
        "is_byok": True,
        "upstream_cost": Decimal("0.2"),
    }


def test_details_of_another_kind_hide_none() -> None:
    usage = {"prompt_tokens_details": "n/a", "input_tokens_details": {"cached_tokens": 7}}
    assert usage_facts(usage) == {"cached_tokens": 7}


def test_messages_input_is_unknown_where_the_rest_of_it_is() -> None:
    facts = messages_usage_facts({"cache_read_input_tokens": 100})
    assert facts == {"cached_tokens": 100}


@pytest.mark.parametrize("whole", [None, "many"])
def test_messages_input_that_the_cache_took_may_be_told_in_parts_alone(whole: str | None) -> None:
    parts = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}
    facts = messages_usage_facts({"input_tokens": 5, "cache_creation_input_tokens": whole, "cache_creation": parts})
    assert (facts["input_tokens"], facts["cache_write_tokens"]) == (35, 30)


def test_an_images_usage_may_name_the_tier_and_what_the_cache_took() -> None:
    parts = {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1}
    assert usage_facts({"prompt_tokens": 6, "service_tier": "flex", "cache_creation": parts}) == {
        "input_tokens": 6,
        "service_tier": "flex",
        "cache_write_5m_tokens": 4,
        "cache_write_1h_tokens": 1,
    }


def test_messages_input_without_a_cache_is_what_is_stated() -> None:
    assert messages_usage_facts({"input_tokens": 5, "cache_read_input_tokens": None}) == {"input_tokens": 5}


@given(USAGES)
def test_whatever_a_usage_states_its_facts_are_fields_of_a_call_and_none_is_negative(usage: Any) -> None:
    for facts in (usage_facts(usage), messages_usage_facts(usage if isinstance(usage, dict) else {})):
        Call(call_id="0", operation="chat", started_at=0, **facts)
        assert [name for name, value in facts.items() if name.endswith(("_tokens", "cost")) and value < 0] == []


def test_stated_leaves_out_what_is_unknown() -> None:
    assert stated(a=None, b=0, c=False, d="") == {"b": 0, "c": False, "d": ""}


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        ("prompt_tokens", "input_tokens", "input_tokens"),
        ("completion_tokens", "output_tokens", "output_tokens"),
    ],
)
def test_of_two_names_for_one_thing_the_older_counts_wherever_it_stands(one: str, other: str, field: str) -> None:
    assert usage_facts({one: 1, other: 2}) == usage_facts({other: 2, one: 1}) == {field: 1}
    assert usage_facts({one: "1", other: 2}) == usage_facts({other: 2, one: None}) == {field: 2}


def test_of_two_objects_for_one_thing_the_older_counts_wherever_it_stands() -> None:
    older, newer = {"cached_tokens": 1, "audio_tokens": 2}, {"cached_tokens": 3, "audio_tokens": 4}
    told = {"prompt_tokens_details": older, "input_tokens_details": newer}
    known = {"cached_tokens": 1, "modalities": Modalities(audio_input=2)}
    assert usage_facts(told) == usage_facts(dict(reversed(told.items()))) == known
    assert usage_facts({"input_tokens_details": newer, "prompt_tokens_details": "none"})["cached_tokens"] == 3
