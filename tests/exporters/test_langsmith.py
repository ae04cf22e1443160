import json
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import (
    Delivered,
    Encoded,
    Event,
    Exporter,
    Probe,
    Rejected,
    Reply,
    Request,
    Retry,
    Split,
    Unauthorized,
)
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.records.content import Content
from spancast_exporters.langsmith import LangSmith
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import JSON, answer
from tests.support.platforms.langsmith import KEY, Run, langsmith, refusal
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-5"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("API_KEY", "ENDPOINT", "PROJECT", "WORKSPACE_ID"):
        monkeypatch.delenv(f"LANGSMITH_{name}", raising=False)
        monkeypatch.delenv(f"LANGCHAIN_{name}", raising=False)


def made(**settings) -> LangSmith:
    exporter = discover.exporter(Destination("langsmith", **{"api_key": KEY, **settings}))
    assert isinstance(exporter, LangSmith)
    return exporter


def one_request(*sent, **settings) -> Encoded:
    (encoded,) = made(**settings).encode(sent, NOW)
    return encoded


def attributes(span, **settings) -> dict[str, Any]:
    """Return the attributes that go over the wire."""
    (found,) = spans(one_request(span, **settings))
    return found["attributes"]


@pytest.fixture
def shown(tmp_path):
    """Return how LangSmith shows a span that came to it through the courier."""

    def show(span, **settings) -> Run:
        with langsmith() as (cloud, platform):
            standing = deliver(tmp_path, [span], "langsmith", endpoint=platform.url, api_key=KEY, **settings)
        assert (standing.delivered, cloud.faults) == (1, [])
        (found,) = cloud.runs.values()
        return found

    return show


def test_it_is_an_exporter_that_can_be_probed():
    assert isinstance(made(), Exporter)
    assert isinstance(made(), Probe)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "headers"),
    [
        ({}, "https://api.smith.langchain.com/otel/v1/traces", {"langsmith-project": "default"}),
        (
            {"LANGSMITH_ENDPOINT": "https://eu.api.smith.langchain.com/", "LANGSMITH_PROJECT": "shop"},
            "https://eu.api.smith.langchain.com/otel/v1/traces",
            {"langsmith-project": "shop"},
        ),
        (
            {"LANGCHAIN_ENDPOINT": "https://smith.example/api/v1", "LANGCHAIN_PROJECT": "old shop"},
            "https://smith.example/api/v1/otel/v1/traces",
            {"langsmith-project": "old shop"},
        ),
        (
            {"LANGSMITH_PROJECT": "new", "LANGCHAIN_PROJECT": "old", "LANGSMITH_WORKSPACE_ID": "0a1b-2c"},
            "https://api.smith.langchain.com/otel/v1/traces",
            {"langsmith-project": "new", "x-tenant-id": "0a1b-2c"},
        ),
        (
            {"LANGSMITH_ENDPOINT": "https://smith.example/api/v1/otel/v1/traces"},
            "https://smith.example/api/v1/otel/v1/traces",
            {"langsmith-project": "default"},
        ),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url, headers):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (encoded,) = made().encode([of_call()], NOW)
    protobuf = {"content-encoding": "gzip", "content-type": "application/x-protobuf"}
    assert encoded.request.url == url
    assert encoded.request.headers == {"x-api-key": KEY, **protobuf, **headers}


@pytest.mark.parametrize("name", ["LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"])
def test_the_key_has_either_name(monkeypatch, name):
    monkeypatch.setenv(name, "lsv2_pt_x")
    exporter = discover.exporter(Destination("langsmith"))
    assert isinstance(exporter, LangSmith)
    assert exporter.api_key == "lsv2_pt_x"


def test_a_missing_key_is_named_with_where_to_get_it():
    with pytest.raises(Unconfigured, match=r"LANGSMITH_API_KEY or LANGCHAIN_API_KEY.*Settings, API Keys"):
        discover.exporter(Destination("langsmith"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "api.smith.langchain.com"}, "endpoint cannot be"),
        ({"api_key": "a key\n"}, "Copy it again"),
        ({"workspace_id": "a b"}, "Copy it again"),
        ({"project": " "}, "project is empty"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**settings)


def test_an_endpoint_of_the_environment_is_refused_as_well(monkeypatch):
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "api.smith.langchain.com")
    with pytest.raises(ConfigurationError, match="Give a URL"):
        made()


def test_the_key_is_not_shown():
    assert KEY not in repr(made())


@pytest.mark.parametrize("project", ["shop", "my shop", "Läden", "店"])
def test_a_project_may_have_any_name(shown, project):
    assert shown(of_call(), project=project).project == project


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    golden.check("langsmith", readable(one_request(*a_trace(), project="weather")))


def test_a_trace_is_shown_like_this(tmp_path):
    with langsmith() as (cloud, platform):
        assert deliver(tmp_path, a_trace(), "langsmith", endpoint=platform.url, api_key=KEY).delivered == 4
    assert cloud.faults == []
    agent, call, tool = (cloud.one(name) for name in ("checkout", "chat openai/gpt-5-mini", "execute_tool get_weather"))
    assert [(each.type, each.status) for each in (agent, call, tool)] == [
        ("chain", "success"),
        ("llm", "success"),
        ("tool", "error"),
    ]
    assert (agent.parent_id, call.parent_id, tool.parent_id) == (None, agent.id, agent.id)
    assert (agent.inputs, agent.outputs) == (
        {"input": "What is the weather in Paris?"},
        {"text": "I do not know."},
    )
    assert tool.inputs == {"city": "Paris"}
    assert tool.error == "no answer\n\nStacktrace:\nTraceback …"
    refused = cloud.one("second try")
    assert (refused.status, refused.error) == ("error", "rate_limit_exceeded: Rate limit exceeded")
    assert (refused.usage, refused.metadata["error_type"]) == (None, "rate_limit_exceeded")


@pytest.mark.parametrize("span", [of_call(), of_application("work")], ids=["ours", "the application's"])
def test_whom_a_span_was_for_is_said_on_every_span(shown, span):
    found = shown(span)
    assert found.tags == ["feature:search"]
    assert {
        "user_id": "u_42",
        "session_id": "s_7",
        "thread_id": "s_7",
        "trace_name": "checkout",
        "environment": "staging",
        "release": "7.1",
    }.items() <= found.metadata.items()


def test_what_nobody_said_is_not_there(shown):
    nobody = dict.fromkeys(("user", "session", "trace_name", "environment", "release"))
    found = shown(of_call(**nobody, tags={}, metadata={}, resource={}))
    assert found.tags == []
    assert not {"user_id", "session_id", "thread_id", "trace_name", "environment", "release"} & set(found.metadata)


def test_what_is_known_of_a_call_wins_over_what_its_request_calls_so(shown):
    found = shown(of_call(metadata={"user_id": "someone", "team": "blue"}))
    assert (found.metadata["user_id"], found.metadata["team"]) == ("u_42", "blue")


def test_a_comma_parts_no_tag(shown):
    assert shown(of_call(tags={"cities": "Paris,Rome", "n": "2"})).tags == ["cities:Paris;Rome", "n:2"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({}, "chat openai/gpt-5-mini"),
        ({"generation_name": "answer"}, "answer"),
        ({"parent_span_id": None}, "checkout"),
        ({"parent_span_id": None, "generation_name": "answer"}, "checkout"),
        ({"parent_span_id": None, "trace_name": None, "generation_name": "answer"}, "answer"),
    ],
)
def test_the_root_has_the_name_of_the_trace_and_a_call_its_own(shown, facts, name):
    assert shown(of_call(**facts)).name == name


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "chain"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"openinference.span.kind": "RETRIEVER"}, "retriever"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        (CHAT, "llm"),
        ({}, "chain"),
    ],
)
def test_a_run_has_the_type_that_the_conventions_say(shown, stated, kind):
    assert shown(of_application("work", attributes=stated)).type == kind


def test_a_run_says_what_was_asked_of_which_model(shown):
    found = shown(of_call(WORDS))
    assert found.type == "llm"
    assert {name: found.metadata[name] for name in ("ls_provider", "ls_model_name", "ls_model_type", "provider")} == {
        "ls_provider": "openrouter",
        "ls_model_name": "openai/gpt-5-mini-2025-08-07",
        "ls_model_type": "chat",
        "provider": "Azure",
    }
    assert found.metadata["generation_id"] == "gen-1764000000-abcdefghij0123456789"
    assert (found.metadata["finish_reason"], found.metadata["time_to_first_token"]) == ("tool_calls", 0.25)
    tools = found.invocation.pop("tools")
    assert [tool["function"]["name"] for tool in tools] == ["get_weather"]
    assert found.invocation == {
        "model": "openai/gpt-5-mini",
        "max_tokens": 256,
        "temperature": Decimal("0.2"),
        "stop": ["END"],
        "reasoning_effort": "low",
        "tool_count": 1,
        "stream": True,
    }


def test_an_embedding_is_one(shown):
    found = shown(of_call(operation="embeddings"))
    assert (found.type, found.metadata["ls_model_type"]) == ("embedding", "embedding")


def test_tokens_and_cost(shown):
    assert shown(of_call(WORDS)).usage == {
        "input_tokens": 1200,
        "output_tokens": 80,
        "total_tokens": 1280,
        "input_token_details": {"cache_read": 1000, "cache_creation": 50},
        "output_token_details": {"reasoning": 30},
        "input_cost": Decimal("0.0001"),
        "output_cost": Decimal("0.000006000000000001"),
        "total_cost": Decimal("0.000106000000000001"),
    }


def test_tokens_and_cost_are_kept_where_no_words_are_sent(shown):
    found = shown(of_call())
    assert (found.inputs, found.outputs) == (None, {})
    assert (found.usage or {})["total_cost"] == Decimal("0.000106000000000001")


def test_tokens_that_nobody_counted_are_not_there(shown):
    unknown = dict.fromkeys(("cached_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens", "cost"))
    assert shown(of_call(**unknown)).usage == {"input_tokens": 1200, "output_tokens": 80, "total_tokens": 1280}


@pytest.mark.parametrize(
    "cost", ["0.000106000000000001", "0", "0.00000000000000000001", "123456789.000000000001", "0.1"]
)
def test_the_cost_is_exact(cost):
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    written = attributes(of_call(cost=Decimal(cost), **parts))["langsmith.usage_metadata"]
    assert bytes(written).endswith(f',"total_cost":{cost}}}'.encode())


def test_under_byok_the_providers_own_bill_is_part_of_the_cost(shown):
    found = shown(of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True))
    assert (found.usage or {})["total_cost"] == Decimal("0.00021")
    assert found.metadata["is_byok"] is True


def test_under_byok_a_fee_alone_is_not_the_cost(shown):
    found = shown(of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True))
    assert "total_cost" not in (found.usage or {})


def test_another_librarys_call_has_the_cost_that_was_added_to_it(shown):
    stated = {**CHAT, "gen_ai.usage.input_tokens": 7, "openrouter.cost_usd": "0.000106000000000001"}
    found = shown(of_application("chat gpt", attributes=stated))
    assert found.usage == {"input_tokens": 7, "total_cost": Decimal("0.000106000000000001")}


def test_the_outputs_of_another_library_stay(shown):
    stated = {**CHAT, "gen_ai.usage.input_tokens": 7, "output.value": '{"answer": 42}'}
    found = shown(of_application("chat gpt", attributes=stated))
    assert (found.outputs, found.usage) == ({"answer": 42}, {"input_tokens": 7})


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({}, None),
        ({"outcome": "killed"}, None),
        ({"outcome": "error", "error_type": "502"}, "502"),
        ({"outcome": "error", "error_type": "502", "error_message": "Bad Gateway"}, "502: Bad Gateway"),
    ],
)
def test_what_went_wrong_is_said(shown, facts, error):
    found = shown(of_call(**facts))
    assert (found.error, found.status) == (error, "success" if error is None else "error")
    assert found.metadata["outcome"] == facts.get("outcome", "completed")


def test_an_error_that_nobody_describes_is_one(shown):
    assert shown(of_application("work", status="error")).error == "error"


def test_an_exception_of_the_application_stays_as_it_is(shown):
    raised = Event(name="exception", time=1, attributes={"exception.type": "KeyError", "exception.message": "'x'"})
    assert shown(of_application("work", status="error", events=(raised,))).error == "'x'"


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_are_shown_as_a_conversation(shown):
    found = shown(of_call(WORDS))
    messages = (found.inputs or {})["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    (choice,) = (found.outputs or {})["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "tool_calls")
    assert (choice["message"]["content"], choice["message"]["reasoning"]) == ("Let me check.", "A tool knows.")
    (call,) = choice["message"]["tool_calls"]
    assert (call["id"], call["function"]) == ("call_1", {"name": "get_weather", "arguments": '{"city":"Paris"}'})


def test_words_are_sent_once():
    sent = attributes(of_call(WORDS))
    assert {"gen_ai.prompt", "gen_ai.completion"} <= sent.keys()
    for name in ("input.messages", "output.messages", "system_instructions", "tool.definitions"):
        assert f"gen_ai.{name}" not in sent


def test_words_of_no_known_shape_are_shown_as_they_are(shown):
    words = {"gen_ai.input.messages": "What?", "gen_ai.output.messages": "It is sunny."}
    found = shown(of_application("chat gpt", attributes=CHAT, content=words))
    assert (found.inputs, found.outputs) == ({"input": "What?"}, {"output": "It is sunny."})


@pytest.mark.parametrize(
    ("arguments", "result", "inputs", "outputs"),
    [
        ('{"a": 1}', '{"b": 2}', {"a": 1}, {"b": 2}),
        ("[1]", "done", {"input": [1]}, {"output": "done"}),
        ("", "", None, None),
    ],
)
def test_a_tool_shows_what_it_took_and_gave(shown, arguments, result, inputs, outputs):
    content = {"gen_ai.tool.call.arguments": arguments, "gen_ai.tool.call.result": result}
    found = shown(of_application("tool", attributes={"gen_ai.operation.name": "execute_tool"}, content=content))
    assert (found.type, found.inputs, found.outputs) == ("tool", inputs, outputs)


@needs_shared
def test_every_recorded_call_is_shown_as_openrouter_answered_it(tmp_path):
    chosen = [each for each in recordings("chat") if each.expect["cost"] is not None][::8]
    sent = [
        of_recording(each.id, trace_id=f"{number:032x}", span_id=f"{number:016x}", parent_span_id="00000000000000ff")
        for number, each in enumerate(chosen, 1)
    ]
    with langsmith() as (cloud, platform):
        standing = deliver(tmp_path, sent, "langsmith", endpoint=platform.url, api_key=KEY)
    assert (standing.delivered, standing.dead, cloud.faults) == (len(chosen), 0, [])
    for number, recording in enumerate(chosen, 1):
        found, expect = _of_trace(cloud, f"{number:032x}"), recording.expect
        usage = found.usage or {}
        assert found.metadata["ls_model_name"] == (expect["response_model"] or expect["request_model"])
        assert [usage.get(f"{name}_tokens") for name in ("input", "output", "total")] == [
            expect[f"{name}_tokens"] for name in ("input", "output", "total")
        ]
        assert usage.get("input_token_details", {}).get("cache_read") == expect["cached_tokens"]
        assert usage.get("output_token_details", {}).get("reasoning") == expect["reasoning_tokens"]
        if not expect["is_byok"]:
            assert usage["total_cost"] == Decimal(str(expect["cost"]))


def _of_trace(cloud, trace_id) -> Run:
    (found,) = [run for run in cloud.runs.values() if run.trace_id.replace("-", "") == trace_id]
    return found


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_arrives_and_its_neighbour_with_it(tmp_path, facts):
    neighbour = of_call(span_id="00000000000000aa", generation_name="neighbour")
    with langsmith() as (cloud, platform):
        standing = deliver(tmp_path, [of_call(**facts), neighbour], "langsmith", endpoint=platform.url, api_key=KEY)
    assert (standing.delivered, standing.dead, cloud.faults, len(cloud.runs)) == (2, 0, [], 2)
    assert (cloud.one("neighbour").usage or {})["total_cost"] == Decimal("0.000106000000000001")


@pytest.mark.parametrize(
    "stated",
    [
        {"x": "\ud800"},
        {"x": 2**70},
        {"x": float("nan")},
        {"x": {"a": object()}},
        {"x": None},
        {"\ud800": ["\udfff", 1]},
    ],
)
def test_what_the_application_puts_on_its_own_spans_costs_none_of_them(shown, stated):
    raised = Event(name="exception", time=1, attributes={"exception.message": "\ud800"})
    wrong = {"status": "error", "status_message": "\ud800", "events": (raised,), "trace_name": None}
    found = shown(of_application("\udfff", attributes=stated, **wrong))
    assert (found.name, found.error) == ("?", "?")


def test_requests_are_no_larger_than_langsmith_takes():
    words = [
        Content(call_id="c" * 32, input_messages=json.dumps([{"role": "user", "content": str(number) * 4_000_000}]))
        for number in range(5)
    ]
    assert [len(each.span_ids) for each in made().encode([of_call(each) for each in words], NOW)] == [2, 2, 1]


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(202, {}, b""), Delivered()),
        (Reply(200, JSON, b"{}"), Delivered()),
        (
            Reply(200, {"content-type": "text/html"}, b"<html>Log in"),
            Retry("HTTP 200 with an HTML page instead of an acknowledgement"),
        ),
        (Reply(200, JSON, b'{"error":"no"}'), Retry("HTTP 200: no")),
        (Reply(401, JSON, b'{"error":"Invalid token"}'), Unauthorized("HTTP 401: Invalid token")),
        (Reply(403, JSON, b'{"detail":"Forbidden"}'), Unauthorized("HTTP 403: Forbidden")),
        (Reply(413, JSON, b""), Split("HTTP 413")),
        (Reply(429, {"retry-after": "7"}, b'{"detail":"Monthly limit"}'), Retry("HTTP 429: Monthly limit", 7.0)),
        (Reply(502, {}, b"<html>"), Retry("HTTP 502")),
        (Reply(400, JSON, b'{"error":"proto: cannot parse"}'), Rejected({"0" * 16: "HTTP 400: proto: cannot parse"})),
        (
            Reply(200, JSON, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no root"}}'),
            Rejected({"0" * 16: "rejected: no root"}),
        ),
    ],
)
def test_an_answer_is_read(reply, verdict):
    assert made().judge(Encoded(Request(url="", body=b""), ("0" * 16,)), reply) == verdict


@pytest.mark.parametrize(
    ("first", "state"),
    [
        (refusal(401, "Invalid token"), "parked"),
        (refusal(429, "Rate limit exceeded", Retry_After="9"), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<html>Welcome to Hotel Wi-Fi"), "retrying"),
    ],
)
def test_what_langsmith_does_not_take_waits(tmp_path, first, state):
    with langsmith(first) as (cloud, platform):
        standing = deliver(tmp_path, [of_call()], "langsmith", endpoint=platform.url, api_key=KEY)
    assert (standing.state, standing.waiting, standing.delivered, cloud.runs) == (state, 1, 0, {})


def test_a_run_that_comes_twice_is_one_and_stays_as_it_was(tmp_path):
    with langsmith() as (cloud, platform):
        for number, cost in enumerate((Decimal("0.5"), Decimal("0.7"))):
            home, span = tmp_path / str(number), of_call(cost=cost)
            home.mkdir()
            assert deliver(home, [span], "langsmith", endpoint=platform.url, api_key=KEY).delivered == 1
    assert made().traits.resend == "ignored"
    (found,) = cloud.runs.values()
    assert (len(platform.received), found.usage and found.usage["total_cost"]) == (2, Decimal("0.5"))


def test_calls_of_one_trace_without_a_span_above_them_are_runs_of_their_own(tmp_path):
    spans_of_one = [of_call(span_id=f"{number:016x}", parent_span_id=None) for number in (1, 2, 3)]
    with langsmith() as (cloud, platform):
        assert deliver(tmp_path, spans_of_one, "langsmith", endpoint=platform.url, api_key=KEY).delivered == 3
    assert [run.parent_id for run in cloud.runs.values()] == [None] * 3


@pytest.mark.parametrize(("span_ids", "verdict"), [(("1" * 16,), Delivered), (("1" * 16, "2" * 16), Rejected)])
def test_a_conflict_is_a_run_that_langsmith_has_where_there_is_one_alone(span_ids, verdict):
    reply = Reply(409, JSON, b'{"error":"Conflict: payload already received"}')
    assert isinstance(made().judge(Encoded(Request(url="", body=b""), span_ids), reply), verdict)


@pytest.mark.parametrize(
    ("endpoint", "hours"),
    [
        ("https://api.smith.langchain.com", 23),
        ("https://eu.api.smith.langchain.com/otel", 23),
        ("https://smith.example/api/v1", None),
        ("https://smith.langchain.com.example/api/v1", None),
    ],
)
def test_only_the_cloud_takes_no_old_runs(endpoint, hours):
    age = made(endpoint=endpoint).traits.max_age
    assert age == (None if hours is None else hours * 3600)


# --- the test of a connection ----------------------------------------------------------------------------------------


@pytest.fixture
def wire():
    with closing(Wire()) as opened:
        yield opened


@pytest.mark.parametrize("base", ["", "/api/v1"])
def test_a_connection_is_tested_without_leaving_a_trace(wire, base):
    with langsmith(base=base, workspace="w_1") as (cloud, platform):
        exporter = made(endpoint=platform.url + base, workspace_id="w_1")
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
    assert (cloud.runs, cloud.faults) == ({}, [])


@pytest.mark.parametrize("wrong", [{"api_key": "lsv2_pt_other"}, {"workspace_id": "w_2"}])
def test_a_wrong_key_is_told(wire, wrong):
    with langsmith() as (_, platform):
        exporter = made(endpoint=platform.url, **wrong)
        told = exporter.diagnose(wire.post(exporter.probe(NOW)))
    assert told is not None
    assert "LANGSMITH_API_KEY" in told
    assert "LANGSMITH_WORKSPACE_ID" in told


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(404, JSON, b"{}"), "/api/v1"),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), "is not one of LangSmith"),
        (Reply(503, JSON, b""), "HTTP 503, which may be temporary"),
        (Reply(403, {"content-type": "text/html"}, b"<html>"), "A proxy or a firewall"),
    ],
)
def test_what_is_no_langsmith_is_told(reply, told):
    assert told in (made().diagnose(reply) or "")
