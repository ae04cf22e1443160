import json
import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import httpx2
import msgspec
import pytest

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Retry, Split, Unauthorized
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.records.call import Parameters
from spancast_exporters.datadog import Datadog
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.platform import JSON, answer
from tests.support.platforms.datadog import KEY, datadog, errors
from tests.support.recordings import recordings
from tests.support.shared import SHARED, needs_shared
from tests.support.spans import RECORDED, RESOURCE, WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
VARIABLES = (
    *("DD_API_KEY", "DD_SITE", "DD_TRACE_AGENT_URL", "DD_AGENT_HOST", "DD_TRACE_AGENT_PORT"),
    *("DD_LLMOBS_AGENTLESS_ENABLED", "DD_LLMOBS_OVERRIDE_ORIGIN", "DD_LLMOBS_ML_APP"),
    *("DD_SERVICE", "DD_ENV", "DD_VERSION"),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(**settings) -> Datadog:
    exporter = discover.exporter(Destination("datadog", **settings))
    assert isinstance(exporter, Datadog)
    return exporter


def one_request(*spans, **settings) -> Encoded:
    (encoded,) = made(**{"api_key": KEY, **settings}).encode(spans, NOW)
    return encoded


def event(span, **settings) -> dict[str, Any]:
    """Return the event of a span, the numbers with a point as they are written."""
    (payload,) = json.loads(one_request(span, **settings).request.body, parse_float=Decimal)
    (found,) = payload["spans"]
    return found


def tags(span, **settings) -> set[str]:
    return set(event(span, **settings)["tags"])


def test_it_is_an_exporter_that_can_be_probed():
    assert isinstance(made(api_key=KEY), Exporter)
    assert isinstance(made(api_key=KEY), Probe)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "headers"),
    [
        ({}, "https://llmobs-intake.datadoghq.com/api/v2/llmobs", {"dd-api-key": KEY}),
        ({"SITE": "us5.datadoghq.com"}, "https://llmobs-intake.us5.datadoghq.com/api/v2/llmobs", {"dd-api-key": KEY}),
        (
            {"TRACE_AGENT_URL": "http://agent:8126"},
            "http://agent:8126/evp_proxy/v2/api/v2/llmobs",
            {"x-datadog-evp-subdomain": "llmobs-intake"},
        ),
        (
            {"AGENT_HOST": "agent"},
            "http://agent:8126/evp_proxy/v2/api/v2/llmobs",
            {"x-datadog-evp-subdomain": "llmobs-intake"},
        ),
        (
            {"AGENT_HOST": "agent", "TRACE_AGENT_PORT": "9126"},
            "http://agent:9126/evp_proxy/v2/api/v2/llmobs",
            {"x-datadog-evp-subdomain": "llmobs-intake"},
        ),
        (
            {"TRACE_AGENT_URL": "http://agent:8126", "LLMOBS_AGENTLESS_ENABLED": "true"},
            "https://llmobs-intake.datadoghq.com/api/v2/llmobs",
            {"dd-api-key": KEY},
        ),
        (
            {"TRACE_AGENT_URL": "unix:///var/run/datadog/apm.socket"},
            "https://llmobs-intake.datadoghq.com/api/v2/llmobs",
            {"dd-api-key": KEY},
        ),
        ({"LLMOBS_OVERRIDE_ORIGIN": "http://proxy:1"}, "http://proxy:1/api/v2/llmobs", {"dd-api-key": KEY}),
        ({"LLMOBS_OVERRIDE_ORIGIN": "http://proxy:1/dd/"}, "http://proxy:1/dd/api/v2/llmobs", {"dd-api-key": KEY}),
        (
            {"LLMOBS_OVERRIDE_ORIGIN": "http://proxy:1", "TRACE_AGENT_URL": "http://agent:8126"},
            "http://proxy:1/evp_proxy/v2/api/v2/llmobs",
            {"x-datadog-evp-subdomain": "llmobs-intake"},
        ),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url, headers):
    monkeypatch.setenv("DD_API_KEY", KEY)
    for name, value in variables.items():
        monkeypatch.setenv(f"DD_{name}", value)
    (encoded,) = made().encode([of_call()], NOW)
    assert encoded.request.url == url
    assert encoded.request.headers == {"content-type": "application/json", **headers}


def test_an_agent_needs_no_key_of_ours():
    assert made(agent_url="http://agent:8126").api_key is None


def test_a_missing_key_is_named_with_where_to_get_it():
    with pytest.raises(Unconfigured, match=r"DD_API_KEY.*Organization Settings, API Keys.*DD_TRACE_AGENT_URL"):
        made()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"site": "https://app.datadoghq.com"}, "domain alone"),
        ({"endpoint": "http://x", "site": ""}, "domain alone"),
        ({"agent_url": "agent:8126"}, "http://localhost:8126"),
        ({"agent_url": "unix:///var/run/datadog/apm.socket", "api_key": ""}, "http://localhost:8126"),
        ({"agent_url": "http://agent:8126", "agentless": True, "api_key": ""}, "api_key is missing"),
        ({"api_key": "a key\n"}, "Copy it again"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**{"api_key": KEY, **settings})


def test_the_key_is_not_shown():
    assert KEY not in repr(made(api_key=KEY))


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    encoded = one_request(*a_trace(), ml_app="Weather Bot", env="prod")
    body = encoded.request.body.replace(version("spancast").encode(), b"VERSION")
    golden.check("datadog", {**asdict(encoded.request), "body": msgspec.Raw(body)})


@needs_shared
def test_it_is_what_datadogs_own_sdk_makes_of_the_same_trace():
    theirs = json.loads((SHARED / "receivers" / "golden_ddtrace_llmobs_payload.json").read_text())["body"]
    agent, chat = (payload["spans"][0] for payload in theirs)
    place = {"trace_id": chat["trace_id"], "resource": {"service.name": "probe-svc"}, "session": "sess-42"}
    ours = [
        of_application(
            "invoke_agent weather",
            **place,
            span_id=f"{int(agent['span_id']):016x}",
            start=agent["start_ns"],
            end=agent["start_ns"] + agent["duration"],
            attributes={"gen_ai.operation.name": "invoke_agent"},
            user=None,
            tags={},
            environment=None,
            release=None,
            trace_name=None,
        ),
        replace(
            of_call(
                **place,
                **dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost", "trace_name")),
                span_id=f"{int(chat['span_id']):016x}",
                parent_span_id=f"{int(agent['span_id']):016x}",
                started_at=chat["start_ns"],
                duration=chat["duration"],
                request_model="openai/gpt-4o-mini",
                response_model=None,
                parameters=Parameters(max_tokens=256, temperature=0.2),
                streamed=False,
                cache_write_tokens=None,
                cost=Decimal("0.00123"),
                user="user-7",
                tags={},
                metadata={},
            ),
            content={
                "gen_ai.input.messages": _said(
                    ("system", {"type": "text", "content": "You are terse."}),
                    ("user", {"type": "text", "content": "What is the weather in Paris?"}),
                ),
                "gen_ai.output.messages": _said(
                    (
                        "assistant",
                        {"type": "text", "content": "Let me check."},
                        {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}},
                    )
                ),
            },
        ),
    ]
    names = {"ml_app": "probe-app", "service": "probe-svc", "env": "staging"}
    for span, made_by_ddtrace in zip(ours, (agent, chat), strict=True):
        mine, own = event(span, **names), json.loads(json.dumps(made_by_ddtrace), parse_float=Decimal)
        own["tags"] = [tag for tag in own["tags"] if not tag.startswith(("ddtrace.version:", "version:"))]
        for absent in ("apm_trace_id", "sample_rate", "sampling_decision", "trace_id"):
            del own["_dd"][absent]
        own["meta"].pop("agent_attribution", None)
        assert _holds(mine, own)


def _said(*messages: tuple[Any, ...]) -> str:
    return json.dumps([{"role": role, "parts": parts} for role, *parts in messages], ensure_ascii=False)


def _holds(mine: Any, theirs: Any) -> bool:
    """Return whether all that they say we say."""
    if isinstance(theirs, dict):
        return all(name in mine and _holds(mine[name], value) for name, value in theirs.items())
    if isinstance(theirs, list) and all(isinstance(each, str) for each in theirs):
        return set(theirs) <= set(mine)
    if isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_holds, mine, theirs))
    return bool(mine == theirs)


@pytest.mark.parametrize("kind", ["ours", "the application's"])
def test_whom_a_span_was_for_is_said_on_every_span(kind):
    span = of_call() if kind == "ours" else of_application("work")
    said = {"user_id:u_42", "session_id:s_7", "feature:search", "env:staging", "version:7.1", "service:shop"}
    assert said <= tags(span)
    assert event(span)["session_id"] == "s_7"
    assert event(span)["meta"]["metadata"]["trace_name"] == "checkout"


def test_what_nobody_said_is_not_there():
    span = of_call(user=None, session=None, tags={}, trace_name=None, resource={})
    assert tags(span) == {
        *("agent_service:unnamed-ml-app", "ml_app:unnamed-ml-app"),
        *("error:0", "language:python", "source:integration"),
    }
    assert "session_id" not in event(span)


@pytest.mark.parametrize(
    ("spelt", "shown"),
    [
        ("Weather Bot!", "weather_bot"),
        ("__a__b__", "_a_b"),
        ("team/bot:v1.2-x", "team/bot:v1.2-x"),
        ("Über-Bot", "über-bot"),
        ("x" * 300, "x" * 193),
        ("!!!", "unnamed-ml-app"),
    ],
)
def test_the_application_is_spelt_as_datadog_wants_it(spelt, shown):
    assert f"ml_app:{shown}" in tags(of_call(), ml_app=spelt)


@pytest.mark.parametrize(
    ("settings", "resource", "shown"),
    [
        ({"ml_app": "bot", "service": "api"}, RESOURCE, ("bot", "api")),
        ({"service": "api"}, RESOURCE, ("api", "api")),
        ({}, RESOURCE, ("shop", "shop")),
        ({}, {"service.name": "unknown_service:python"}, ("unnamed-ml-app", None)),
    ],
)
def test_the_application_is_named_by_datadogs_variables_else_by_the_resource(settings, resource, shown):
    found = dict(tag.split(":", 1) for tag in tags(of_call(resource=resource), **settings))
    assert (found["ml_app"], found.get("service")) == shown


def test_datadogs_variables_say_environment_and_version_where_a_span_says_none():
    names = {"env": "prod", "version": "8"}
    assert {"env:prod", "version:8"} <= tags(of_call(resource={}), **names)
    assert {"env:staging", "version:7.1"} <= tags(of_call(), **names)
    assert {"env:canary", "version:9"} <= tags(of_call(environment="canary", release="9"), **names)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"trace_name": None}, "chat openai/gpt-5-mini"),
        ({"generation_name": "answer"}, "answer"),
        ({"parent_span_id": None}, "checkout"),
        ({"parent_span_id": None, "generation_name": "answer"}, "checkout"),
        ({"parent_span_id": None, "trace_name": None, "generation_name": "answer"}, "answer"),
    ],
)
def test_the_root_has_the_name_of_the_trace_and_a_call_its_own(facts, name):
    assert event(of_call(**facts))["name"] == name


def test_ids_are_decimal_and_those_of_a_trace_hexadecimal():
    found = event(of_call(span_id="ffffffffffffffff", parent_span_id="0000000000000001"))
    assert (found["span_id"], found["parent_id"]) == ("18446744073709551615", "1")
    assert found["trace_id"] == of_call().trace_id
    assert event(of_call(parent_span_id=None))["parent_id"] == "undefined"


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "invoke_workflow"}, "workflow"),
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"openinference.span.kind": "CHAIN"}, "workflow"),
        ({"openinference.span.kind": "RETRIEVER"}, "retrieval"),
        ({"traceloop.span.kind": "task"}, "task"),
        ({"langfuse.observation.type": "generation"}, "llm"),
        ({}, "task"),
        ({"gen_ai.operation.name": "of my own"}, "task"),
    ],
)
def test_the_kind_of_a_span_is_what_the_conventions_say(attributes, kind):
    span = of_application("work", attributes=attributes, parent_span_id="00000000000000ff")
    assert event(span)["meta"]["span"] == {"kind": kind}


def test_a_root_of_no_kind_is_a_workflow():
    assert event(of_application("GET /"))["meta"]["span"] == {"kind": "workflow"}


@pytest.mark.parametrize(("operation", "kind"), [("embeddings", "embedding"), ("rerank", "llm"), ("responses", "llm")])
def test_every_call_has_a_model_and_its_dollars(operation, kind):
    found = event(of_call(operation=operation))
    assert found["meta"]["span"] == {"kind": kind}
    assert found["meta"]["model_name"] == "openai/gpt-5-mini-2025-08-07"
    assert found["metrics"]["total_cost"] == Decimal("0.000106000000000001")


@pytest.mark.parametrize("cost", ["0.000106000000000001", "1E-18", "0.00", "3.6e-6", "12345678901234567890.123456789"])
def test_dollars_are_written_to_the_last_digit_as_a_plain_number(cost):
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    body = one_request(of_call(cost=Decimal(cost), **parts)).request.body
    assert f'"total_cost":{Decimal(cost):f}}}'.encode() in body


def test_dollars_of_the_parts_are_said_only_where_they_add_up():
    assert event(of_call())["metrics"]["input_cost"] == Decimal("0.0001")
    other = event(of_call(upstream_output_cost=Decimal("0.000007")))["metrics"]
    assert "input_cost" not in other
    assert "output_cost" not in other


def test_with_an_own_key_the_providers_bill_is_part_of_it():
    own = of_call(cost=Decimal("0.000005"), upstream_cost=Decimal("0.000106"), is_byok=True)
    assert event(own)["metrics"]["total_cost"] == Decimal("0.000111")
    unknown = of_call(cost=Decimal("0.000005"), upstream_cost=None, is_byok=True)
    assert "total_cost" not in event(unknown)["metrics"]


def test_what_is_unknown_is_not_written_and_zero_is():
    nothing = ("cost", "input_tokens", "output_tokens", "total_tokens", "cached_tokens", "cache_write_tokens")
    more = ("reasoning_tokens", "time_to_first_token", "upstream_input_cost", "upstream_output_cost", "upstream_cost")
    assert event(of_call(**dict.fromkeys((*nothing, *more))))["metrics"] == {}
    free = event(of_call(cost=Decimal(0), cached_tokens=0, upstream_cost=None, upstream_input_cost=None))["metrics"]
    assert (free["total_cost"], free["cache_read_input_tokens"]) == (0, 0)


def test_cache_writes_are_told_apart_by_how_long_they_are_kept():
    found = event(of_call(cache_write_5m_tokens=20, cache_write_1h_tokens=30))["metrics"]
    assert (found["ephemeral_5m_input_tokens"], found["ephemeral_1h_input_tokens"]) == (20, 30)


def test_the_dollars_that_were_added_to_another_librarys_span_are_there():
    stated = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.provider.name": "OpenAI"}
    usage = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.cost": 0.000106}
    exact = {"openrouter.cost_usd": "0.000106000000000001"}
    found = event(of_application("chat m", attributes={**stated, **usage, **exact, "gen_ai.request.top_p": 0.5}))
    assert found["metrics"] == {
        "input_tokens": 7,
        "output_tokens": 2,
        "total_tokens": 9,
        "total_cost": Decimal("0.000106000000000001"),
    }
    assert (found["meta"]["model_name"], found["meta"]["model_provider"]) == ("m", "openai")
    assert found["meta"]["metadata"]["top_p"] == Decimal("0.5")
    rough = event(of_application("chat m", attributes={**stated, **usage}))
    assert rough["metrics"]["total_cost"] == Decimal("0.000106")


def test_with_an_own_key_the_fee_alone_is_not_what_another_librarys_call_cost():
    stated = {"gen_ai.operation.name": "chat", "openrouter.is_byok": True, "openrouter.cost_usd": "0.000005"}
    assert "total_cost" not in event(of_application("chat m", attributes=stated))["metrics"]
    known = {**stated, "openrouter.spent_usd": "0.000111"}
    assert event(of_application("chat m", attributes=known))["metrics"]["total_cost"] == Decimal("0.000111")


def test_what_was_asked_is_shown_under_its_own_name_and_the_applications_metadata_does_not_hide_it():
    found = event(of_call(metadata={"temperature": "mine", "team": "blue"}))["meta"]["metadata"]
    assert (found["temperature"], found["max_tokens"], found["team"]) == (Decimal("0.2"), 256, "blue")


def test_in_private_there_are_no_words():
    meta = event(of_call())["meta"]
    assert not {"input", "output", "tool_definitions"} & set(meta)


def test_an_embedding_shows_what_was_embedded():
    words = replace_words(input_messages=_said(("user", {"type": "text", "content": "one"})), output_messages=None)
    assert event(of_call(words, operation="embeddings"))["meta"]["input"] == {"documents": [{"text": "one"}]}


def test_each_input_of_an_embedding_is_a_document():
    parts = ({"type": "text", "content": "one"}, {"type": "text", "content": "two"})
    words = replace_words(input_messages=_said(("user", *parts)), output_messages=None)
    found = event(of_call(words, operation="embeddings"))["meta"]["input"]
    assert found == {"documents": [{"text": "one"}, {"text": "two"}]}


def test_nobodys_session_is_none():
    assert "session_id" not in event(of_application("work", session=""))


def replace_words(**words):
    return msgspec.structs.replace(WORDS, **words)


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ({"type": "uri", "modality": "image", "uri": "https://x/y.png"}, {"content": "[image: https://x/y.png]"}),
        ({"type": "blob", "modality": "image", "content": "QUJD", "mime_type": "image/png"}, {"content": "[image]"}),
        ({"type": "blob", "modality": "audio", "content": "[9 bytes]", "transcript": "Hi"}, {"content": "Hi"}),
        ({"type": "file", "modality": "document", "file_id": "f1"}, {"content": "[file: f1]"}),
        ({"type": "uri", "modality": "document", "uri": "https://x/y.pdf"}, {"content": "[file: https://x/y.pdf]"}),
        ({"type": "blob", "modality": "image", "content": "[9 bytes]"}, {"content": "[image: 9 bytes]"}),
        ({"type": "refusal", "content": "No."}, {"content": "No."}),
        ({"type": "of tomorrow"}, {"content": "[of tomorrow]"}),
        (
            {"type": "tool_call", "id": "c", "name": "f", "arguments": '{"a": 1}'},
            {"tool_calls": [{"name": "f", "arguments": {"a": 1}, "tool_id": "c", "type": "function"}]},
        ),
        (
            {"type": "tool_call", "id": "c", "name": "f", "arguments": "not json"},
            {"tool_calls": [{"name": "f", "arguments": {"value": "not json"}, "tool_id": "c", "type": "function"}]},
        ),
        (
            {"type": "server_tool_call", "name": "search", "server_tool_call": {"type": "web", "query": "q"}},
            {
                "tool_calls": [
                    {
                        "name": "search",
                        "arguments": {"type": "web", "query": "q"},
                        "tool_id": "",
                        "type": "function",
                    }
                ]
            },
        ),
        (
            {"type": "tool_call_response", "id": "c", "response": "warm"},
            {
                "role": "tool",
                "tool_results": [{"name": "", "result": "warm", "tool_id": "c", "type": "tool_result"}],
            },
        ),
    ],
)
def test_every_part_of_a_message_is_shown_or_named(part, shown):
    words = replace_words(system_instructions=None, input_messages=_said(("user", part)))
    (message,) = event(of_call(words))["meta"]["input"]["messages"]
    assert message == {"role": "user", "content": "", **shown}


@pytest.mark.parametrize("written", ["{", "[1]", "7", "null", "[" * 100_000])
def test_words_that_are_no_messages_are_shown_as_they_are(written):
    span = replace(of_call(), content={"gen_ai.input.messages": written, "gen_ai.output.messages": written})
    assert event(span)["meta"]["input"] == {"value": written}
    assert event(span)["meta"]["output"] == {"value": written}


# --- bad input -------------------------------------------------------------------------------------------------------

HOSTILE = {
    "surrogate": "a\ud800b",
    "nan": float("nan"),
    "infinite": float("inf"),
    "huge": 2**70,
    "enormous": 2**100_000,
    "bad \udfff key": True,
    "list": (1.5, float("-inf")),
}


def test_what_is_no_json_becomes_text_and_harms_no_neighbour(tmp_path):
    bad = of_application(
        "bad \ud800 name",
        attributes=HOSTILE,
        user="u\ud800",
        session="s\ud800",
        tags={"a:b": "c\ud800"},
        metadata={"m\ud800": "\ud800"},
        trace_name=None,
        span_id="00000000000000bb",
        content={"input.value": "\ud800"},
    )
    with datadog() as (intake, platform):
        standing = deliver(tmp_path, [of_call(), bad], "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert (standing.delivered, standing.dead) == (2, 0)
    assert len(platform.received) == 1
    found = intake.span("bad ? name")
    stated = found["meta"]["metadata"]
    assert stated["surrogate"] == "a?b"
    assert (stated["nan"], stated["infinite"], stated["list"]) == ("NaN", "Infinity", ["1.5", "-Infinity"])
    assert stated["huge"] == str(2**70)
    assert stated["bad ? key"] is True
    assert {"user_id:u?", "session_id:s?", "a_b:c?"} <= set(found["tags"])


def test_what_no_courier_has_mended_is_written_all_the_same():
    found = event(of_application("bad \ud800 name", attributes=HOSTILE, trace_name=None))
    stated = found["meta"]["metadata"]
    assert found["name"] == "bad ? name"
    assert (stated["surrogate"], stated["nan"], stated["list"]) == ("a?b", "nan", [Decimal("1.5"), "-inf"])
    assert (stated["huge"], stated["enormous"]) == (str(2**70), "[an integer of 100001 bits]")


def test_metadata_beyond_all_measure_is_cut_and_the_span_arrives(tmp_path):
    many = {f"key{number}": "x" * 1000 for number in range(10_000)}
    tagged = {f"tag{number}": "y" * 1000 for number in range(10_000)}
    spans = [
        of_call(span_id="0000000000000001", metadata={"long": "z" * 10**7}),
        of_call(span_id="0000000000000002", metadata=many),
        of_call(span_id="0000000000000003", tags=tagged),
        of_call(span_id="0000000000000004"),
    ]
    with datadog() as (intake, platform):
        standing = deliver(tmp_path, spans, "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert standing.delivered == 4
    sizes = [len(json.dumps(span["meta"], default=str)) for span in intake.spans]
    assert max(sizes) < 1_100_000
    for span in intake.spans:
        assert {"user_id:u_42", "session_id:s_7", "ml_app:shop"} <= set(span["tags"])
        assert span["metrics"]["total_cost"] == Decimal("0.000106000000000001")


def test_words_that_are_too_many_stay_behind_and_the_call_arrives(tmp_path):
    long = replace_words(input_messages=_said(("user", {"type": "text", "content": "é" * 3_000_000})))
    with datadog() as (intake, platform):
        spans = [of_call(long, span_id="0000000000000001"), of_call(WORDS)]
        standing = deliver(tmp_path, spans, "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert standing.delivered == 2
    assert {span["span_id"]: "input" in span["meta"] for span in intake.spans} == {
        "1": False,
        "13235353014750950193": True,
    }


def test_a_payload_holds_no_more_than_datadog_takes():
    words = replace_words(input_messages=_said(("user", {"type": "text", "content": "x" * 1_000_000})))
    spans = [of_call(words, span_id=f"{number:016x}") for number in range(1, 12)]
    requests = made(api_key=KEY).encode(spans, NOW)
    assert [len(each.span_ids) for each in requests] == [4, 4, 3]
    assert max(len(each.request.body) for each in requests) <= 5_000_000
    assert [span_id for each in requests for span_id in each.span_ids] == [span.span_id for span in spans]


# --- what datadog says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(202, JSON, b"{}"),
        Reply(202, {}),
        Reply(200, {"content-type": "text/plain"}, b"200: OK"),
        Reply(202, JSON, b'{"errors":[]}'),
    ],
    ids=str,
)
def test_an_answer_of_datadogs_is_an_acknowledgement(reply):
    assert made(api_key=KEY).judge(one_request(of_call()), reply) == Delivered()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(200, {"content-type": "text/html"}, b"<html>Log in</html>"), "an HTML page"),
        (Reply(200, {"content-type": "text/html; charset=utf-8"}), "an HTML page"),
        (Reply(200, {}, b" \n<!doctype html>"), "an HTML page"),
        (Reply(202, JSON, b'{"errors":["Payload is not JSON"]}'), "HTTP 202: Payload is not JSON"),
        (Reply(202, JSON, b'{"error":{"message":"quota"}}'), "HTTP 202: quota"),
        (Reply(202, JSON, b'{"errors":'), "truncated JSON"),
    ],
)
def test_any_other_success_acknowledges_nothing(reply, why):
    verdict = made(api_key=KEY).judge(one_request(of_call()), reply)
    assert isinstance(verdict, Retry)
    assert why in verdict.reason


def said(*words: str) -> bytes:
    return json.dumps({"errors": list(words)}).encode()


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(403, JSON, said("Forbidden")), Unauthorized("HTTP 403: Forbidden")),
        (Reply(401, JSON, said("Unauthorized")), Unauthorized("HTTP 401: Unauthorized")),
        (
            Reply(429, {**JSON, "x-ratelimit-reset": "7"}, said("Too many requests")),
            Retry("HTTP 429: Too many requests", 7.0),
        ),
        (Reply(429, {"retry-after": "3", "x-ratelimit-reset": "7"}), Retry("HTTP 429", 3.0)),
        (Reply(429, {"x-ratelimit-reset": "soon"}), Retry("HTTP 429")),
        (Reply(408), Retry("HTTP 408")),
        (Reply(503, {}, b"upstream connect error"), Retry("HTTP 503")),
        (Reply(405, {}, b"EVPProxy is disabled: Has been disabled in config"), Retry("HTTP 405")),
        (Reply(413, JSON, said("Payload Too Large")), Split("HTTP 413")),
    ],
    ids=str,
)
def test_a_failure_is_judged_by_its_status_and_told_in_datadogs_words(reply, verdict):
    assert made(api_key=KEY).judge(one_request(of_call()), reply) == verdict


def test_what_datadog_cannot_read_is_refused_in_its_words():
    encoded = one_request(of_call())
    verdict = made(api_key=KEY).judge(encoded, Reply(400, JSON, said("Bad\n Request " + "x" * 200)))
    assert isinstance(verdict, Rejected)
    assert verdict.reasons[encoded.span_ids[0]].startswith("HTTP 400: Bad Request xxx")
    assert len(verdict.reasons[encoded.span_ids[0]]) < 140


def test_a_key_is_probed_where_datadog_validates_it():
    probe = made(api_key=KEY, site="datadoghq.eu").probe(NOW)
    assert (probe.method, probe.url, probe.body) == ("GET", "https://api.datadoghq.eu/api/v1/validate", b"")
    assert probe.headers["dd-api-key"] == KEY


@pytest.mark.parametrize("settings", [{"agent_url": "http://agent:8126"}, {"endpoint": "http://proxy:1"}])
def test_who_sends_for_us_is_probed_with_no_span(settings):
    exporter = made(api_key=KEY, **settings)
    probe = exporter.probe(NOW)
    assert (probe.method, probe.url, probe.body) == ("POST", exporter.url, b"[]")


@pytest.mark.parametrize(
    ("settings", "reply", "cure"),
    [
        ({}, Reply(200, JSON, b'{"valid":true}'), None),
        (
            {},
            Reply(403, JSON, said("Forbidden")),
            r"refuses the API key \(HTTP 403: Forbidden\).*DD_API_KEY and DD_SITE",
        ),
        ({}, Reply(200, {"content-type": "text/html"}, b"<html>"), "is not one of Datadog.*an HTML page.*DD_SITE"),
        ({}, Reply(200, {}, b"ok"), "is not one of Datadog.*without stating whether the key is valid"),
        ({}, Reply(403, {"content-type": "text/html"}, b"<html>"), "A proxy or a firewall.*api.datadoghq.com"),
        ({}, Reply(404, JSON, b"{}"), "api.datadoghq.com/api/v1/validate answers HTTP 404.*DD_SITE"),
        ({}, Reply(400), "HTTP 400"),
        ({"agent_url": "http://agent:8126"}, Reply(202), None),
        ({"agent_url": "http://agent:8126"}, Reply(400), None),
        ({"agent_url": "http://agent:8126"}, Reply(403), "of the agent at http://agent:8126"),
        ({"agent_url": "http://agent:8126"}, Reply(404), "rejects LLM Observability.*evp_proxy"),
        ({"agent_url": "http://agent:8126"}, Reply(502), "HTTP 502"),
    ],
)
def test_a_probe_is_diagnosed_with_its_cure(settings, reply, cure):
    diagnosis = made(api_key=KEY, **settings).diagnose(reply)
    assert (diagnosis is None) if cure is None else re.search(cure, str(diagnosis))


def test_the_stub_validates_a_key_as_datadog_does():
    with datadog() as (_, platform):
        probe = made(api_key=KEY).probe(NOW)
        url = platform.url + "/api/v1/validate"
        with httpx2.Client() as client:
            good = client.get(url, headers=dict(probe.headers))
            bad = client.get(url, headers={"dd-api-key": "other"})
    exporter = made(api_key=KEY)
    assert exporter.diagnose(Reply(good.status_code, {}, good.content)) is None
    assert "refuses the API key" in str(exporter.diagnose(Reply(bad.status_code, {}, bad.content)))


# --- all the way through the courier ---------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", [False, True])
def test_a_trace_arrives_directly_and_through_an_agent(tmp_path, agent):
    with datadog(agent=agent) as (intake, platform):
        way = {"agent_url": platform.url} if agent else {"api_key": KEY, "endpoint": platform.url}
        standing = deliver(tmp_path, a_trace(), "datadog", **way)
    assert intake.faults == []
    assert (standing.delivered, standing.waiting, standing.dead) == (4, 0, 0)
    kinds = [span["meta"]["span"]["kind"] for span in intake.spans]
    assert kinds == ["agent", "llm", "tool", "llm"]
    agent_id = intake.span("checkout")["span_id"]
    assert {span["parent_id"] for span in intake.spans} == {"undefined", agent_id}


@needs_shared
@pytest.mark.parametrize(("name", "operation", "cost"), RECORDED)
def test_what_openrouter_really_answered_arrives_with_its_dollars(tmp_path, name, operation, cost):
    span = of_recording(name, operation)
    call = span.generation
    with datadog() as (intake, platform):
        standing = deliver(tmp_path, [span], "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert standing.delivered == 1
    (found,) = intake.spans
    assert found["metrics"].get("total_cost") == (None if cost is None else Decimal(cost))
    counts = {"input_tokens": call.input_tokens, "output_tokens": call.output_tokens}
    counts |= {"cache_read_input_tokens": call.cached_tokens, "reasoning_output_tokens": call.reasoning_tokens}
    assert {name: found["metrics"].get(name) for name in counts} == counts
    assert found["meta"]["model_name"] == (call.response_model or call.request_model)
    made_calls = [tool for message in _messages(found, "output") for tool in message.get("tool_calls", ())]
    assert len(made_calls) == (call.tool_calls or 0)


def _messages(found, side):
    return found["meta"].get(side, {}).get("messages", ())


@needs_shared
def test_an_error_that_openrouter_really_gave_arrives_as_one(tmp_path):
    span = of_recording(_refused_with(429))
    with datadog() as (intake, platform):
        deliver(tmp_path, [span], "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    (found,) = intake.spans
    assert (found["status"], found["meta"]["error"]["type"]) == ("error", span.generation.error_type)
    assert found["meta"]["error"]["message"] == span.generation.error_message
    assert "total_cost" not in found["metrics"]


def _refused_with(status: int) -> str:
    return next(each.id for each in recordings("chat") if each.response["status"] == status)


def test_a_wrong_key_parks_the_destination_and_loses_nothing(tmp_path):
    with datadog() as (intake, platform):
        standing = deliver(tmp_path, a_trace(), "datadog", api_key="wrong", endpoint=platform.url)
    assert intake.spans == []
    assert (standing.state, standing.reason, standing.waiting) == ("parked", "HTTP 403: Forbidden", 4)


def test_a_limit_of_requests_is_waited_for(tmp_path):
    limited = errors(429, "Too many requests", x_ratelimit_reset="30")
    with datadog(limited) as (intake, platform):
        standing = deliver(tmp_path, a_trace(), "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.spans == []
    assert (standing.state, standing.reason, standing.waiting) == ("retrying", "HTTP 429: Too many requests", 4)
    assert len(platform.received) == 1


def test_a_page_that_says_200_is_no_delivery(tmp_path):
    portal = answer(200, {"content-type": "text/html"}, b"<html>Log in</html>")
    with datadog(portal) as (intake, platform):
        standing = deliver(tmp_path, a_trace(), "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.spans == []
    assert (standing.delivered, standing.waiting) == (0, 4)


def test_what_is_too_large_for_the_intake_goes_in_parts(tmp_path):
    with datadog(largest=6_000) as (intake, platform):
        standing = deliver(tmp_path, a_trace(), "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert standing.delivered == len(intake.spans) == 4


def test_one_span_that_datadog_refuses_costs_no_other(tmp_path):
    bad = str(int(a_trace()[2].span_id, 16))
    with datadog(refuses=(bad,)) as (intake, platform):
        standing = deliver(tmp_path, a_trace(), "datadog", api_key=KEY, endpoint=platform.url)
    assert intake.faults == []
    assert (standing.delivered, standing.dead, standing.reasons) == (3, 1, {"HTTP 400: Invalid span": 1})
    assert bad not in {span["span_id"] for span in intake.spans}
