"""Through Weave's own server code: its parser takes every span, and its schema every call."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from spancast.contract import Reply
from spancast.records.call import Parameters
from spancast.testing.spans import hostile_spans
from spancast_exporters.weave import Weave
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.platforms.weave import KEY, PLACE
from tests.support.servers import answers
from tests.support.spans import WORDS, a_trace, of_application, of_call
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE = 90.0
"""Seconds until the server is up; it imports for many of them."""
COST = 0.000106000000000001
PRICED = "openrouter:openai/gpt-5-mini-2025-08-07"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = python_with("receivers/weave", "weave[trace-server]==0.53.12", alone=True)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("weave")
    with subprocess.Popen(
        [python, "-P", SCRIPT, str(port)],  # -P: beside the script is another `weave`
        cwd=folder,
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": str(folder), "PATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/"), PATIENCE, by=process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


SCRIPT = Path(__file__).parents[1] / "support" / "platforms" / "weave_server.py"


def agent_spans(server: str) -> dict[str, dict[str, Any]]:
    return {each["span_id"]: each for each in httpx2.get(server, trust_env=False).json()}


def test_the_agents_view_has_every_span_and_what_it_was(server: str, tmp_path: Path) -> None:
    standing = deliver(tmp_path, a_trace(), "weave", endpoint=server, api_key=KEY, project_id=PLACE)
    assert standing.delivered == 4
    found = agent_spans(server)
    agent, chat, tool, refused = (found[span.span_id] for span in a_trace())
    assert {each["place"] for each in (agent, chat, tool, refused)} == {PLACE}
    assert (agent["span_name"], agent["agent_name"], agent["operation_name"]) == ("checkout", "weather", "invoke_agent")
    assert agent["input_messages"][0]["content"] == "What is the weather in Paris?"
    expected = {
        "operation_name": "chat",
        "provider_name": "openrouter",
        "request_model": "openai/gpt-5-mini",
        "response_model": "openai/gpt-5-mini-2025-08-07",
        "input_tokens": 1200,
        "output_tokens": 80,
        "reasoning_tokens": 30,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 50,
        "conversation_id": "s_7",
        "request_temperature": 0.2,
        "request_max_tokens": 256,
        "request_stop_sequences": ["END"],
        "finish_reasons": ["tool_calls"],
        "reasoning_content": "A tool knows.",
        "parent_span_id": a_trace()[0].span_id,
    }
    assert {name: chat[name] for name in expected} == expected
    assert [message["role"] for message in chat["input_messages"]] == ["user", "assistant", "tool"]
    assert chat["system_instructions"] == ["You are terse."]
    assert "get_weather" in chat["output_messages"][0]["content"]
    assert "Tells the weather." in chat["tool_definitions"]
    assert chat["custom_attrs_float"]["gen_ai.usage.cost"] == COST
    assert chat["custom_attrs_float"]["gen_ai.response.time_to_first_chunk"] == 0.25
    own = ("user.id", "tags.feature", "metadata.team", "environment", "release", "trace_name", "openrouter.cost_usd")
    assert [chat["custom_attrs_string"].get(name) for name in own] == [
        *("u_42", "search", "blue", "staging", "7.1", "checkout", "0.000106000000000001")
    ]
    assert (tool["tool_name"], tool["tool_call_arguments"]) == ("get_weather", '{"city": "Paris"}')
    assert (tool["status_code"], tool["error_type"], tool["status_message"]) == ("ERROR", "TimeoutError", "no answer")
    assert (refused["status_code"], refused["error_type"]) == ("ERROR", "rate_limit_exceeded")
    assert (
        refused["custom_attrs_float"] == {"gen_ai.request.top_p": 1.0}
        or "gen_ai.usage.cost" not in (refused["custom_attrs_float"])
    )


def test_whatever_an_application_has_put_on_a_span_is_taken(server: str, tmp_path: Path) -> None:
    odd = {
        **hostile_spans(),
        "deep": of_application("deep", attributes={"a": "[" * 50_000, "b": '{"a":' * 5_000 + "1" + "}" * 5_000}),
        "words": of_application("words", content={"input.value": "  " + "[" * 50_000, "output.value": "9" * 5_000}),
        "long": of_application("long", attributes={"a": "[" + "9" * 5_000 + "]", "b": '["\\ud800"]'}),
    }
    exporter = Weave(api_key=KEY, project_id=PLACE, endpoint=server)
    for what, span in odd.items():
        (encoded,) = exporter.encode([span], datetime.now(UTC))
        request = encoded.request
        answer = httpx2.post(request.url, content=request.body, headers=dict(request.headers), trust_env=False)
        assert (answer.status_code, answer.content) == (200, b""), what


def test_what_its_table_has_no_room_for_is_taken(server: str, tmp_path: Path) -> None:
    place = {"gen_ai.operation.name": "chat"}
    odd = [
        of_call(operation="video", span_id="1" * 16),
        of_call(parameters=Parameters(max_tokens=-1, choice_count=2**40), span_id="2" * 16),
        of_application("a", attributes={"order": '{"id": 108204268033311374519}'}, span_id="3" * 16),
        of_application("b", attributes={**place, "gen_ai.usage.input_tokens": -1}, span_id="4" * 16),
    ]
    standing = deliver(tmp_path, odd, "weave", endpoint=server, api_key=KEY, project_id="acme/odd")
    assert (standing.delivered, standing.reasons) == (4, {})
    found = agent_spans(server)
    video, asked, order, counted = (found[span.span_id] for span in odd)
    assert (video["output_type"], video["custom_attrs_string"]["gen_ai.output.type_value"]) == ("", "video")
    assert asked["custom_attrs_int"]["gen_ai.request.max_tokens_value"] == -1
    assert order["custom_attrs_string"]["order.id"] == "108204268033311374519"
    assert counted["input_tokens"] == 0


def test_the_traces_view_has_the_dollars_of_each_call(server: str, tmp_path: Path) -> None:
    settings = {"endpoint": server, "api_key": KEY, "project_id": "acme/exact", "view": "traces"}
    assert deliver(tmp_path, [*a_trace()[:1], of_call(WORDS), *a_trace()[2:]], "weave", **settings).delivered == 4
    query = {"project_id": "acme/exact"}
    headers = {"wandb-api-key": KEY}
    listed = httpx2.post(f"{server}/calls/query", json=query, headers=headers, trust_env=False).json()["calls"]
    found = {call["id"]: call for call in listed}
    assert set(found) == {span.span_id for span in a_trace()}
    chat = found[a_trace()[1].span_id]
    costs = chat["summary"]["weave"]["costs"][PRICED]
    assert costs["prompt_tokens_total_cost"] + costs["completion_tokens_total_cost"] == pytest.approx(COST, rel=1e-12)
    assert (chat["thread_id"], chat["parent_id"]) == ("s_7", a_trace()[0].span_id)
    assert chat["summary"]["usage"][PRICED]["cache_read_input_tokens"] == 1000
    assert chat["output"]["choices"][0]["finish_reason"] == "tool_calls"
    assert found[a_trace()[2].span_id]["exception"] == "no answer"
    asked = [a_trace()[1], of_application("never sent", span_id="ec71ae3c4e1f5a11")]
    exporter = Weave(api_key=KEY, project_id="acme/exact", endpoint=server, view="traces")
    question = exporter.read_back(asked, datetime.now(UTC))
    reply = httpx2.post(question.url, content=question.body, headers=dict(question.headers), trust_env=False)
    assert exporter.found(asked, Reply(reply.status_code, {}, reply.content)) == {
        asked[0].span_id: True,
        asked[1].span_id: False,
    }


def test_no_model_that_weave_has_a_price_for_is_called_as_the_traces_view_calls_ours() -> None:
    python = python_with("receivers/weave", "weave[trace-server]==0.53.12", alone=True)
    (table,) = python.parents[1].rglob("weave/trace_server/costs/cost_checkpoint.json")
    priced = set(json.loads(table.read_text("utf-8")))
    assert "deepseek/deepseek-chat" in priced  # OpenRouter's own name of it: with that, the cost would be Weave's
    assert not [name for name in priced if name.startswith("openrouter:")]


@pytest.mark.parametrize("view", ["agents", "traces"])
def test_the_probe_is_taken_and_leaves_nothing(server: str, view: str) -> None:
    before = agent_spans(server)
    exporter = Weave(api_key=KEY, project_id="acme/probed", endpoint=server, view=view)
    probe = exporter.probe(datetime.now(UTC))
    answer = httpx2.post(probe.url, content=probe.body, headers=dict(probe.headers), trust_env=False)
    assert exporter.diagnose(Reply(answer.status_code, dict(answer.headers), answer.content)) is None
    assert agent_spans(server) == before
