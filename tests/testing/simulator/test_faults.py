import json
import re
import time
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from spancast.testing.simulator import faults
from tests.testing import documented
from tests.testing.wire import MINI, Reply, chat, get, post

REFUSALS = [name for name, fault in faults.FAULTS.items() if fault.refusal is not None]
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def asked(openrouter: Simulator, fault: str, **body: object) -> Reply:
    return chat(openrouter, {"X-Simulator-Fault": fault, "X-Simulator-Delay": "0.05"}, **body)


def test_the_documented_faults_are_those_there_are():
    assert list(documented.faults()) == list(faults.FAULTS)


@STREAMS
@pytest.mark.parametrize("fault", faults.FAULTS)
def test_a_fault_is_billed_as_documented(openrouter: Simulator, fault: str, stream: bool):
    asked(openrouter, fault, stream=stream)
    billed = documented.faults()[fault]
    assert len(openrouter.bills) == (0 if billed == "no" else 1)
    for bill in openrouter.bills:
        assert bill.cancelled is (billed == "yes, cancelled")
        assert (bill.cost == 0) is (billed == "yes, 0")


@pytest.mark.parametrize("fault", faults.FAULTS)
def test_a_fault_is_the_same_by_header_and_by_model(fault: str):
    replies = []
    for headers, model in (({"X-Simulator-Fault": fault}, f"simulator/{fault}"), ({}, f"simulator/{fault}")):
        with Simulator(seed=7, slow_delay=0.05) as one:
            replies.append(chat(one, headers, model=model))
    assert replies[0] == replies[1]


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_states_its_status_as_the_code(openrouter: Simulator, fault: str):
    reply = asked(openrouter, fault, stream=True)
    assert reply.status == reply.json["error"]["code"] == int(fault)
    assert reply.json["error"]["metadata"]["error_type"]


@pytest.mark.parametrize("fault", ["429", "503"])
def test_a_refusal_that_passes_says_when_to_come_back(openrouter: Simulator, fault: str):
    assert int(asked(openrouter, fault).headers["retry-after"]) > 0


def test_an_unknown_fault_is_refused_with_the_names_there_are(openrouter: Simulator):
    reply = asked(openrouter, "nonsense")
    assert reply.status == 400
    assert all(name in reply.json["error"]["message"] for name in faults.FAULTS)


def test_an_unknown_fault_is_no_model(openrouter: Simulator):
    assert chat(openrouter, model="simulator/nonsense").json["error"]["message"] == (
        "simulator/nonsense is not a valid model ID"
    )


@STREAMS
def test_an_error_in_a_success_is_the_whole_json_body(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "502-in-200", stream=stream)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json["error"]["code"] == 502
    assert set(reply.json) == {"error", "user_id"}


def test_an_error_amid_a_stream_follows_part_of_the_answer_and_comes_with_usage(openrouter: Simulator):
    reply = asked(openrouter, "error-mid-stream", stream=True)
    *before, last = reply.events
    assert reply.text
    assert chat(openrouter).text.startswith(reply.text)
    assert not any("error" in event for event in before)
    assert (last["error"]["code"], last["choices"][0]["finish_reason"]) == (502, "error")
    assert (last["usage"]["cost"], last["usage"]["completion_tokens"]) == (0, -(-len(reply.text) // 4))
    assert last["usage"]["prompt_tokens"] == chat(openrouter).json["usage"]["prompt_tokens"]
    assert reply.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("fault", ["choice-error", "error-mid-stream"])
def test_a_plain_answer_states_the_error_in_its_choice(openrouter: Simulator, fault: str):
    (choice,) = asked(openrouter, fault).json["choices"]
    assert (choice["error"]["code"], choice["finish_reason"]) == (502, "error")
    assert choice["message"]["content"]


def test_a_streamed_choice_error_stands_in_the_choice(openrouter: Simulator):
    last = asked(openrouter, "choice-error", stream=True).events[-1]
    assert last["choices"][0]["error"]["code"] == 502
    assert "error" not in last


@STREAMS
def test_a_slow_answer_begins_at_once_and_ends_late(openrouter: Simulator, stream: bool):
    begin = time.perf_counter()
    reply = chat(openrouter, {"X-Simulator-Fault": "slow", "X-Simulator-Delay": "0.3"}, stream=stream)
    assert time.perf_counter() - begin >= 0.3
    assert reply.chunks[0] in {b"\n         \n", b": OPENROUTER PROCESSING\n\n"}
    assert len([chunk for chunk in reply.chunks if chunk == reply.chunks[0]]) == 12
    assert reply.text == chat(openrouter).text


@STREAMS
def test_a_cut_answer_breaks_off_in_its_middle(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "cut", stream=stream)
    whole = chat(openrouter, stream=stream).body
    assert not reply.whole
    assert abs(len(reply.body) - len(whole) // 2) <= 16


@STREAMS
def test_a_cut_answer_can_be_accounted_for_afterwards(stream: bool):
    with Simulator(lookups_before_ready=0) as openrouter:
        generation_id = asked(openrouter, "cut", stream=stream).headers["x-generation-id"]
        data = get(openrouter, f"/api/v1/generation?id={generation_id}").json["data"]
        assert (data["cancelled"], data["total_cost"]) == (True, openrouter.bills[0].cost)


@STREAMS
def test_an_answer_without_usage_has_all_else(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "no-usage", stream=stream)
    assert b'"usage"' not in reply.body
    assert reply.text == chat(openrouter).text
    assert openrouter.bills[0].cost > 0


@pytest.mark.parametrize(("fault", "share"), [("byok", Decimal("0.05")), ("byok-free", Decimal())])
def test_an_answer_with_the_users_own_key_costs_a_fee_of_what_the_provider_takes(
    openrouter: Simulator, fault: str, share: Decimal
):
    usage = asked(openrouter, fault).json["usage"]
    assert usage["is_byok"] is True
    assert usage["cost_details"]["upstream_inference_cost"] > 0
    assert usage["cost"] == usage["cost_details"]["upstream_inference_cost"] * share


def test_an_answer_from_the_response_cache_is_marked_and_costs_nothing(openrouter: Simulator):
    first, second = (asked(openrouter, "cache-hit") for _ in range(2))
    assert first.headers["x-openrouter-cache-status"] == "HIT"
    assert (first.json["usage"]["cost"], first.json["usage"]["total_tokens"]) == (0, 0)
    assert first.json["id"] != second.json["id"]


def test_an_endpoint_with_a_discount_charges_less_than_the_provider_takes(openrouter: Simulator):
    usage = asked(openrouter, "discount").json["usage"]
    assert usage["is_byok"] is False
    assert usage["cost"] == usage["cost_details"]["upstream_inference_cost"] * Decimal("0.65") > 0


@STREAMS
def test_a_filter_leaves_half_of_the_answer_which_is_charged(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "content-filter", stream=stream)
    (bill,) = openrouter.bills
    assert chat(openrouter).text.startswith(reply.text)
    assert (bill.finish_reason, bill.native_finish_reason) == ("content_filter", "content_filter")
    assert bill.completion_tokens == -(-len(reply.text) // 4)
    assert bill.cost > 0


@STREAMS
def test_an_answer_without_a_token_is_insured(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "no-completion", stream=stream)
    (bill,) = openrouter.bills
    choice = reply.events[-1]["choices"][0] if stream else reply.json["choices"][0]
    assert (reply.text, choice["finish_reason"], choice["native_finish_reason"]) == ("", None, None)
    assert (bill.cost, bill.completion_tokens, bill.prompt_tokens > 0) == (0, 0, True)


@STREAMS
def test_garbage_is_no_json(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "garbage", stream=stream)
    assert reply.status == 200
    for text in re.findall(rb"data: (.*)", reply.body) or [reply.body]:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


@STREAMS
def test_an_empty_answer_has_headers_and_no_body(openrouter: Simulator, stream: bool):
    reply = asked(openrouter, "empty", stream=stream)
    assert (reply.status, reply.body, reply.whole) == (200, b"", True)
    assert reply.headers["x-generation-id"]


def test_a_fault_by_header_is_not_cured_by_a_fallback(openrouter: Simulator):
    assert asked(openrouter, "503", models=["openai/gpt-4o"]).status == 503


def test_after_a_fault_the_next_request_is_answered(openrouter: Simulator):
    for fault in faults.FAULTS:
        asked(openrouter, fault)
    assert post(openrouter, {"model": MINI, "messages": [{"role": "user", "content": "Hi"}]}).status == 200
