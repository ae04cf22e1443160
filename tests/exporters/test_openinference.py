"""Phoenix and Arize AX, through the real courier, to one strict collector that knows OpenInference's names."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from spancast.contract import Exporter, Probe, ReadBack, Reply, conflicting
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.records.content import Content
from spancast_exporters.phoenix import Phoenix
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import answer, hanging_up
from tests.support.platforms.openinference import Shown, collector
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import AT, SECOND, WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
OPTIONS = {
    "phoenix": {"api_key": "k3y", "project": "shop"},
    "arize": {"api_key": "k3y", "space_id": "sp4ce", "project": "shop"},
}
HEADERS = {
    "phoenix": {"authorization": "Bearer k3y"},
    "arize": {
        "authorization": "k3y",
        "api_key": "k3y",
        "arize-space-id": "sp4ce",
        "space_id": "sp4ce",
        "arize-interface": "otel",
    },
}
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
VARIABLES = (
    *("PHOENIX_API_KEY", "PHOENIX_COLLECTOR_ENDPOINT", "PHOENIX_PROJECT", "PHOENIX_PROJECT_NAME"),
    *("PHOENIX_CLIENT_HEADERS", "ARIZE_API_KEY", "ARIZE_SPACE_ID", "ARIZE_PROJECT_NAME", "ARIZE_COLLECTOR_ENDPOINT"),
)
each_platform = pytest.mark.parametrize("name", OPTIONS)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(name: str, **settings: Any) -> Any:
    return discover.exporter(Destination(name, **settings))


def attributes(span, name: str = "phoenix", **settings: Any) -> dict[str, Any]:
    (encoded,) = made(name, **{**OPTIONS[name], **settings}).encode([span], NOW)
    (found,) = spans(encoded)
    return found["attributes"]


@pytest.fixture(params=OPTIONS)
def shown(request, tmp_path):
    """Return how the platform shows a span that came to it through the courier."""

    homes = (tmp_path / str(number) for number in count())

    def show(span) -> Shown:
        name = request.param
        with collector(HEADERS[name]) as (kept, platform):
            assert deliver(next(homes), [span], name, endpoint=platform.url, **OPTIONS[name]).delivered == 1
        assert kept.faults == []
        (found,) = kept.spans.values()
        return found

    return show


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "http://localhost:6006/v1/traces"),
        ("http://phoenix:6006/", "http://phoenix:6006/v1/traces"),
        ("http://phoenix:6006/v1/traces", "http://phoenix:6006/v1/traces"),
        ("https://app.phoenix.arize.com/s/me", "https://app.phoenix.arize.com/s/me/v1/traces"),
    ],
)
def test_phoenixs_variables_say_where_it_goes(monkeypatch, endpoint, url):
    if endpoint:
        monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", endpoint)
    monkeypatch.setenv("PHOENIX_API_KEY", "k3y")
    monkeypatch.setenv("PHOENIX_PROJECT_NAME", "old")
    monkeypatch.setenv("PHOENIX_CLIENT_HEADERS", "x-tenant=blue%20team")
    exporter = made("phoenix")
    (encoded,) = exporter.encode([of_call()], NOW)
    protobuf = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert (encoded.request.url, encoded.request.headers) == (
        url,
        {"authorization": "Bearer k3y", "x-tenant": "blue team"} | protobuf,
    )
    assert spans(encoded)[0]["resource"]["openinference.project.name"] == "old"
    monkeypatch.setenv("PHOENIX_PROJECT", "new")
    assert made("phoenix").project == "new"
    assert not {"k3y", "blue team"} & set(repr(exporter).split("'"))


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://otlp.arize.com/v1/traces"),
        ("https://otlp.eu-west-1a.arize.com/v1", "https://otlp.eu-west-1a.arize.com/v1/traces"),
        ("https://otlp.eu-west-1a.arize.com/v1/traces", "https://otlp.eu-west-1a.arize.com/v1/traces"),
    ],
)
def test_arizes_variables_say_where_it_goes(monkeypatch, endpoint, url):
    if endpoint:
        monkeypatch.setenv("ARIZE_COLLECTOR_ENDPOINT", endpoint)
    monkeypatch.setenv("ARIZE_API_KEY", "k3y")
    monkeypatch.setenv("ARIZE_SPACE_ID", "sp4ce")
    monkeypatch.setenv("ARIZE_PROJECT_NAME", "shop")
    (encoded,) = made("arize").encode([of_call()], NOW)
    protobuf = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert (encoded.request.url, encoded.request.headers) == (url, HEADERS["arize"] | protobuf)
    assert spans(encoded)[0]["resource"]["openinference.project.name"] == "shop"
    assert "k3y" not in repr(made("arize"))


def test_a_phoenix_of_ones_own_needs_no_key_and_arize_needs_both(monkeypatch):
    assert "authorization" not in made("phoenix").encode([of_call()], NOW)[0].request.headers
    for name in ("api_key", "space_id"):
        given = {key: value for key, value in OPTIONS["arize"].items() if key != name}
        with pytest.raises(Unconfigured, match=rf"ARIZE_{name.upper()}.*Settings, API Keys"):
            made("arize", **given)


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("phoenix", {"endpoint": "localhost:6006"}, "Give a URL"),
        ("phoenix", {"api_key": "a\nb"}, "header authorization"),
        ("phoenix", {"headers": "x"}, "headers cannot be parsed"),
        ("arize", {"space_id": "é"}, "header arize-space-id"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(name, settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(name, **{**OPTIONS[name], **settings})


@each_platform
def test_a_variable_that_holds_no_url_is_refused(name, monkeypatch):
    monkeypatch.setenv(f"{name.upper()}_COLLECTOR_ENDPOINT", "somewhere")
    with pytest.raises(ConfigurationError, match=r"cannot be .* Give a URL"):
        made(name, **OPTIONS[name])


def test_a_span_without_a_project_is_phoenixs_to_place_and_arize_is_told_one():
    theirs = {"openinference.project.name": "theirs"}
    for name, expected in (("phoenix", None), ("arize", "default")):
        exporter = made(name, **{**OPTIONS[name], "project": None})
        (one,), (other,) = (
            spans(exporter.encode([span], NOW)[0]) for span in (of_call(), of_application("w", resource=theirs))
        )
        assert one["resource"].get("openinference.project.name") == expected
        assert other["resource"]["openinference.project.name"] == "theirs"


# --- what goes -------------------------------------------------------------------------------------------------------


@each_platform
def test_a_trace_goes_over_the_wire_like_this(name):
    (encoded,) = made(name, **OPTIONS[name]).encode(a_trace(), NOW)
    golden.check(name, readable(encoded))


@each_platform
def test_a_trace_is_shown_like_this(name, tmp_path):
    with collector(HEADERS[name]) as (kept, platform):
        assert deliver(tmp_path, a_trace(), name, endpoint=platform.url, **OPTIONS[name]).delivered == 4
    assert kept.faults == []
    agent, chat = kept.one("checkout"), kept.one("chat openai/gpt-5-mini")
    tool, refused = kept.one("execute_tool get_weather"), kept.one("second try")
    assert [each["openinference.span.kind"] for each in (agent, chat, tool, refused)] == ["AGENT", "LLM", "TOOL", "LLM"]
    assert (agent["agent.name"], agent["input.value"], agent["output.value"]) == (
        *("weather", "What is the weather in Paris?", "I do not know."),
    )
    assert (tool["tool.name"], tool["input.value"], tool.status, tool.status_message) == (
        *("get_weather", '{"city": "Paris"}', "ERROR", "no answer"),
    )
    assert (refused.status, refused.status_message, refused["llm.cost.total"]) == ("ERROR", "Rate limit exceeded", None)
    assert json.loads(refused["metadata"])["error_type"] == "rate_limit_exceeded"
    assert {each.project for each in (agent, chat, tool, refused)} == {"shop"}
    assert {each["user.id"] for each in kept.spans.values()} == {"u_42"}
    assert {each["session.id"] for each in kept.spans.values()} == {"s_7"}
    assert chat.events == [("First Token Stream Event", AT + SECOND // 4)]


def test_a_call_says_what_was_asked_of_which_model(shown):
    found = shown(of_call())
    expected = {
        "llm.model_name": "openai/gpt-5-mini-2025-08-07",
        "llm.request.model_name": "openai/gpt-5-mini",
        "llm.response.model_name": "openai/gpt-5-mini-2025-08-07",
        "llm.system": "openrouter",
        "llm.provider": "azure",
        "llm.finish_reason": "tool_calls",
        "llm.token_count.prompt": 1200,
        "llm.token_count.completion": 80,
        "llm.token_count.total": 1280,
        "llm.token_count.prompt_details.cache_read": 1000,
        "llm.token_count.prompt_details.cache_write": 50,
        "llm.token_count.completion_details.reasoning": 30,
        "tag.tags": ["feature:search"],
        "user.id": "u_42",
        "session.id": "s_7",
    }
    assert {name: found[name] for name in expected} == expected
    assert json.loads(found["llm.invocation_parameters"]) == {
        "max_tokens": 256,
        "temperature": 0.2,
        "stop": ["END"],
        "reasoning_effort": "low",
        "tool_count": 1,
        "stream": True,
    }
    assert json.loads(found["metadata"]) == {
        "trace_name": "checkout",
        "environment": "staging",
        "release": "7.1",
        "generation_id": "gen-1764000000-abcdefghij0123456789",
        "cost_source": "response",
        "is_byok": False,
        "outcome": "completed",
        "team": "blue",
    }
    assert not [name for name in found.attributes if name.startswith(("spancast.tag.", "spancast.metadata."))]
    assert not conflicting(found.attributes)


def test_the_cost_is_parted_where_the_parts_add_up(shown):
    found = shown(of_call())
    assert [found[f"llm.cost.{part}"] for part in ("total", "prompt", "completion")] == [
        *(0.000106000000000001, 0.0001, 0.000006000000000001)
    ]
    assert found["openrouter.cost_usd"] == "0.000106000000000001"
    found = shown(of_call(cost=Decimal("0.0002")))
    assert [found[f"llm.cost.{part}"] for part in ("total", "prompt", "completion")] == [0.0002, None, None]


def test_a_cost_that_is_not_known_is_not_told_and_one_of_nothing_is(shown):
    assert not [name for name in shown(of_call(**UNKNOWN)).attributes if ".cost" in name]
    assert shown(of_call(**{**UNKNOWN, "cost": Decimal(0)}))["llm.cost.total"] == 0.0


def test_with_an_own_key_the_providers_bill_is_part_of_the_cost(shown):
    found = shown(of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True))
    assert found["llm.cost.total"] == 0.00021
    assert shown(of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True))["llm.cost.total"] is None


@pytest.mark.parametrize(
    ("provider", "called"),
    [
        ("Azure", "azure"),
        ("Amazon Bedrock", "aws"),
        ("Google Vertex", "google"),
        ("DeepInfra", "deepinfra"),
        (None, None),
    ],
)
def test_a_provider_has_openinferences_name(provider, called):
    assert attributes(of_call(provider=provider)).get("llm.provider") == called


def test_what_nobody_said_is_not_there(shown):
    nobody = dict.fromkeys(("user", "session", "trace_name", "environment", "release", "time_to_first_token"))
    found = shown(of_call(**nobody, tags={}, metadata={}, resource={}, parameters=None, streamed=False))
    assert found.events == []
    unsaid = ("user.id", "session.id", "tag.tags", "llm.invocation_parameters", "input.value", "output.value")
    assert [found[name] for name in unsaid] == [None] * len(unsaid)
    assert not {"trace_name", "environment", "release", "team"} & set(json.loads(found["metadata"]))


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_are_a_conversation(shown):
    found = shown(of_call(WORDS))
    assert found.messages("input") == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "What is the weather in Paris?"},
        {
            "role": "assistant",
            "tool_calls.0.tool_call.id": "call_0",
            "tool_calls.0.tool_call.function.name": "get_place",
            "tool_calls.0.tool_call.function.arguments": '{"name":"Paris"}',
        },
        {"role": "tool", "tool_call_id": "call_0", "content": '{"lat":48.9,"lon":2.3}'},
    ]
    assert found.messages("output") == [
        {
            "role": "assistant",
            "contents.0.message_content.type": "reasoning",
            "contents.0.message_content.text": "A tool knows.",
            "contents.1.message_content.type": "text",
            "contents.1.message_content.text": "Let me check.",
            "tool_calls.0.tool_call.id": "call_1",
            "tool_calls.0.tool_call.function.name": "get_weather",
            "tool_calls.0.tool_call.function.arguments": '{"city":"Paris"}',
        }
    ]
    tool = json.loads(found["llm.tools.0.tool.json_schema"])
    assert (tool["type"], tool["function"]["name"]) == ("function", "get_weather")
    assert [each["role"] for each in json.loads(found["input.value"])["messages"]] == [
        *("system", "user", "assistant", "tool")
    ]
    assert json.loads(found["output.value"])["tool_calls"][0]["function"]["name"] == "get_weather"


def words(**facts: Any) -> Content:
    return Content(call_id="c" * 32, **{name: json.dumps(value) for name, value in facts.items()})


def test_an_answer_of_text_alone_is_that_text(shown):
    said = [{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]}]
    found = shown(of_call(words(output_messages=said)))
    assert (found["output.value"], found["output.mime_type"]) == ("Sunny.", "text/plain")
    assert found.messages("output") == [{"role": "assistant", "content": "Sunny."}]


def test_pictures_sounds_and_files_are_parts(shown):
    parts = [
        {"type": "text", "content": "Look."},
        *({"type": "uri", "modality": kind, "uri": f"https://x/{kind}"} for kind in ("image", "audio", "video", "pdf")),
        {"type": "file", "modality": "document", "file_id": "f_1"},
    ]
    (message,) = shown(of_call(words(input_messages=[{"role": "user", "parts": parts}]))).messages("input")
    content = "contents.{}.message_content."
    assert {message[content.format(at) + "type"] for at in (4, 5)} == {"document"}
    seen = [
        message[content.format(at) + f"{kind}.{kind}.url"] for at, kind in ((1, "image"), (2, "audio"), (3, "video"))
    ]
    assert seen == ["https://x/image", "https://x/audio", "https://x/video"]
    assert message[content.format(4) + "document.document.url"] == "https://x/pdf"
    assert message[content.format(5) + "document.document.id"] == "f_1"


def test_an_embedding_is_one_and_says_what_was_embedded(shown):
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Rust."}]}]
    found = shown(of_call(words(input_messages=asked), operation="embeddings"))
    assert found["openinference.span.kind"] == "EMBEDDING"
    assert found["embedding.model_name"] == "openai/gpt-5-mini-2025-08-07"
    assert found["embedding.embeddings.0.embedding.text"] == "Rust."
    assert found["llm.cost.total"] == 0.000106000000000001


def test_a_destination_in_private_gets_no_words(shown):
    found = shown(of_call())
    assert (found.messages("input"), found.messages("output")) == ([], [])
    assert not [name for name in found.attributes if name.startswith(("input.", "output.", "llm.tools"))]


def test_what_an_openinference_library_said_stays_and_is_told_the_cost(shown):
    theirs = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-5-mini",
        "llm.token_count.prompt": 7,
        "llm.cost.total": 9.0,
        "metadata": '{"team": "red", "step": 2}',
        "tag.tags": ("mine",),
        "openrouter.cost_usd": "0.000106000000000001",
    }
    said = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Hi.",
        "input.value": "Hi.",
    }
    found = shown(of_application("ChatCompletion", attributes=theirs, content=said))
    assert (found["llm.model_name"], found["llm.token_count.prompt"]) == ("gpt-5-mini", 7)
    assert found["llm.cost.total"] == 0.000106000000000001
    assert found["tag.tags"] == ["mine", "feature:search"]
    assert {"team": "red", "step": 2, "environment": "staging"}.items() <= json.loads(found["metadata"]).items()
    assert found.messages("input") == [{"role": "user", "content": "Hi."}]
    assert (found["input.value"], found["input.mime_type"]) == ("Hi.", "text/plain")


def test_words_of_no_known_shape_are_shown_as_they_are(shown):
    span = of_application(
        "chat gpt",
        attributes={"gen_ai.operation.name": "chat"},
        content={"gen_ai.input.messages": WORDS.input_messages or "", "gen_ai.output.messages": "It is sunny."},
    )
    found = shown(span)
    assert found["output.value"] == "It is sunny."
    assert found.messages("input")[0]["role"] == "user"


def test_a_question_of_no_known_shape_is_not_lost_beside_instructions(shown):
    said = {"gen_ai.system_instructions": WORDS.system_instructions or "", "gen_ai.input.messages": "Sunny?"}
    found = shown(of_application("chat", attributes={"gen_ai.operation.name": "chat"}, content=said))
    assert found["input.value"] == "Sunny?"
    assert found.messages("input") == [{"role": "system", "content": "You are terse."}]


@needs_shared
@each_platform
def test_every_recorded_call_is_shown_as_openrouter_answered_it(name, tmp_path):
    chosen = [each for each in recordings("chat") if each.expect["cost"] is not None][::12]
    sent = [
        of_recording(each.id, trace_id=f"{number:032x}", span_id=f"{number:016x}")
        for number, each in enumerate(chosen, 1)
    ]
    with collector(HEADERS[name]) as (kept, platform):
        standing = deliver(tmp_path, sent, name, endpoint=platform.url, **OPTIONS[name])
    assert (standing.delivered, standing.dead, kept.faults) == (len(chosen), 0, [])
    for span, recording in zip(sent, chosen, strict=True):
        found, expect = kept.spans[span.span_id], recording.expect
        assert found["llm.model_name"] == (expect["response_model"] or expect["request_model"])
        assert found["llm.token_count.total"] == expect["total_tokens"]
        assert found["llm.token_count.prompt_details.cache_read"] == expect["cached_tokens"]
        assert found["llm.token_count.completion_details.reasoning"] == expect["reasoning_tokens"]
        calls = [each for message in found.messages("output") for each in message if each.endswith("function.name")]
        assert len(calls) == (expect["tool_calls"] or 0)
        if not expect["is_byok"]:
            assert found["llm.cost.total"] == float(str(expect["cost"]))


# --- bad input, answers ----------------------------------------------------------------------------------------------


@each_platform
@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_arrives_and_its_neighbour_with_it(name, tmp_path, facts):
    neighbour = of_call(span_id="00000000000000aa", generation_name="neighbour")
    with collector(HEADERS[name]) as (kept, platform):
        standing = deliver(tmp_path, [of_call(**facts), neighbour], name, endpoint=platform.url, **OPTIONS[name])
    assert (standing.delivered, standing.dead, kept.faults) == (2, 0, [])
    assert kept.one("neighbour")["llm.cost.total"] == 0.000106000000000001


def test_phoenix_is_given_no_name_that_it_cannot_read_and_no_character_that_its_database_does_not_hold():
    said = {"a.²": 1, "b." + "9" * 5_000: 2, "c." * 100 + "d": 3, "e.0.f": "x\0", "g": ("\0", "y"), "llm.x": "\\u0000"}
    span = of_application("w\0", attributes=said, trace_name=None, metadata={"k": "v\0"})
    (encoded,) = made("phoenix").encode([span], NOW)
    (found,) = spans(encoded)
    assert found["name"] == "w\ufffd"
    kept = {name: found["attributes"].get(name) for name in said}
    assert kept == {
        **dict.fromkeys(said),
        "e.0.f": "x\ufffd",
        "g": ["\ufffd", "y"],
        "llm.x": "\\u0000",
    }
    assert json.loads(bytes(found["attributes"]["metadata"]))["k"] == "v\ufffd"
    (encoded,) = made("phoenix").encode([of_call(generation_name="n\0")], NOW)
    assert spans(encoded)[0]["name"] == "n\ufffd"


@each_platform
@pytest.mark.parametrize(
    ("first", "state"),
    [
        (answer(401), "parked"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
    ],
)
def test_what_a_platform_does_not_take_waits(name, tmp_path, first, state):
    with collector(HEADERS[name], first) as (kept, platform):
        standing = deliver(tmp_path, [of_call()], name, endpoint=platform.url, **OPTIONS[name])
    assert (standing.state, standing.waiting, kept.spans) == (state, 1, {})


def test_arize_is_not_sent_again_what_it_may_have(tmp_path):
    with collector(HEADERS["arize"], hanging_up) as (_, platform):
        standing = deliver(tmp_path, [of_call()], "arize", endpoint=platform.url, **OPTIONS["arize"])
    assert (standing.dead, standing.reasons) == (1, {"ambiguous": 1})
    assert not isinstance(made("arize", **OPTIONS["arize"]), ReadBack)


def test_phoenix_is_asked_for_what_it_may_have():
    exporter = made("phoenix", **OPTIONS["phoenix"])
    assert isinstance(exporter, ReadBack)
    here, missing = of_call(), of_call(span_id="00000000000000aa")
    question = exporter.read_back([here, missing], NOW)
    assert question.url == "http://localhost:6006/graphql"
    assert question.headers["authorization"] == "Bearer k3y"
    found = {f"s{here.span_id}": {"spanId": here.span_id}, f"s{missing.span_id}": None}
    assert json.loads(question.body)["query"].count("getSpanByOtelId") == len(found)
    reply = Reply(200, {}, json.dumps({"data": found}).encode())
    assert exporter.found([here, missing], reply) == {here.span_id: True, missing.span_id: False}
    for unsaid in (b'{"data":null,"errors":[{"message":"no"}]}', b"<!DOCTYPE html>", b'{"data":{}}'):
        assert exporter.found([here], Reply(200, {}, unsaid)) == {}


@each_platform
def test_a_connection_is_tested_without_a_span(name):
    exporter = made(name, **OPTIONS[name])
    url = exporter.url
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    request = exporter.probe(NOW)
    assert (request.url, request.body) == (url, b"")
    assert HEADERS[name].items() <= request.headers.items()
    assert exporter.diagnose(Reply(200, {"content-type": "application/x-protobuf"})) is None
    told = exporter.diagnose(Reply(401, {}, b'{"detail": "Invalid token"}')) or ""
    assert "refuses" in told
    assert f"{name.upper()}_API_KEY" in told


def test_phoenix_keeps_the_first_of_two_so_a_call_waits_for_its_cost():
    assert Phoenix().traits.resend == "duplicates"


def test_a_span_goes_as_it_was_where_nothing_is_wrong_with_it():
    span = of_application("w", attributes={"a": "b"}, content={"input.value": "x"})
    assert made("phoenix")._fitted(span) is span
    assert made("phoenix")._fitted(replace(span, name="\0")) is not span
