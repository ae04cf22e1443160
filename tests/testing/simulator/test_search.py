from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import FORMS, TEXT, ask, got, objects, usage
from tests.testing.wire import HELLO, MINI, Reply, chat

WEB = {"plugins": [{"id": "web"}]}
TOOL = {"tools": [{"type": "openrouter:web_search", "parameters": {"max_results": 3}}]}
SEARCHING = [{"role": "user", "content": "Search for it"}]
FEE = Decimal("0.007")
EVERY = pytest.mark.parametrize(("name", "stream"), [(name, stream) for name, stream in FORMS if name in TEXT])


def cited(reply: Reply) -> list[dict]:
    """Return the citations of a chat response, plain or streamed."""
    if reply.headers["content-type"] != "text/event-stream":
        return reply.json["choices"][0]["message"].get("annotations", [])
    return [each for event in reply.events for each in event["choices"][0]["delta"].get("annotations", [])]


@EVERY
def test_a_search_is_charged_beside_the_inference(openrouter: Simulator, name: str, stream: bool):
    stated = usage(ask(openrouter, name, stream=stream, **WEB))
    (bill,) = openrouter.bills
    assert stated["cost"] == bill.cost == bill.upstream_cost + FEE
    assert stated["cost_details"]["server_tool_cost"] == bill.tool_cost == FEE
    assert stated["cost_details"]["upstream_inference_cost"] == bill.upstream_cost


@EVERY
def test_what_the_results_add_is_part_of_the_prompt(openrouter: Simulator, name: str, stream: bool):
    for body in ({}, WEB):
        ask(openrouter, name, stream=stream, **body)
    plain, searched = (bill.prompt_tokens for bill in openrouter.bills)
    assert searched == plain + 5 * 64


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_cites_its_sources(openrouter: Simulator, stream: bool):
    found = cited(chat(openrouter, stream=stream, **WEB))
    assert [each["type"] for each in found] == ["url_citation"] * 5
    assert len({each["url_citation"]["url"] for each in found}) == 5


def test_responses_cites_them_in_the_text(openrouter: Simulator):
    body = ask(openrouter, "responses", **WEB).json
    events = ask(openrouter, "responses", stream=True, **WEB).events
    annotations = body["output"][0]["content"][0]["annotations"]
    added = [event["annotation"] for event in events if event["type"] == "response.output_text.annotation.added"]
    assert len(annotations) == 5
    assert added == annotations


def test_messages_cites_them_in_the_block(openrouter: Simulator):
    body = ask(openrouter, "message", **WEB).json
    events = ask(openrouter, "message", stream=True, **WEB).events
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    citations = body["content"][0]["citations"]
    assert len(citations) == 5
    assert [delta["citation"] for delta in deltas if delta["type"] == "citations_delta"] == citations
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 0}


@pytest.mark.parametrize(("results", "cost"), [(1, "0.007"), (10, "0.007"), (12, "0.009")])
def test_results_beyond_ten_cost_more(openrouter: Simulator, results: int, cost: str):
    reply = chat(openrouter, plugins=[{"id": "web", "max_results": results}])
    assert (len(cited(reply)), openrouter.bills[0].tool_cost) == (results, Decimal(cost))


def test_the_suffix_online_is_the_plugin(openrouter: Simulator):
    stated = usage(chat(openrouter, model=f"{MINI}:online"))
    assert stated["server_tool_use_details"] == {
        "web_search_requests": 1,
        "tool_calls_requested": 0,
        "tool_calls_executed": 0,
    }


def test_a_free_model_costs_what_the_search_does(openrouter: Simulator):
    assert chat(openrouter, model="openai/gpt-oss-20b:free:online").json["usage"]["cost"] == FEE


def test_the_server_tool_searches_where_the_last_message_names_it(openrouter: Simulator):
    stated = usage(chat(openrouter, messages=SEARCHING, **TOOL))
    assert stated["server_tool_use_details"] == {
        "web_search_requests": 1,
        "tool_calls_requested": 1,
        "tool_calls_executed": 1,
    }
    assert openrouter.bills[0].search_results == 3


def test_the_server_tool_does_not_search_otherwise(openrouter: Simulator):
    assert "server_tool_use_details" not in usage(chat(openrouter, messages=HELLO, **TOOL))


@pytest.mark.parametrize("plugins", [[{"id": "web", "enabled": False}], [{"id": "file-parser"}], "web"])
def test_nothing_else_searches(openrouter: Simulator, plugins: object):
    assert cited(chat(openrouter, plugins=plugins)) == []


@pytest.mark.parametrize("fault", ["error-mid-stream", "no-completion"])
@EVERY
def test_a_search_is_charged_although_the_insurance_pays_for_the_answer(
    openrouter: Simulator, name: str, stream: bool, fault: str
):
    reply = ask(openrouter, name, {"X-Simulator-Fault": fault}, stream=stream, **WEB)
    assert openrouter.bills[0].cost == FEE
    assert usage(reply).get("cost", FEE) == FEE


def test_with_the_users_own_key_the_search_is_charged_in_full(openrouter: Simulator):
    chat(openrouter, {"X-Simulator-Fault": "byok"}, **WEB)
    (bill,) = openrouter.bills
    assert bill.cost == bill.upstream_cost * Decimal("0.05") + FEE


def test_the_search_is_a_stage_of_the_routing(openrouter: Simulator):
    told = {"X-OpenRouter-Metadata": "enabled"}
    (plugin,) = objects(chat(openrouter, told, **WEB))[0]["openrouter_metadata"]["pipeline"]
    (tool,) = objects(chat(openrouter, told, messages=SEARCHING, **TOOL))[0]["openrouter_metadata"]["pipeline"]
    assert (plugin["type"], plugin["name"], plugin["cost_usd"]) == ("plugin", "web-search", FEE)
    assert (tool["type"], tool["data"]["tools"]) == ("server_tools", ["openrouter:web_search"])


def test_a_lookup_tells_of_the_search():
    with Simulator(lookups_before_ready=0) as simulator:
        generation_id = chat(simulator, **WEB).json["id"]
        data = got(simulator, f"/generation?id={generation_id}").json["data"]
    assert (data["num_search_results"], data["web_search_engine"]) == (5, "exa")
