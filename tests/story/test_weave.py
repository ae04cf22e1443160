"""One application and W&B Weave, set up by the variables that people have: what each view shows of a call."""

import os
from pathlib import Path
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.support.platforms.weave import KEY, Server, cost_shown, weave
from tests.support.programs import run_program, spancast, surroundings

PROGRAM = """
import os, spancast
from openai import OpenAI
spancast.start(capture_content=True)
client = OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key="sk-or-v1-simulator")
with spancast.attribute(user="u_42", session="s_7", tags={"feature": "search", "feature.kind": "full"}):
    list(client.chat.completions.create(
        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], temperature=0.5, stream=True,
        stream_options={"include_usage": True},
    ))
assert spancast.flush(20.0)
"""


def ran(tmp_path: Path, **settings: str) -> tuple[Server, Any, str]:
    """Return what Weave has of the program, what OpenRouter billed, and what the check says."""
    with Simulator(seed=3) as openrouter, weave() as (server, platform):
        named = {
            "SPANCAST_DESTINATIONS": "weave",
            "WANDB_API_KEY": KEY,
            "WANDB_ENTITY": "acme",
            "WANDB_PROJECT": "shop",
            "WF_TRACE_SERVER_URL": platform.url,
        }
        environment = surroundings(tmp_path, openrouter, **named, **settings)
        done = run_program(PROGRAM, environment)
        assert done.returncode == 0, done.stderr
        checked = spancast("check", "weave", environment=environment).stdout
        (bill,) = openrouter.bills
    assert server.faults == []
    return server, bill, checked


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("WANDB_", "WF_"))]:
        monkeypatch.delenv(name)


def test_the_agents_view_has_the_call_and_what_was_charged(tmp_path):
    server, bill, checked = ran(tmp_path)
    (span,) = server.spans.values()
    assert (span.place, span.at("gen_ai.response.model")) == ("acme/shop", bill.model)
    assert span.at("openrouter.cost_usd") == format(bill.cost, "f")
    assert span.at("gen_ai.usage.cost") == float(bill.cost)
    assert span.at("gen_ai.usage.input_tokens") == bill.prompt_tokens
    names = ("user.id", "gen_ai.conversation.id", "tags.feature", "tags.feature_kind")
    assert [span.at(name) for name in names] == ["u_42", "s_7", "search", "full"]
    assert span.at("gen_ai.input.messages")[0]["parts"][0]["content"] == "Hi"
    assert span.at("gen_ai.response.time_to_first_chunk") > 0
    assert checked == "weave: ok\n"


def test_the_traces_view_has_it_with_the_cost_in_its_place(tmp_path):
    server, bill, checked = ran(tmp_path, SPANCAST_DESTINATION_WEAVE_VIEW="traces")
    (call,) = server.calls.values()
    assert cost_shown(call) == bill.cost
    assert call["inputs"]["messages"] == [{"role": "user", "content": "Hi"}]
    assert call["attributes"]["tags"] == {"feature": "search", "feature.kind": "full"}
    assert checked == "weave: ok\n"
