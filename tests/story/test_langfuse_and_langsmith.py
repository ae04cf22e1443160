"""One application, two platforms at once: what a real SDK did, as each of them shows it, to the last digit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest

import spancast
from spancast.testing import Simulator
from spancast.testing.simulator import Bill
from tests.support.platforms import langfuse, langsmith

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
WEATHER: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Use get_weather."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@dataclass(frozen=True)
class Scene:
    openrouter: Simulator
    langfuse: langfuse.Cloud
    langsmith: langsmith.Cloud
    destinations: list[spancast.Destination]
    home: Path

    def start(self, **settings: Any) -> None:
        hosts = [self.openrouter.address]
        spancast.start(self.destinations, home=self.home, hosts=hosts, capture_content=True, **settings)

    def ask(self, **wanted: Any) -> Any:
        client = openai.OpenAI(base_url=self.openrouter.base_url, api_key=KEY, max_retries=0)
        return client.chat.completions.create(**{"model": "openai/gpt-4o-mini", "messages": WEATHER, **wanted})

    def arrived(self) -> tuple[langfuse.Observation, langsmith.Run]:
        """Return how the one call is shown, once it is there."""
        assert spancast.flush(30)
        assert (self.langfuse.faults, self.langsmith.faults) == ([], [])
        (observation,), (run,) = self.langfuse.observations, self.langsmith.runs.values()
        return observation, run

    @property
    def bill(self) -> Bill:
        (bill,) = self.openrouter.bills
        return bill


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with (
        Simulator(seed=5, lookups_before_ready=0) as openrouter,
        langfuse.langfuse() as (observed, there),
        langsmith.langsmith() as (run, here),
    ):
        keys = {"public_key": langfuse.PUBLIC, "secret_key": langfuse.SECRET}
        destinations = [
            spancast.Destination("langfuse", endpoint=there.url, **keys),
            spancast.Destination("langsmith", endpoint=here.url, api_key=langsmith.KEY, project="shop"),
        ]
        yield Scene(openrouter, observed, run, destinations, tmp_path)
        spancast.stop()


def test_a_streamed_tool_call_is_shown_whole(scene: Scene) -> None:
    scene.start()
    trace = {
        "trace_name": "checkout",
        "generation_name": "ask",
        "environment": "canary",
        "release": "9",
        "team": "blue",
    }

    with spancast.attribute(user="u_42", session="s_7", tags={"feature": "search"}):
        deltas = [
            chunk.choices[0].delta
            for chunk in scene.ask(tools=[TOOL], temperature=0.5, stream=True, extra_body={"trace": trace})
            if chunk.choices
        ]

    asked = [call for delta in deltas for call in delta.tool_calls or ()]
    arguments = json.loads("".join(call.function.arguments or "" for call in asked))
    observation, run = scene.arrived()
    bill = scene.bill
    assert observation.tool_calls == [(asked[0].id, "get_weather", arguments)]
    (choice,) = (run.outputs or {})["choices"]
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == arguments
    assert choice["finish_reason"] == "tool_calls"
    assert observation.tools == [tool["function"]["name"] for tool in run.invocation["tools"]] == ["get_weather"]
    assert observation.input["messages"] == (run.inputs or {})["messages"] == WEATHER
    assert (observation.cost or {})["total"] == (run.usage or {})["total_cost"] == bill.cost
    assert (
        observation.usage["total"] == (run.usage or {})["total_tokens"] == bill.prompt_tokens + bill.completion_tokens
    )
    assert observation.model == run.metadata["ls_model_name"] == bill.model
    assert observation.parameters["temperature"] == run.invocation["temperature"] == Decimal("0.5")
    assert observation.metadata["provider"] == run.metadata["provider"] == bill.provider
    assert (observation.user, observation.session, observation.tags) == ("u_42", "s_7", ["feature:search"])
    assert (run.metadata["user_id"], run.metadata["thread_id"], run.tags) == ("u_42", "s_7", ["feature:search"])
    assert (observation.name, observation.trace_name, run.name) == ("ask", "checkout", "checkout")
    assert (observation.environment, observation.release) == ("canary", "9")
    assert (run.metadata["environment"], run.metadata["release"], run.metadata["team"]) == ("canary", "9", "blue")
    assert observation.completion_start_time is not None
    assert run.project == "shop"


@pytest.mark.parametrize("model", ["deepseek/deepseek-r1-0528", "anthropic/claude-haiku-4.5", "openai/gpt-4o-mini"])
def test_tokens_are_those_that_were_billed(model: str, scene: Scene) -> None:
    scene.start()

    scene.ask(model=model, messages=[{"role": "user", "content": "Say a word. " * 2_000}])

    observation, run = scene.arrived()
    bill, usage = scene.bill, run.usage or {}
    assert (usage["input_tokens"], usage["output_tokens"]) == (bill.prompt_tokens, bill.completion_tokens)
    assert usage["output_token_details"]["reasoning"] == bill.reasoning_tokens
    assert usage["input_token_details"]["cache_read"] == bill.cached_tokens
    assert observation.usage["output_reasoning_tokens"] == bill.reasoning_tokens
    assert observation.usage["input"] == bill.prompt_tokens - bill.cached_tokens - bill.cache_write_tokens
    assert (observation.cost or {})["total"] == usage["total_cost"] == bill.cost


def test_under_byok_the_cost_is_all_that_was_spent(scene: Scene) -> None:
    scene.start()

    scene.ask(model="simulator/byok")

    observation, run = scene.arrived()
    spent = scene.bill.cost + scene.bill.upstream_cost
    assert (observation.cost or {})["total"] == (run.usage or {})["total_cost"] == spent


def test_a_call_for_nothing_costs_nothing(scene: Scene) -> None:
    scene.start()

    scene.ask(model="simulator/cache-hit")

    observation, run = scene.arrived()
    assert (observation.cost or {})["total"] == (run.usage or {})["total_cost"] == 0


def test_a_refusal_is_an_error_that_costs_nothing_anyone_knows_of(scene: Scene) -> None:
    scene.start()

    with pytest.raises(openai.APIStatusError):
        scene.ask(model="simulator/402")

    observation, run = scene.arrived()
    assert (observation.level, run.status) == ("ERROR", "error")
    assert observation.status_message is not None
    assert run.error == f"payment_required: {observation.status_message}"
    assert observation.cost is None
    assert "total_cost" not in (run.usage or {})


@pytest.mark.slow
def test_a_cost_that_comes_late_is_shown_once_on_each(scene: Scene) -> None:
    scene.start(backfill="caller-key")

    stream = scene.ask(stream=True)
    next(iter(stream))
    stream.close()

    observation, run = scene.arrived()
    assert (observation.cost or {})["total"] == (run.usage or {})["total_cost"] == scene.bill.cost
    assert (observation.metadata["cost_source"], run.metadata["cost_source"]) == ("generation", "generation")
    assert observation.level == "WARNING"
