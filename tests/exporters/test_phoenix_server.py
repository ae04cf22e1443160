"""Through Phoenix itself: what was sent is asked for again, by the interfaces that its own pages use."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from spancast.contract import Delivered, Span
from spancast.testing.spans import hostile_spans
from spancast_exporters.phoenix import Phoenix
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.servers import answer_to, fetched, free_port, serving
from tests.support.spans import WORDS, a_trace, of_application, of_call
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOW = datetime(2026, 9, 21, tzinfo=UTC)
COST = 0.000106000000000001
ESTIMATE = 0.000235
"""What Phoenix makes of the tokens by its own prices of gpt-5-mini, whatever it is told."""
INDEXED = 30.0
"""Seconds until a span is shown; it is written behind a queue."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = python_with("receivers/phoenix", "arize-phoenix==20.26.1", alone=True)
    folder, port = tmp_path_factory.mktemp("phoenix"), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with serving([python.with_name("phoenix"), "serve"], f"{url}/healthz", settings, folder):
        yield url


SHOWN = """{ found: getSpanByOtelId(spanId: "%s") {
    name spanKind statusCode statusMessage tokenCountPrompt tokenCountCompletion tokenCountTotal metadata attributes
    costSummary { total { cost } } costDetailSummaryEntries { tokenType value { tokens } }
    input { value } output { value } events { name timestamp } trace { traceId project { name } session { sessionId } }
} }"""


def shown(server: str, span_id: str) -> dict[str, Any] | None:
    """Return a span as Phoenix's pages get it."""
    answer = fetched(f"{server}/graphql", query=SHOWN % span_id)
    assert "errors" not in answer, answer
    found: dict[str, Any] | None = answer["data"]["found"]
    return found and {**found, "attributes": json.loads(found["attributes"])}


def took(exporter: Phoenix, *spans: Span) -> None:
    """Send spans in one request, to which Phoenix says yes."""
    (encoded,) = exporter.encode(spans, NOW)
    assert exporter.judge(encoded, answer_to(encoded.request)) == Delivered()


def sent(server: str, span: Span, **settings: Any) -> dict[str, Any]:
    """Send a span by itself; return how it is shown."""
    took(Phoenix(endpoint=server, **settings), span)
    return eventually(lambda: shown(server, span.span_id), INDEXED)


def fresh(span: Span, number: int) -> Span:
    """Return the span as one of its own, in a trace of its own."""
    return replace(span, span_id=f"{0xABC0000 + number:016x}", trace_id=f"{0xABC0000 + number:032x}")


def test_a_trace_is_shown_with_all_that_was_sent(server: str, tmp_path: Path) -> None:
    assert deliver(tmp_path, a_trace(), "phoenix", endpoint=server, project="shop").delivered == 4
    agent, chat, tool, refused = (eventually(lambda s=span: shown(server, s.span_id), INDEXED) for span in a_trace())
    assert [each["name"] for each in (agent, chat, tool, refused)] == [
        *("checkout", "chat openai/gpt-5-mini", "execute_tool get_weather", "second try")
    ]
    assert [each["spanKind"] for each in (agent, chat, tool, refused)] == ["agent", "llm", "tool", "llm"]
    assert chat["trace"] == {
        "traceId": a_trace()[0].trace_id,
        "project": {"name": "shop"},
        "session": {"sessionId": "s_7"},
    }
    assert (chat["tokenCountPrompt"], chat["tokenCountCompletion"], chat["tokenCountTotal"]) == (1200, 80, 1280)
    counts = {each["tokenType"]: each["value"]["tokens"] for each in chat["costDetailSummaryEntries"]}
    assert counts == {"input": 150, "cache_read": 1000, "cache_write": 50, "output": 50, "reasoning": 30}
    said = chat["attributes"]
    assert (said["user"]["id"], said["session"]["id"], said["tag"]["tags"]) == ("u_42", "s_7", ["feature:search"])
    labels = {"trace_name": "checkout", "environment": "staging", "release": "7.1", "team": "blue"}
    assert labels.items() <= json.loads(chat["metadata"]).items()
    assert (said["llm"]["model_name"], said["llm"]["provider"]) == ("openai/gpt-5-mini-2025-08-07", "azure")
    assert json.loads(said["llm"]["invocation_parameters"])["temperature"] == 0.2
    roles = [each["message"]["role"] for each in said["llm"]["input_messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    (call,) = said["llm"]["output_messages"][0]["message"]["tool_calls"]
    assert call["tool_call"]["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert json.loads(chat["input"]["value"])["messages"][1]["content"] == "What is the weather in Paris?"
    assert chat["events"] == [{"name": "First Token Stream Event", "timestamp": "2026-09-21T14:13:20.250000+00:00"}]
    assert (agent["input"]["value"], agent["output"]["value"]) == ("What is the weather in Paris?", "I do not know.")
    assert (tool["statusCode"], tool["statusMessage"]) == ("ERROR", "no answer")
    assert (refused["statusCode"], refused["statusMessage"]) == ("ERROR", "Rate limit exceeded")


def test_the_cost_that_was_charged_is_an_attribute_and_the_one_that_is_shown_is_phoenixs_estimate(server: str) -> None:
    found = sent(server, fresh(of_call(WORDS), 1))
    assert found["attributes"]["llm"]["cost"]["total"] == COST
    assert found["attributes"]["openrouter"]["cost_usd"] == "0.000106000000000001"
    assert found["costSummary"]["total"]["cost"] == pytest.approx(ESTIMATE, rel=1e-9)


def test_without_words_there_are_none(server: str) -> None:
    found = sent(server, fresh(of_call(), 2))
    assert found["input"] is None
    assert not {"input_messages", "output_messages", "tools"} & set(found["attributes"]["llm"])
    assert json.loads(found["output"]["value"]) == {
        "id": "gen-1764000000-abcdefghij0123456789",
        "model": "openai/gpt-5-mini-2025-08-07",
    }  # Phoenix's own doing, of `gen_ai.response.id` and `.model`


def test_of_two_with_one_id_the_first_is_kept(server: str) -> None:
    span = fresh(of_call(), 3)
    sent(server, span)
    took(Phoenix(endpoint=server), replace(span, user="another"), fresh(of_call(), 4))
    eventually(lambda: shown(server, fresh(of_call(), 4).span_id), INDEXED)
    kept = shown(server, span.span_id)
    assert kept is not None
    assert kept["attributes"]["user"]["id"] == "u_42"


def test_whatever_an_application_has_put_on_a_span_is_read(server: str) -> None:
    odd = {
        **hostile_spans(),
        "a number that is none": of_application("w", attributes={"a.²": 1, "a.²³.b": 2, "a." + "9" * 5_000: 3, "c": 4}),
        "a deep name": of_application("w", attributes={"a." * 2_000 + "b": 1}),
        "odd kinds": of_application("w", attributes={"openinference.span.kind": 5, "llm": 3, "session": "s"}),
        "odd labels": of_application("w", attributes={"metadata": "[" * 50_000, "tag.tags": "x", "metadata.a": "b"}),
        "deep labels": of_application("w", attributes={"metadata": '{"a":' * 900 + "1" + "}" * 900}),
        "odd messages": of_application("w", attributes={"llm.input_messages.0": 1, "llm.input_messages.0.message": 2}),
        "odd counts": of_application("w", attributes={"llm.token_count.prompt": "many", "gen_ai.usage.x": -1}),
    }
    spans = {what: fresh(span, 100 + number) for number, (what, span) in enumerate(odd.items())}
    for span in spans.values():
        took(Phoenix(endpoint=server, project="odd"), span)
    for what, span in spans.items():
        eventually(lambda s=span: shown(server, s.span_id), INDEXED, telling=lambda what=what: what)
    assert len(fetched(f"{server}/v1/projects/odd/spans?limit=1000")["data"]) == len(spans)


def test_phoenix_says_which_spans_it_has(server: str) -> None:
    here, missing = fresh(of_call(), 200), fresh(of_call(), 201)
    exporter = Phoenix(endpoint=server, project="asked/for")
    sent(server, here, project="asked/for")
    many = [here, missing, *(fresh(of_call(), number) for number in range(300, 300 + exporter.traits.max_spans - 2))]
    found = exporter.found(many, answer_to(exporter.read_back(many, NOW)))
    assert (found[here.span_id], found[missing.span_id], len(found)) == (True, False, 50)


def test_the_probe_is_taken_and_leaves_nothing(server: str) -> None:
    exporter = Phoenix(endpoint=server, project="probed")
    assert exporter.diagnose(answer_to(exporter.probe(NOW))) is None
    assert "probed" not in {each["name"] for each in fetched(f"{server}/v1/projects")["data"]}
