"""Through MLflow's own tracking server: what was sent is asked for again, by the interfaces that its own pages use."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spancast.contract import Delivered, Request, Span, Verdict
from spancast.testing.spans import hostile_spans
from spancast_exporters.mlflow import Mlflow
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.servers import answer_to, fetched, free_port, serving
from tests.support.spans import a_trace, of_application, of_call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOW = datetime(2026, 9, 21, tzinfo=UTC)
COST = {"input_cost": 0.0001, "output_cost": 0.000006000000000001, "total_cost": 0.000106000000000001}
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = python_with("receivers/mlflow", "mlflow==3.17.2", alone=True)
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [python.with_name("mlflow"), "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "PATH": f"{python.parent}:/usr/bin:/bin"}
    with serving([*command, *place], f"{url}/health", settings, folder):
        yield url


def trace(server: str, trace_id: str) -> dict[str, Any]:
    """Return what is shown of a trace; JSON in its metadata as what it means."""
    found: dict[str, Any] = fetched(f"{server}/api/3.0/mlflow/traces/tr-{trace_id}")["trace"]["trace_info"]
    return found | {"trace_metadata": {name: _meant(text) for name, text in found["trace_metadata"].items()}}


def shown(server: str, trace_id: str) -> dict[str, dict[str, Any]]:
    """Return the spans of a trace by their names, with what their attributes mean."""
    spans = fetched(f"{server}/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-{trace_id}")["spans"]
    read = ({**each, "attributes": {name: _meant(text) for name, text in each["attributes"].items()}} for each in spans)
    return {each["name"]: each for each in read}


def _meant(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def fresh(span: Span, number: int) -> Span:
    """Return the span as the only one of a trace of its own."""
    own = {"span_id": f"{0xABC0000 + number:016x}", "trace_id": f"{0xABC0000 + number:032x}", "parent_span_id": None}
    return replace(span, **own)  # type: ignore[arg-type]  # fields by their names


def sent(server: str, *spans: Span, **settings: Any) -> Verdict:
    """Send spans in one request; return the verdict."""
    exporter = Mlflow(endpoint=server, **settings)
    (encoded,) = exporter.encode(spans, NOW)
    return exporter.judge(encoded, answer_to(encoded.request))


def test_a_trace_is_shown_with_all_that_was_sent(server: str, tmp_path: Path) -> None:
    assert deliver(tmp_path, a_trace(), "mlflow", endpoint=server).delivered == 4
    info = trace(server, a_trace()[0].trace_id)
    expected = {
        "mlflow.trace.cost": COST,
        "mlflow.trace.user": "u_42",
        "mlflow.trace.session": "s_7",
        "mlflow.trace.tokenUsage": {
            "input_tokens": 1200,
            "output_tokens": 80,
            "total_tokens": 1280,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 50,
        },
    }
    assert {name: info["trace_metadata"].get(name) for name in expected} == expected
    tags = {"mlflow.traceName": "checkout", "feature": "search", "environment": "staging", "release": "7.1"}
    assert tags.items() <= info["tags"].items()
    assert (info["state"], info["request_preview"], info["response_preview"]) == (
        *("OK", '"What is the weather in Paris?"', '"I do not know."'),  # the marks are MLflow's
    )
    spans = shown(server, a_trace()[0].trace_id)
    agent, chat, tool, refused = (
        spans[name] for name in ("checkout", "chat openai/gpt-5-mini", "execute_tool get_weather", "second try")
    )
    assert [each["attributes"]["mlflow.spanType"] for each in (agent, chat, tool, refused)] == [
        *("AGENT", "CHAT_MODEL", "TOOL", "CHAT_MODEL")
    ]
    said = chat["attributes"]
    assert said["mlflow.llm.cost"] == COST
    assert (said["mlflow.llm.model"], said["mlflow.llm.provider"]) == ("openai/gpt-5-mini-2025-08-07", "openrouter")
    assert (said["gen_ai.usage.reasoning.output_tokens"], said["gen_ai.response.time_to_first_chunk"]) == (30, 0.25)
    assert [each["role"] for each in said["mlflow.spanInputs"]["messages"]] == ["system", "user", "assistant", "tool"]
    assert said["mlflow.spanInputs"]["temperature"] == 0.2
    (choice,) = said["mlflow.spanOutputs"]["choices"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert said["mlflow.chat.tools"][0]["function"]["name"] == "get_weather"
    assert said["spancast.metadata.team"] == "blue"
    assert (tool["attributes"]["mlflow.spanInputs"], tool["status"]["message"]) == ({"city": "Paris"}, "no answer")
    assert (refused["status"]["code"], refused["status"]["message"]) == ("STATUS_CODE_ERROR", "Rate limit exceeded")


def test_a_call_alone_is_a_trace_with_its_labels_and_without_words_it_has_none(server: str) -> None:
    span = fresh(of_call(trace_name=None, generation_name="rank"), 1)
    assert sent(server, span) == Delivered()
    info, said = trace(server, span.trace_id), shown(server, span.trace_id)["rank"]["attributes"]
    assert {"team": "blue", "feature": "search"}.items() <= info["tags"].items()
    assert info["trace_metadata"]["mlflow.trace.cost"] == COST
    assert not {"mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools"} & set(said)


def test_a_span_that_comes_again_replaces_the_first_and_is_counted_once(server: str) -> None:
    late, known = fresh(of_call(**UNKNOWN), 2), fresh(of_call(), 2)
    assert sent(server, late) == Delivered()
    estimate = shown(server, late.trace_id)["checkout"]["attributes"]["mlflow.llm.cost"]
    assert estimate["total_cost"] != COST["total_cost"]  # MLflow's own, as long as nobody tells it
    for _ in range(3):
        assert sent(server, known) == Delivered()
        info = trace(server, known.trace_id)["trace_metadata"]
        assert (info["mlflow.trace.cost"], info["mlflow.trace.tokenUsage"]["total_tokens"]) == (COST, 1280)


def test_what_several_calls_of_a_trace_cost_is_their_sum(server: str) -> None:
    agent = fresh(of_application("run", attributes={"gen_ai.operation.name": "invoke_agent"}), 3)
    calls = [
        replace(of_call(), span_id=f"{number:016x}", trace_id=agent.trace_id, parent_span_id=agent.span_id)
        for number in (1, 2)
    ]
    for span in (agent, *calls):
        assert sent(server, span) == Delivered()
    cost = trace(server, agent.trace_id)["trace_metadata"]["mlflow.trace.cost"]
    assert cost["total_cost"] == pytest.approx(2 * COST["total_cost"], rel=1e-12)


def test_a_call_for_nothing_costs_nothing(server: str) -> None:
    span = fresh(of_call(**{**UNKNOWN, "cost": Decimal(0)}), 4)
    assert sent(server, span) == Delivered()
    assert shown(server, span.trace_id)["checkout"]["attributes"]["mlflow.llm.cost"] == {"total_cost": 0}
    assert trace(server, span.trace_id)["trace_metadata"]["mlflow.trace.cost"]["total_cost"] == 0


def test_whatever_an_application_has_put_on_a_span_is_taken(server: str) -> None:
    odd = {
        **hostile_spans(),
        "long ids": of_call(
            session="s" * 5_000, user="u" * 5_000, trace_name="t" * 10_000, generation_name="g" * 9_000
        ),
        "its own long session": of_application(
            "w", attributes={"session.id": "s" * 300, "gen_ai.conversation.id": "c" * 300}, session=None
        ),
        "sessions that are JSON": of_call(session='{"a": 1}', user="[1]"),
        "sessions that are none": of_application("w", attributes={"session.id": 5, "user.id": (1, 2)}, session=None),
        "odd tags": of_call(tags={"mlflow.trace.spansLocation": "x", "a/b:c": "y", "k" * 300: "z", "": "w"}),
        "odd costs": of_application("w", attributes={"mlflow.llm.cost": "[1]", "mlflow.chat.tokenUsage": "7"}),
        "costs that are none": of_application("w", attributes={"mlflow.llm.cost": '{"total_cost": "1"}'}),
        "kinds that are JSON": of_application("w", attributes={"traceloop.span.kind": "[1]", "span.type": '{"a": 1}'}),
        "odd kinds": of_application("w", attributes={"mlflow.spanType": 5, "openinference.span.kind": (1, 2)}),
    }
    for number, (what, span) in enumerate(odd.items()):
        assert sent(server, fresh(span, 100 + number)) == Delivered(), what
        assert shown(server, fresh(span, 100 + number).trace_id), what


def test_two_long_sessions_stay_two(server: str) -> None:
    for number, end in enumerate("ab", 200):
        assert sent(server, fresh(of_call(session="s" * 300 + end), number)) == Delivered()
    one, other = (
        trace(server, fresh(of_call(), number).trace_id)["trace_metadata"]["mlflow.trace.session"]
        for number in (200, 201)
    )
    assert one != other


def test_the_probe_says_whether_the_experiment_is_there(server: str) -> None:
    for experiment, expected in (("0", None), ("77", "no experiment 77")):
        exporter = Mlflow(endpoint=server, experiment_id=experiment)
        told = exporter.diagnose(answer_to(exporter.probe(NOW)))
        assert told is None if expected is None else expected in (told or "")


def test_an_experiment_is_found_by_its_name(server: str, tmp_path: Path) -> None:
    body = json.dumps({"name": "the shop/1"}).encode()
    made = Request(
        url=f"{server}/api/2.0/mlflow/experiments/create", body=body, headers={"content-type": "application/json"}
    )
    experiment_id = json.loads(answer_to(made).body)["experiment_id"]
    span = fresh(of_call(parent_span_id=None), 77)
    assert deliver(tmp_path, [span], "mlflow", endpoint=server, experiment="the shop/1").delivered == 1
    place = trace(server, span.trace_id)["trace_location"]["mlflow_experiment"]
    assert place == {"experiment_id": experiment_id}
