import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Retry, Split, Unauthorized
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.records.content import Content
from spancast_exporters.mlflow import Mlflow
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import answer, hanging_up, in_json
from tests.support.platforms.mlflow import EXPERIMENT, NAME, Shown, mlflow
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
HERE = {"endpoint": "http://localhost:5000", "experiment_id": EXPERIMENT}
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
VARIABLES = (
    *(
        "TRACKING_URI",
        "EXPERIMENT_ID",
        "EXPERIMENT_NAME",
        "TRACKING_USERNAME",
        "TRACKING_PASSWORD",
        "TRACKING_TOKEN",
        "WORKSPACE",
    ),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


def made(**settings) -> Mlflow:
    exporter = discover.exporter(Destination("mlflow", **settings))
    assert isinstance(exporter, Mlflow)
    return exporter


def attributes(span, **settings) -> dict[str, Any]:
    (encoded,) = made(**HERE, **settings).encode([span], NOW)
    (found,) = spans(encoded)
    return found["attributes"]


@pytest.fixture
def shown(tmp_path):
    """Return how MLflow shows a span that came to it through the courier."""
    homes = (tmp_path / str(number) for number in count())

    def show(span) -> Shown:
        with mlflow() as (tracking, platform):
            settings = {"endpoint": platform.url, "experiment_id": EXPERIMENT}
            assert deliver(next(homes), [span], "mlflow", **settings).delivered == 1
        assert tracking.faults == []
        (found,) = tracking.spans.values()
        return found

    return show


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "headers"),
    [
        ({}, "http://localhost:5000/v1/traces", {"x-mlflow-experiment-id": "0"}),
        (
            {"TRACKING_URI": "https://mlflow.example/", "EXPERIMENT_ID": "7", "TRACKING_TOKEN": "t0ken"},
            "https://mlflow.example/v1/traces",
            {"x-mlflow-experiment-id": "7", "authorization": "Bearer t0ken"},
        ),
        (
            {"TRACKING_USERNAME": "ada", "TRACKING_PASSWORD": "pa55", "TRACKING_TOKEN": "t0ken", "WORKSPACE": "w"},
            "http://localhost:5000/v1/traces",
            {"x-mlflow-experiment-id": "0", "authorization": "Basic YWRhOnBhNTU=", "x-mlflow-workspace": "w"},
        ),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url, headers):
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    exporter = made()
    (encoded,) = exporter.encode([of_call()], NOW)
    protobuf = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert (encoded.request.url, encoded.request.headers) == (url, headers | protobuf)
    assert "t0ken" not in repr(exporter)
    assert "pa55" not in repr(exporter)


@pytest.mark.parametrize("uri", ["databricks", "sqlite:///mlflow.db", "./mlruns"])
def test_a_place_that_is_no_server_is_refused(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ConfigurationError, match=r"cannot be .* Give a URL"):
        made()


def test_what_is_no_header_is_refused():
    with pytest.raises(ConfigurationError, match="header x-mlflow-experiment-id"):
        made(experiment_id=" ")


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    (encoded,) = made(**HERE).encode(a_trace(), NOW)
    golden.check("mlflow", readable(encoded))


def test_a_trace_is_shown_like_this(tmp_path):
    with mlflow() as (tracking, platform):
        settings = {"endpoint": platform.url, "experiment_id": EXPERIMENT}
        assert deliver(tmp_path, a_trace(), "mlflow", **settings).delivered == 4
    assert tracking.faults == []
    agent, chat = tracking.one("checkout"), tracking.one("chat openai/gpt-5-mini")
    tool, refused = tracking.one("execute_tool get_weather"), tracking.one("second try")
    assert [each["mlflow.spanType"] for each in (agent, chat, tool, refused)] == [
        *("AGENT", "CHAT_MODEL", "TOOL", "CHAT_MODEL")
    ]
    assert agent.tags == {
        "mlflow.traceName": "checkout",
        "feature": "search",
        "environment": "staging",
        "release": "7.1",
    }
    assert (agent["input.value"], agent["output.value"]) == ("What is the weather in Paris?", "I do not know.")
    assert (tool["gen_ai.tool.call.arguments"], tool.status_message) == ('{"city": "Paris"}', "no answer")
    assert (refused.status, refused.status_message, refused["mlflow.llm.cost"]) == (
        *("ERROR", "Rate limit exceeded", None),
    )
    assert {each["user.id"] for each in tracking.spans.values()} == {"u_42"}
    assert {each["session.id"] for each in tracking.spans.values()} == {"s_7"}


def test_a_call_says_what_it_was(shown):
    found = shown(of_call())
    assert (found["mlflow.llm.model"], found["mlflow.llm.provider"]) == ("openai/gpt-5-mini-2025-08-07", "openrouter")
    assert found["mlflow.chat.tokenUsage"] == {
        "input_tokens": 1200,
        "output_tokens": 80,
        "total_tokens": 1280,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 50,
    }
    said = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.response.time_to_first_chunk", "gen_ai.request.temperature")
    assert [found[name] for name in (*said, "openrouter.provider", "spancast.metadata.team")] == [
        *(30, 0.25, 0.2, "Azure", "blue")
    ]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        *(("chat", "CHAT_MODEL"), ("responses", "CHAT_MODEL"), ("message", "CHAT_MODEL"), ("completion", "LLM")),
        *(("embeddings", "EMBEDDING"), ("rerank", "RERANKER"), ("image", "LLM"), ("speech", "LLM")),
    ],
)
def test_a_call_has_a_kind(operation, kind):
    assert attributes(of_call(operation=operation))["mlflow.spanType"] == kind


@pytest.mark.parametrize("cost", ["0.000106000000000001", "0", "0.00000000000000000001", "123456789.000000000001"])
def test_the_cost_is_exact(cost):
    # All digits are looked for in the text itself: what reads it may be a double.
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    written = attributes(of_call(cost=Decimal(cost), **parts))["mlflow.llm.cost"]
    assert bytes(written) == f'{{"total_cost":{Decimal(cost):f}}}'.encode()


def test_the_cost_is_parted_where_the_parts_add_up(shown):
    assert shown(of_call())["mlflow.llm.cost"] == {
        "input_cost": Decimal("0.0001"),
        "output_cost": Decimal("0.000006000000000001"),
        "total_cost": Decimal("0.000106000000000001"),
    }
    assert shown(of_call(cost=Decimal("0.0002")))["mlflow.llm.cost"] == {"total_cost": Decimal("0.0002")}


def test_a_cost_that_is_not_known_is_not_told(shown):
    assert not [name for name in shown(of_call(**UNKNOWN)).attributes if "cost" in name]


def test_with_an_own_key_the_providers_bill_is_part_of_the_cost(shown):
    found = shown(of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True))
    assert found["mlflow.llm.cost"] == {"total_cost": Decimal("0.00021")}
    assert shown(of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True))["mlflow.llm.cost"] is None


def test_another_librarys_call_has_the_cost_that_was_added_to_it_and_keeps_its_kind(shown):
    theirs = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "openrouter.cost_usd": "0.1000000000001"}
    found = shown(of_application("chat", attributes={**theirs, "mlflow.spanType": "LLM"}))
    assert found["mlflow.llm.cost"] == {"total_cost": Decimal("0.1000000000001")}
    assert (found["mlflow.chat.tokenUsage"], found["mlflow.spanType"]) == ({"input_tokens": 7}, "LLM")
    agent = of_application("run", attributes={"gen_ai.operation.name": "invoke_agent", "openrouter.cost_usd": "0.1"})
    assert shown(agent)["mlflow.llm.cost"] is None


def test_figures_that_mlflow_cannot_add_up_are_left_out_and_others_stay(shown):
    names = ("mlflow.llm.cost", "mlflow.chat.tokenUsage")
    for broken in ("[1]", "7", "none", '{"total_cost": "1"}', 5):
        found = shown(of_application("w", attributes=dict.fromkeys(names, broken)))
        assert [found[name] for name in names] == [None, None], broken
    theirs = shown(of_application("w", attributes={"mlflow.llm.cost": '{"total_cost": 0.5}'}))
    assert theirs["mlflow.llm.cost"] == {"total_cost": Decimal("0.5")}
    ours = {"gen_ai.operation.name": "chat", "mlflow.llm.cost": "[1]", "openrouter.cost_usd": "0.1"}
    assert shown(of_application("w", attributes=ours))["mlflow.llm.cost"] == {"total_cost": Decimal("0.1")}


@pytest.mark.parametrize("broken", [5, ("a",), "[1]", '{"a": 1}', True])
def test_a_kind_that_is_none_is_left_out(shown, broken):
    names = ("mlflow.spanType", "openinference.span.kind", "traceloop.span.kind", "gen_ai.operation.name")
    found = shown(of_application("w", attributes=dict.fromkeys(names, broken)))
    assert [found[name] for name in names] == [None] * 4
    mixed = {"mlflow.spanType": broken, "gen_ai.operation.name": "execute_tool"}
    assert shown(of_application("w", attributes=mixed))["mlflow.spanType"] == "TOOL"


def test_the_tags_of_a_trace_are_its_roots_and_mlflows_own_are_left_alone(shown):
    tags = {"mlflow.trace.spansLocation": "nowhere", "team": "red", "": "x"}
    found = shown(of_call(tags=tags, parent_span_id=None))
    assert found.tags == {"mlflow.traceName": "checkout", "team": "red", "environment": "staging", "release": "7.1"}
    assert found.name == "checkout"
    assert shown(of_call()).tags == {}
    many = {f"key {number}": "x" for number in range(1_000)}
    found = shown(of_call(metadata={**many, "team": "green"}, tags={"team": "red"}, parent_span_id=None))
    assert (found.tags["team"], found.tags["environment"], len(found.tags)) == ("red", "staging", 101)


def test_what_nobody_said_is_not_there(shown):
    nobody = dict.fromkeys(("user", "session", "trace_name", "environment", "release"))
    found = shown(of_call(**nobody, tags={}, metadata={}, resource={}, parent_span_id=None))
    assert ([found[name] for name in ("user.id", "session.id")], found.tags) == ([None, None], {})


def test_two_long_users_stay_two(shown):
    one, other = (shown(of_call(user="u" * 300 + end))["user.id"] for end in "ab")
    assert len(one) == len(other) == 250
    assert one != other


def test_two_long_sessions_stay_two_and_another_librarys_fits_too(shown):
    one, other = (shown(of_call(session="s" * 300 + end))["session.id"] for end in "ab")
    assert len(one) == len(other) == 250
    assert one != other
    for name in ("session.id", "gen_ai.conversation.id"):
        assert len(shown(of_application("w", session=None, attributes={name: "c" * 300}))[name]) == 250


# --- words -----------------------------------------------------------------------------------------------------------


def test_what_has_a_column_of_its_own_is_without_what_postgresql_holds_in_none():
    nul = {"parent_span_id": None, "user": "u\0", "session": "s\0", "trace_name": "t\0", "tags": {"a\0": "b\0"}}
    (found,) = spans(made(**HERE).encode([of_call(**nul)], NOW)[0])
    told = {"name": found["name"], **found["attributes"]}
    names = ("name", "user.id", "session.id", "mlflow.traceTag.mlflow.traceName", "mlflow.traceTag.a\ufffd")
    assert [told[name] for name in names] == ["t\ufffd", "u\ufffd", "s\ufffd", "t\ufffd", "b\ufffd"]
    other = of_application("work", session=None, attributes={"session.id": "s\0"})
    assert attributes(other)["session.id"] == "s\ufffd"


def test_words_are_a_conversation_as_openais_client_has_it(shown):
    found = shown(of_call(WORDS))
    asked, answered = found["mlflow.spanInputs"], found["mlflow.spanOutputs"]
    assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "tool"]
    assert (asked["model"], asked["max_tokens"], asked["tools"]) == (
        *("openai/gpt-5-mini-2025-08-07", 256, found["mlflow.chat.tools"]),
    )
    assert found["mlflow.chat.tools"][0]["function"]["name"] == "get_weather"
    (choice,) = answered["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "Let me check.")
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert found["mlflow.message.format"] == "openai"
    assert found["gen_ai.system_instructions"] is None


def test_a_destination_in_private_gets_no_words(shown):
    said = set(shown(of_call()).attributes)
    assert not {"mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools", "mlflow.message.format"} & said


def test_words_of_no_known_shape_are_shown_as_they_are(shown):
    span = of_application(
        "chat gpt",
        attributes={"gen_ai.operation.name": "chat"},
        content={"gen_ai.input.messages": WORDS.input_messages or "", "gen_ai.output.messages": "It is sunny."},
    )
    found = shown(span)
    assert (found["mlflow.spanInputs"]["messages"][0]["role"], found["mlflow.spanOutputs"]) == ("user", "It is sunny.")


def test_a_question_of_no_known_shape_is_not_lost_beside_instructions(shown):
    said = {"gen_ai.system_instructions": WORDS.system_instructions or "", "gen_ai.input.messages": "Sunny?"}
    found = shown(of_application("chat", attributes={"gen_ai.operation.name": "chat"}, content=said))
    assert found["mlflow.spanInputs"] == "Sunny?"
    assert "You are terse." in found["gen_ai.system_instructions"]


def test_what_is_nested_deeper_than_mlflow_reads_is_left_out(shown):
    deep = "[" * 201 + "]" * 201
    assert shown(of_application("w", attributes={"a": deep}))["a"] == "[too deep]"
    wide = json.dumps([[{"a": 1}]] * 300)
    assert shown(of_application("w", attributes={"a": wide}))["a"] == wide
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "[" * 5_000}]}])
    content = Content(call_id="c" * 32, input_messages=asked)
    assert shown(of_call(content))["mlflow.spanInputs"] is not None


@needs_shared
def test_every_recorded_call_is_shown_as_openrouter_answered_it(tmp_path):
    chosen = [each for each in recordings("chat") if each.expect["cost"] is not None][::12]
    sent = [
        of_recording(each.id, trace_id=f"{number:032x}", span_id=f"{number:016x}")
        for number, each in enumerate(chosen, 1)
    ]
    with mlflow() as (tracking, platform):
        standing = deliver(tmp_path, sent, "mlflow", endpoint=platform.url, experiment_id=EXPERIMENT)
    assert (standing.delivered, standing.dead, tracking.faults) == (len(chosen), 0, [])
    for span, recording in zip(sent, chosen, strict=True):
        found, expect = tracking.spans[span.span_id], recording.expect
        assert found["mlflow.llm.model"] == (expect["response_model"] or expect["request_model"])
        usage = found["mlflow.chat.tokenUsage"] or {}
        assert usage.get("total_tokens") == expect["total_tokens"]
        assert usage.get("cache_read_input_tokens") == expect["cached_tokens"]
        if not expect["is_byok"]:
            assert found["mlflow.llm.cost"]["total_cost"] == Decimal(str(expect["cost"]))


# --- bad input, answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_arrives_and_its_neighbour_with_it(tmp_path, facts):
    neighbour = of_call(span_id="00000000000000aa", generation_name="neighbour")
    with mlflow() as (tracking, platform):
        settings = {"endpoint": platform.url, "experiment_id": EXPERIMENT}
        standing = deliver(tmp_path, [of_call(**facts), neighbour], "mlflow", **settings)
    assert (standing.delivered, standing.dead, tracking.faults) == (2, 0, [])
    assert tracking.one("neighbour")["mlflow.llm.cost"]["total_cost"] == Decimal("0.000106000000000001")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, {"content-type": "application/x-protobuf"}), Delivered()),
        (
            Reply(200, {"content-type": "text/html"}, b"<p>"),
            Retry("HTTP 200 with an HTML page instead of an acknowledgement"),
        ),
        (Reply(401), Unauthorized("HTTP 401")),
        (Reply(503), Retry("HTTP 503")),
        (Reply(422, {}, b'{"detail":"Failed to log OpenTelemetry spans"}'), "all or one"),
        (Reply(400, {}, b'{"error_code":"INVALID_PARAMETER_VALUE","message":"too long"}'), "all or one"),
    ],
)
def test_an_answer_is_read_and_a_refusal_of_several_may_be_about_one(reply, verdict):
    exporter = made(**HERE)
    (two,) = exporter.encode([of_call(), of_application("w")], NOW)
    one = Encoded(two.request, two.span_ids[:1])
    if verdict == "all or one":
        assert isinstance(exporter.judge(two, reply), Split)
        assert isinstance(exporter.judge(one, reply), Rejected)
    else:
        assert exporter.judge(two, reply) == exporter.judge(one, reply) == verdict


def test_one_that_mlflow_cannot_store_costs_no_other(tmp_path):
    bad = of_application("bad", span_id="00000000000000aa", attributes={"a": "[" * 150 + "{" * 50 + "]" * 3})
    with mlflow(answer(422), answer(422)) as (tracking, platform):
        settings = {"endpoint": platform.url, "experiment_id": EXPERIMENT}
        standing = deliver(tmp_path, [of_call(), bad], "mlflow", **settings)
    assert standing.delivered + standing.dead == 2
    assert len(tracking.spans) == standing.delivered == 1


def test_a_span_whose_answer_was_lost_is_sent_again(tmp_path):
    assert made().traits.resend == "upsert"
    with mlflow(hanging_up) as (tracking, platform):
        settings = {"endpoint": platform.url, "experiment_id": EXPERIMENT}
        standing = deliver(tmp_path, [of_call()], "mlflow", **settings)
    assert (standing.state, standing.waiting, standing.dead) == ("retrying", 1, 0)
    assert tracking.faults == []


def test_a_connection_is_tested_by_the_experiment():
    exporter = made(**HERE, token="t0ken")
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    request = exporter.probe(NOW)
    assert (request.method, request.url) == (
        *("GET", "http://localhost:5000/api/2.0/mlflow/experiments/get?experiment_id=42"),
    )
    assert request.headers["authorization"] == "Bearer t0ken"
    assert exporter.diagnose(Reply(200, {}, b'{"experiment": {"experiment_id": "42"}}')) is None
    gone = b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No Experiment with id=42 exists"}'
    for reply, told in (
        (Reply(404, {}, gone), "MLFLOW_EXPERIMENT_ID"),
        (Reply(404), "Check the endpoint"),
        (Reply(401), "MLFLOW_TRACKING_TOKEN"),
        (Reply(200, {}, b"{}"), "MLFLOW_TRACKING_URI"),
        (Reply(200, {"content-type": "text/html"}, b"<p>"), "page"),
    ):
        assert told in (exporter.diagnose(reply) or "")


# --- an experiment by its name ---------------------------------------------------------------------------------------


def test_the_id_of_an_experiment_is_asked_for_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", NAME)
    with mlflow() as (tracking, platform):
        assert deliver(tmp_path, a_trace(), "mlflow", endpoint=platform.url).delivered == 4
    assert (len(tracking.spans), tracking.faults) == (4, [])
    asked, sent = platform.received
    assert (asked.method, sent.headers["x-mlflow-experiment-id"]) == ("GET", EXPERIMENT)
    assert "x-mlflow-experiment-id" not in asked.headers


def test_an_id_wins_over_a_name(monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", NAME)
    (encoded,) = made(experiment_id="7").encode([of_call()], NOW)
    assert encoded.request.headers["x-mlflow-experiment-id"] == "7"


@pytest.mark.parametrize(
    ("reply", "state", "why"),
    [
        (None, "retrying", "has no experiment 'nowhere': create it, or check MLFLOW_EXPERIMENT_NAME"),
        (answer(401), "parked", "HTTP 401"),
        (answer(503), "retrying", "answers HTTP 503 to the request for the experiment"),
        (
            answer(200, {"content-type": "text/html"}, b"<p>"),
            "retrying",
            "answers HTTP 200 to the request for the experiment",
        ),
        (in_json(200, {"experiment": {"experiment_id": "a\nb"}}), "retrying", "to the request for the experiment"),
    ],
)
def test_nothing_is_sent_where_the_experiment_is_not_known(tmp_path, reply, state, why):
    with mlflow(*[reply] if reply else []) as (tracking, platform):
        standing = deliver(tmp_path, [of_call()], "mlflow", endpoint=platform.url, experiment="nowhere")
    assert (standing.state, standing.waiting, tracking.spans) == (state, 1, {})
    assert why in (standing.reason or "")


def test_a_connection_is_tested_by_the_name():
    exporter = made(endpoint="http://localhost:5000", experiment=NAME)
    request = exporter.probe(NOW)
    assert request.url.endswith("/api/2.0/mlflow/experiments/get-by-name?experiment_name=the+shop%2F1")
    assert exporter.diagnose(Reply(200, {}, b'{"experiment": {"experiment_id": "42"}}')) is None
