"""What has been read of one answer so far."""

import pytest

from spancast.capture.reading import MAX_CALLS, Envelope, Reading
from spancast.capture.values import MAX_ITEMS
from spancast.records.call import Attempt, Routing


def test_nothing_read_is_nothing_stated() -> None:
    reading = Reading()
    assert reading.facts() == {}
    assert not reading.is_complete()


def test_an_envelope_names_the_answer() -> None:
    reading = Reading()
    reading.add_envelope(Envelope(id="gen-1", model="a/b", provider="Azure", service_tier="flex"))
    assert reading.facts() == {
        "generation_id": "gen-1",
        "response_id": "gen-1",
        "response_model": "a/b",
        "provider": "Azure",
        "service_tier": "flex",
    }


@pytest.mark.parametrize(("answer", "generation"), [("resp_1", None), ("gen-1", "gen-1"), (None, None)])
def test_an_id_of_another_kind_names_no_generation(answer: str | None, generation: str | None) -> None:
    reading = Reading()
    reading.add_envelope(Envelope(id=answer), id_names_generation=False)
    assert reading.facts().get("generation_id") == generation


def test_the_first_word_on_a_name_stands() -> None:
    reading = Reading()
    reading.add_envelope(Envelope(id="gen-1"))
    reading.add_envelope(Envelope(id="gen-2", model="a/b"))
    assert reading.facts() == {"generation_id": "gen-1", "response_id": "gen-1", "response_model": "a/b"}


def test_the_last_word_on_a_status_stands() -> None:
    reading = Reading()
    for status in ("in_progress", "completed", None):
        reading.keep_last(status=status)
    assert reading.facts() == {"status": "completed"}


def test_finish_reasons_are_in_the_order_of_the_choices() -> None:
    reading = Reading()
    reading.set_finish_reason(2, "length", "max_tokens")
    reading.set_finish_reason(0, "stop")
    reading.set_finish_reason(1, None)
    assert reading.facts() == {
        "finish_reasons": ("stop", None, "length"),
        "native_finish_reasons": (None, None, "max_tokens"),
    }


def test_the_last_finish_reason_that_says_anything_stands() -> None:
    reading = Reading()
    for reason in (None, "stop", "length", None):
        reading.set_finish_reason(0, reason)
    assert reading.facts() == {"finish_reasons": ("length",)}


def test_a_flood_of_choices_or_tools_is_bounded() -> None:
    reading = Reading()
    for index in range(2 * MAX_CALLS):
        reading.set_finish_reason(index, "stop")
        reading.count_tool_call(index)
    reading.set_finish_reason(0, "length")
    facts = reading.facts()
    assert facts["finish_reasons"] == ("length", *["stop"] * (MAX_ITEMS - 1))
    assert facts["tool_calls"] == MAX_CALLS


def test_a_choice_has_its_place_whether_or_not_those_before_it_were_seen() -> None:
    reading = Reading()
    reading.set_finish_reason(2, "length", "max_tokens")
    assert reading.facts() == {
        "finish_reasons": (None, None, "length"),
        "native_finish_reasons": (None, None, "max_tokens"),
    }


@pytest.mark.parametrize("index", [MAX_ITEMS, 2**63 - 1])
def test_a_choice_beyond_all_measure_takes_no_room(index: int) -> None:
    reading = Reading()
    reading.set_finish_reason(index, "stop")
    assert reading.facts() == {"finish_reasons": ("stop",)}
    assert reading.is_complete()


def test_a_tool_call_is_counted_once_for_its_key() -> None:
    reading = Reading()
    for key in ("call_1", "call_2", "call_1"):
        reading.count_tool_call(key)
    assert reading.facts() == {"tool_calls": 2}


def test_the_first_error_that_says_anything_stands() -> None:
    reading = Reading()
    for error in (None, {"code": 502, "message": "Bad gateway"}, {"code": 400, "message": "Later"}):
        reading.set_error(error)
    assert reading.failure == {"error_type": "502", "error_message": "Bad gateway"}


def test_an_error_type_beside_the_error_is_its_own() -> None:
    reading = Reading()
    reading.set_error({"code": "server_error", "message": "Oh"}, "provider_unavailable")
    assert reading.failure == {"error_type": "provider_unavailable", "error_message": "Oh"}


def test_an_answer_is_whole_when_it_says_so_in_any_way() -> None:
    for way in ("usage", "reason", "error", "word"):
        reading = Reading()
        if way == "usage":
            reading.usage["cost"] = 0
        elif way == "reason":
            reading.set_finish_reason(0, "stop")
        elif way == "error":
            reading.set_error(None)
        else:
            reading.is_finished = True
        assert reading.is_complete(), way


def test_an_unfinished_choice_is_no_end() -> None:
    reading = Reading()
    reading.set_finish_reason(0, None)
    assert not reading.is_complete()
    reading.set_finish_reason(1, "stop")
    assert not reading.is_complete()
    reading.set_finish_reason(0, "stop")
    assert reading.is_complete()


ROUTING = {
    "requested": "openrouter/auto",
    "strategy": "fallback",
    "region": "eu",
    "summary": "2 attempts",
    "attempt": 2,
    "attempts": [{"provider": "Azure", "model": "a/b", "status": 429}, {"provider": 7, "status": "200"}, "odd"],
    "pipeline": [{"type": "guardrail", "name": "pii"}, {"type": "plugin"}, None],
}


def test_how_the_router_found_who_answers_is_kept() -> None:
    reading = Reading()
    reading.add_envelope(Envelope(openrouter_metadata=ROUTING))
    assert reading.facts() == {
        "region": "eu",
        "routing": Routing(
            strategy="fallback",
            attempt=2,
            attempts=(Attempt("a/b", "Azure", 429), Attempt(None, None, None), Attempt(None, None, None)),
            pipeline=("pii",),
            summary="2 attempts",
        ),
    }


@pytest.mark.parametrize("odd", [7, "direct", [], {"attempts": 3, "pipeline": {"name": "x"}, "attempt": "first"}])
def test_odd_metadata_is_an_unknown_route(odd: object) -> None:
    reading = Reading()
    reading.add_envelope(Envelope(openrouter_metadata=odd))
    assert reading.facts() == {"routing": Routing()}


SELECTED = {"endpoints": {"available": [{"provider": "OpenAI"}, "odd", {"provider": "Azure", "selected": True}]}}


def test_the_endpoint_that_was_selected_names_the_provider_where_nothing_else_does() -> None:
    reading = Reading()
    reading.add_envelope(Envelope(openrouter_metadata=SELECTED))
    assert reading.facts()["provider"] == "Azure"
    reading.add_envelope(Envelope(provider="Amazon Bedrock"))
    assert reading.facts()["provider"] == "Amazon Bedrock"


def test_the_endpoint_that_was_selected_and_failed_has_not_served() -> None:
    reading = Reading()
    reading.add_envelope(Envelope(openrouter_metadata=SELECTED, error={"code": 502}))
    assert "provider" not in reading.facts()


@pytest.mark.parametrize("odd", [None, 7, [], {"available": 7}, {"available": [{"selected": True, "provider": 7}]}])
def test_odd_endpoints_name_no_provider(odd: object) -> None:
    reading = Reading()
    reading.add_envelope(Envelope(openrouter_metadata={"endpoints": odd}))
    assert reading.facts() == {"routing": Routing()}
