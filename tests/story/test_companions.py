"""An application with spans of its own: what each destination is sent of its trace, and what stands under what."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spancast.testing import Simulator
from tests.support.platform import Platform

ROOT = Path(__file__).parents[2]
RULES = ("llm", "genai", "trace", "all")
BEGIN = """
import os
import httpx2, spancast
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider())
options = {"llm": {}, "genai": {}, "trace": {"privacy": True}, "all": {}}
spancast.start(
    destinations=[
        spancast.Destination("otlp", name=rule, endpoint=f"{os.environ['COLLECTOR']}/{rule}", spans=rule, **given)
        for rule, given in options.items()
    ],
    capture_content=True,
)
start = trace.get_tracer("shop").start_as_current_span
asked = {
    "url": os.environ["OPENROUTER_BASE_URL"] + "/chat/completions",
    "headers": {"Authorization": "Bearer sk-or-v1-simulator"},
}
wanted = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "The words."}]}
"""
END = """
assert spancast.flush(20.0)
"""
AGENT = """
agent = {"gen_ai.operation.name": "invoke_agent", "input.value": "The words."}
with start("request"), spancast.attribute(user="u_1"), start("agent", attributes=agent):
    with start("database"):
        pass
    with start("step"):
        httpx2.post(json=wanted, **asked).raise_for_status()
with start("nothing to do with it"):
    pass
"""
ENDS_EARLY = """
said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": wanted["model"]}
with start("request"), httpx2.Client() as client:
    with start("theirs", attributes=said):
        answer = client.send(client.build_request("POST", json={**wanted, "stream": True}, **asked), stream=True)
    answer.read()
"""
CALL = "chat openai/gpt-4o-mini"


class Told(NamedTuple):
    """What came of the application's run."""

    spans: dict[str, list[Span]]
    """By the rule of the destination."""
    accounts: dict[str, dict[str, int]]
    calls: int

    def tree(self, rule: str) -> dict[str, str | None]:
        """Return the name of each span and of the one it is under; a parent that was not sent is a question mark."""
        by_id = {span.span_id: span.name for span in self.spans[rule]}
        above = {b"": None, **by_id}
        return {span.name: above.get(span.parent_span_id, "?") for span in self.spans[rule]}


def sent(program: str, home: Path) -> Told:
    with Simulator(seed=5) as openrouter, Platform().open() as collector:
        environment = {**os.environ, "OPENROUTER_BASE_URL": openrouter.base_url, "SPANCAST_HOSTS": openrouter.address}
        environment |= {"COLLECTOR": collector.url, "SPANCAST_HOME": str(home)}

        def run(*command: str) -> str:
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=environment, check=True, timeout=60, capture_output=True
            )
            return done.stdout.decode()

        run("-c", BEGIN + program + END)
        spans: dict[str, list[Span]] = {rule: [] for rule in RULES}
        for received in collector.received:
            spans[received.path.strip("/")] += received.spans()
        accounts = json.loads(run("-m", "spancast", "destinations", "--json"))
        calls = run("-m", "spancast", "calls", "--json").splitlines()
    return Told(spans, {each["name"]: each for each in accounts}, len(calls))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return sent(AGENT, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(
    ("rule", "tree"),
    [
        ("llm", {CALL: None}),
        ("genai", {CALL: "agent", "agent": None}),
        ("trace", {CALL: "step", "step": "agent", "database": "agent", "agent": "request", "request": None}),
        (
            "all",
            {
                CALL: "step",
                "step": "agent",
                "database": "agent",
                "agent": "request",
                "request": None,
                "nothing to do with it": None,
            },
        ),
    ],
)
def test_a_destination_is_sent_its_part_of_the_trace_and_no_orphan(
    told: Told, rule: str, tree: dict[str, str | None]
) -> None:
    assert told.tree(rule) == tree


@pytest.mark.parametrize("rule", RULES)
def test_the_account_holds_every_span(told: Told, rule: str) -> None:
    account = told.accounts[rule]
    assert (account["captured"], account["delivered"]) == (len(told.spans[rule]), len(told.spans[rule]))


def test_only_the_call_is_booked(told: Told) -> None:
    assert told.calls == 1


@pytest.mark.parametrize("rule", RULES)
def test_the_words_of_other_libraries_follow_the_rules_of_ours(told: Told, rule: str) -> None:
    said = repr(told.spans[rule])
    assert ("The words." in said) is (rule != "trace"), "of these destinations, `trace` is the private one"


def test_the_user_is_on_every_span_inside(told: Told) -> None:
    who = {
        span.name: next((pair.value.string_value for pair in span.attributes if pair.key == "user.id"), None)
        for span in told.spans["all"]
    }
    assert who == {
        CALL: "u_1",
        "step": "u_1",
        "database": "u_1",
        "agent": "u_1",
        "request": None,
        "nothing to do with it": None,
    }


def test_a_span_that_ended_before_it_could_carry_its_call_has_ours_under_it(tmp_path: Path) -> None:
    told = sent(ENDS_EARLY, tmp_path)
    whole = {CALL: "theirs", "theirs": "request", "request": None}
    assert {rule: told.tree(rule) for rule in RULES} == {
        "llm": {CALL: None},
        "genai": {CALL: None},
        "trace": whole,
        "all": whole,
    }
    assert told.calls == 1
