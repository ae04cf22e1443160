"""Calls all the way through: an SDK, OpenRouter, and what a platform makes of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider

import spancast
from spancast.testing import Simulator
from tests.support.platforms import braintrust, datadog

KEY = "sk-or-v1-simulator"
PATIENCE = 40.0
WEATHER: Any = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Use get_weather."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


class Open:
    """A simulator of OpenRouter, and the platforms to which its calls go."""

    def __init__(self, stack: ExitStack) -> None:
        self.openrouter = stack.enter_context(Simulator(seed=5, lookups_before_ready=0))
        self.datadog, at_datadog = stack.enter_context(datadog.datadog())
        self.braintrust, at_braintrust = stack.enter_context(braintrust.braintrust())
        self.destinations = [
            spancast.Destination("datadog", api_key=datadog.KEY, endpoint=at_datadog.url, ml_app="shop"),
            spancast.Destination("braintrust", api_key=braintrust.KEY, endpoint=at_braintrust.url, project="shop"),
        ]

    @property
    def faults(self) -> list[str]:
        return [*self.datadog.faults, *self.braintrust.faults]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield Open(stack)
        spancast.stop(0.0)


def test_a_streamed_tool_call_is_on_every_platform_what_it_was(opened: Open, tmp_path: Path) -> None:
    spancast.start(opened.destinations, home=tmp_path, hosts=[opened.openrouter.address], capture_content=True)
    with (
        openai.OpenAI(base_url=opened.openrouter.base_url, api_key=KEY, max_retries=0) as client,
        spancast.attribute(user="u_42", session="s_7", tags={"feature": "weather"}),
    ):
        list(
            client.chat.completions.create(
                model="openai/gpt-4o-mini", messages=WEATHER, tools=[TOOL], temperature=0.5, stream=True
            )
        )
    assert spancast.flush(PATIENCE)

    assert opened.faults == []
    (bill,) = opened.openrouter.bills
    (event,), (row,) = opened.datadog.spans, opened.braintrust.rows.values()
    assert event["metrics"]["total_cost"] == row["metrics"]["estimated_cost"] == bill.cost
    assert event["metrics"]["input_tokens"] == row["metrics"]["prompt_tokens"] == bill.prompt_tokens
    assert event["metrics"]["output_tokens"] == row["metrics"]["completion_tokens"] == bill.completion_tokens
    assert event["metrics"]["time_to_first_token"] == row["metrics"]["time_to_first_token"] > 0
    assert event["meta"]["model_name"] == row["metadata"]["model"] == bill.model
    assert event["meta"]["metadata"]["openrouter.provider"] == row["raw"]["openrouter.provider"] == bill.provider
    assert event["meta"]["metadata"]["temperature"] == row["metadata"]["temperature"] == Decimal("0.5")
    assert {"user_id:u_42", "session_id:s_7", "feature:weather"} <= set(event["tags"])
    assert (row["metadata"]["user_id"], row["metadata"]["session_id"]) == ("u_42", "s_7")
    assert row["tags"] == ["feature:weather"]
    assert [message["role"] for message in event["meta"]["input"]["messages"]] == ["system", "user"]
    assert [message["role"] for message in row["input"]] == ["system", "user"]
    assert event["meta"]["output"]["messages"][-1]["tool_calls"][0]["name"] == "get_weather"
    assert row["output"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


def test_a_private_platform_gets_everything_but_the_words(opened: Open, tmp_path: Path) -> None:
    for destination in opened.destinations:
        destination.privacy = True
    spancast.start(opened.destinations, home=tmp_path, hosts=[opened.openrouter.address], capture_content=True)
    with openai.OpenAI(base_url=opened.openrouter.base_url, api_key=KEY, max_retries=0) as client:
        client.chat.completions.create(model="openai/gpt-4o-mini", messages=WEATHER, user="u_42")
    assert spancast.flush(PATIENCE)

    assert opened.faults == []
    (event,), (row,) = opened.datadog.spans, opened.braintrust.rows.values()
    assert not {"input", "output"} & set(event["meta"])
    assert (row["input"], row["output"]) == (None, None)
    assert event["metrics"]["total_cost"] == row["metrics"]["estimated_cost"] == opened.openrouter.bills[0].cost


def test_the_applications_agent_is_above_its_call_on_every_platform(opened: Open, tmp_path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    spancast.start(opened.destinations, home=tmp_path, hosts=[opened.openrouter.address], tracer_provider=provider)
    with (
        openai.OpenAI(base_url=opened.openrouter.base_url, api_key=KEY, max_retries=0) as client,
        spancast.attribute(user="u_42", session="s_7"),
        provider.get_tracer("agents").start_as_current_span(
            "invoke_agent weather", attributes={"gen_ai.operation.name": "invoke_agent"}
        ),
    ):
        client.chat.completions.create(model="openai/gpt-4o-mini", messages=WEATHER)
    assert spancast.flush(PATIENCE)

    assert opened.faults == []
    agent, call = (opened.datadog.span(name) for name in ("invoke_agent weather", "chat openai/gpt-4o-mini"))
    assert (agent["meta"]["span"]["kind"], agent["parent_id"]) == ("agent", "undefined")
    assert call["parent_id"] == agent["span_id"]
    assert {"user_id:u_42", "session_id:s_7"} <= set(agent["tags"])
    rows = {row["span_attributes"]["name"]: row for row in opened.braintrust.rows.values()}
    agent, call = rows["invoke_agent weather"], rows["chat openai/gpt-4o-mini"]
    assert (agent["span_attributes"]["type"], agent["span_parents"]) == ("task", [])
    assert call["span_parents"] == [agent["id"]]
    assert (agent["metadata"]["user_id"], agent["metadata"]["session_id"]) == ("u_42", "s_7")


@pytest.mark.slow
def test_a_cost_that_comes_late_is_the_only_one_that_a_platform_has(opened: Open, tmp_path: Path) -> None:
    spancast.start(opened.destinations, home=tmp_path, hosts=[opened.openrouter.address], backfill="caller-key")
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    url = f"{opened.openrouter.base_url}/chat/completions"
    with httpx2.stream("POST", url, json=body, headers=headers) as response:
        next(response.iter_bytes())
    assert spancast.flush(PATIENCE)

    assert opened.faults == []
    (bill,) = opened.openrouter.bills
    (event,), (row,) = opened.datadog.spans, opened.braintrust.rows.values()
    assert event["metrics"]["total_cost"] == row["metrics"]["estimated_cost"] == bill.cost
