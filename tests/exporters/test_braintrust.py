import gzip
import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import httpx2
import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Retry, Split, Unauthorized
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.records.call import Modalities, Parameters
from spancast_exporters.braintrust import Braintrust
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.platform import JSON, PROTOBUF, answer
from tests.support.platforms.braintrust import KEY, PROJECT, braintrust, errors, faults, row
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import RECORDED, TRACE, WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
NAMES = ("API_KEY", "API_URL", "PARENT", "PROJECT", "PROJECT_ID", "ENVIRONMENT_TYPE", "ENVIRONMENT_NAME")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(f"BRAINTRUST_{name}", raising=False)


def made(**settings) -> Braintrust:
    exporter = discover.exporter(Destination("braintrust", **{"api_key": KEY, **settings}))
    assert isinstance(exporter, Braintrust)
    return exporter


def one_request(*spans, **settings) -> Encoded:
    (encoded,) = made(**settings).encode(spans, NOW)
    return encoded


def seen(span, **settings) -> dict[str, Any]:
    """Return the row that Braintrust makes of a span, once nothing is wrong with it."""
    request = ExportTraceServiceRequest.FromString(gzip.decompress(one_request(span, **settings).request.body))
    found = row(request.resource_spans[0].scope_spans[0].spans[0])
    assert faults(found) == []
    return found


def words(**others):
    return msgspec.structs.replace(WORDS, **others)


def text(content: str) -> str:
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": content}]}])


def test_it_is_an_exporter_that_can_be_probed():
    assert isinstance(made(), Exporter)
    assert isinstance(made(), Probe)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "parent"),
    [
        ({}, "https://api.braintrust.dev/otel/v1/traces", "project_name:default-otel-project"),
        (
            {"PARENT": "experiment_id:7", "PROJECT": "shop", "PROJECT_ID": "1"},
            "https://api.braintrust.dev/otel/v1/traces",
            "experiment_id:7",
        ),
        ({"PROJECT": "shop", "PROJECT_ID": "1"}, "https://api.braintrust.dev/otel/v1/traces", "project_id:1"),
        ({"PROJECT": "shop"}, "https://api.braintrust.dev/otel/v1/traces", "project_name:shop"),
        (
            {"API_URL": "https://api-eu.braintrust.dev/", "PROJECT": "shop"},
            "https://api-eu.braintrust.dev/otel/v1/traces",
            "project_name:shop",
        ),
        ({"API_URL": "http://own/bt", "PROJECT": "shop"}, "http://own/bt/otel/v1/traces", "project_name:shop"),
        ({"API_URL": "http://own/otel", "PROJECT": "shop"}, "http://own/otel/v1/traces", "project_name:shop"),
        ({"API_URL": "http://own/otel/v1/traces", "PROJECT": "shop"}, "http://own/otel/v1/traces", "project_name:shop"),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url, parent):
    monkeypatch.setenv("BRAINTRUST_API_KEY", KEY)
    for name, value in variables.items():
        monkeypatch.setenv(f"BRAINTRUST_{name}", value)
    exporter = discover.exporter(Destination("braintrust"))
    (encoded,) = exporter.encode([of_call()], NOW)
    assert encoded.request.url == url
    assert encoded.request.headers == {
        "authorization": f"Bearer {KEY}",
        "x-bt-parent": parent,
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
    }


def test_a_missing_key_is_named_with_where_to_get_it():
    with pytest.raises(Unconfigured, match=r"BRAINTRUST_API_KEY.*Settings, API keys"):
        discover.exporter(Destination("braintrust"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"api_key": "a key"}, "Copy it again"),
        ({"api_key": "kéy"}, "Copy it again"),
        ({"project": "Geschäft"}, "BRAINTRUST_PROJECT_ID"),
        ({"parent": "project_name:a\nb"}, "BRAINTRUST_PROJECT_ID"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**settings)


def test_an_address_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("BRAINTRUST_API_URL", "api.braintrust.dev")
    with pytest.raises(ConfigurationError, match=r"https://api\.braintrust\.dev"):
        made()


def test_the_key_is_not_shown():
    assert KEY not in repr(made())


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    request = one_request(*a_trace(), project="shop").request
    body = MessageToDict(ExportTraceServiceRequest.FromString(gzip.decompress(request.body)))
    shown = msgspec.json.decode(msgspec.json.encode(body).replace(version("spancast").encode(), b"VERSION"))
    for span in (span for one in shown["resourceSpans"] for scope in one["scopeSpans"] for span in scope["spans"]):
        span["attributes"] = {each["key"]: _shown(each["key"], each["value"]) for each in span["attributes"]}
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = _hex(span[name])
    golden.check(
        "braintrust", {"method": request.method, "url": request.url, "headers": request.headers, "body": shown}
    )


def _shown(key: str, value: dict[str, Any]) -> Any:
    """Return an attribute; where it is JSON in a text, that JSON as it is written."""
    (found,) = value.values()
    return msgspec.Raw(found.encode()) if key.startswith("braintrust.") and isinstance(found, str) else found


def _hex(written: str) -> str:
    return b64decode(written).hex()


def test_a_call_is_a_row_with_all_that_was_asked_and_answered():
    found = seen(of_call(WORDS))
    assert found["span_attributes"] == {"name": "chat openai/gpt-5-mini", "type": "llm"}
    assert (found["id"], found["root_span_id"], found["span_parents"]) == (
        "b7ad6b7169203331",
        TRACE,
        ["00f067aa0ba902b7"],
    )
    assert [message["role"] for message in found["input"]] == ["system", "user", "assistant", "tool"]
    (choice,) = found["output"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert choice["message"]["content"] == "Let me check."
    (tool,) = found["metadata"]["tools"]
    assert tool["function"]["name"] == "get_weather"


def test_tokens_and_times_have_braintrusts_names():
    span = of_call(
        cache_write_5m_tokens=20,
        cache_write_1h_tokens=30,
        modalities=Modalities(audio_input=1, audio_output=2, image_output=3),
    )
    assert seen(span)["metrics"] == {
        "prompt_tokens": 1200,
        "completion_tokens": 80,
        "tokens": 1280,
        "prompt_cached_tokens": 1000,
        "prompt_cache_creation_tokens": 50,
        "prompt_cache_creation_5m_tokens": 20,
        "prompt_cache_creation_1h_tokens": 30,
        "completion_reasoning_tokens": 30,
        "prompt_audio_tokens": 1,
        "completion_audio_tokens": 2,
        "completion_image_tokens": 3,
        "time_to_first_token": Decimal("0.25"),
        "estimated_cost": Decimal("0.000106000000000001"),
    }


@pytest.mark.parametrize("cost", ["0.000106000000000001", "1E-18", "0.00", "3.6e-6", "12345678901234567890.123456789"])
def test_dollars_are_written_to_the_last_digit_as_a_plain_number(cost):
    body = gzip.decompress(one_request(of_call(cost=Decimal(cost))).request.body)
    assert f'"estimated_cost":{Decimal(cost):f}}}'.encode() in body


def test_with_an_own_key_the_providers_bill_is_part_of_it():
    own = of_call(cost=Decimal("0.000005"), upstream_cost=Decimal("0.000106"), is_byok=True)
    assert seen(own)["metrics"]["estimated_cost"] == Decimal("0.000111")
    unknown = of_call(cost=Decimal("0.000005"), upstream_cost=None, is_byok=True)
    assert "estimated_cost" not in seen(unknown)["metrics"]


def test_what_is_unknown_is_not_written_and_zero_is():
    nothing = ("cost", "input_tokens", "output_tokens", "total_tokens", "cached_tokens", "cache_write_tokens")
    assert seen(of_call(**dict.fromkeys((*nothing, "reasoning_tokens", "time_to_first_token"))))["metrics"] == {}
    free = seen(of_call(cost=Decimal(0), cached_tokens=0))["metrics"]
    assert (free["estimated_cost"], free["prompt_cached_tokens"]) == (0, 0)


def test_the_model_and_what_was_asked_of_it_are_metadata_that_the_application_does_not_hide():
    found = seen(of_call(metadata={"model": "mine", "team": "blue"}))["metadata"]
    assert (found["model"], found["provider"]) == ("openai/gpt-5-mini-2025-08-07", "openrouter")
    assert (found["max_tokens"], found["temperature"], found["reasoning_effort"]) == (256, Decimal("0.2"), "low")
    assert (found["stop"], found["stream"], found["team"]) == (["END"], True, "blue")


def test_what_has_no_place_of_its_own_stays_an_attribute_which_braintrust_keeps_as_metadata():
    raw = seen(of_call())["raw"]
    assert raw["openrouter.provider"] == "Azure"
    assert raw["openrouter.cost_usd"] == "0.000106000000000001"


@pytest.mark.parametrize("kind", ["ours", "the application's"])
def test_whom_a_span_was_for_is_said_on_every_span(kind):
    span = of_call() if kind == "ours" else of_application("work")
    found = seen(span)
    stated = {"user_id": "u_42", "session_id": "s_7", "environment": "staging", "release": "7.1"}
    assert {name: found["metadata"].get(name) for name in stated} == stated
    assert found["metadata"]["trace_name"] == "checkout"
    assert found["tags"] == ["feature:search"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"trace_name": None}, "chat openai/gpt-5-mini"),
        ({"generation_name": "answer"}, "answer"),
        ({"parent_span_id": None}, "checkout"),
        ({"parent_span_id": None, "generation_name": "answer"}, "checkout"),
    ],
)
def test_the_root_has_the_name_of_the_trace_and_a_call_its_own(facts, name):
    assert seen(of_call(**facts))["span_attributes"]["name"] == name


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "task"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"openinference.span.kind": "RETRIEVER"}, "tool"),
        ({"traceloop.span.kind": "workflow"}, "task"),
        ({}, None),
    ],
)
def test_the_type_of_a_span_is_what_the_conventions_say(attributes, kind):
    assert seen(of_application("work", attributes=attributes))["span_attributes"].get("type") == kind


def test_a_tool_shows_what_it_was_given_and_gave():
    span = of_application(
        "execute_tool f",
        attributes={"gen_ai.operation.name": "execute_tool"},
        content={"gen_ai.tool.call.arguments": '{"city": "Paris"}', "gen_ai.tool.call.result": "warm"},
    )
    found = seen(span)
    assert (found["input"], found["output"], found["metrics"]) == ({"city": "Paris"}, "warm", {})


def test_another_librarys_call_has_the_dollars_that_were_added_to_it():
    stated = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.provider.name": "openai"}
    span = of_application(
        "chat m",
        attributes={**stated, "gen_ai.usage.input_tokens": 7, "openrouter.cost_usd": "0.000106000000000001"},
        content={"gen_ai.input.messages": text("Hello")},
    )
    found = seen(span)
    assert found["metrics"] == {"prompt_tokens": 7, "estimated_cost": Decimal("0.000106000000000001")}
    assert (found["metadata"]["model"], found["metadata"]["provider"]) == ("m", "openai")
    assert found["input"] == [{"role": "user", "content": "Hello"}]
    assert found["raw"]["gen_ai.request.model"] == "m"


def test_the_words_are_not_sent_twice():
    assert not [key for key in seen(of_call(WORDS))["raw"] if "messages" in key or "definitions" in key]


def test_in_private_there_are_no_words():
    found = seen(of_call())
    assert (found["input"], found["output"]) == (None, None)
    assert "tools" not in found["metadata"]


@pytest.mark.parametrize("span", [a_trace()[2], a_trace()[3]], ids=["a tool", "a call"])
def test_a_failure_is_the_status_and_one_exception(span):
    found = seen(span)["error"]
    (exception,) = found["exceptions"]
    assert exception["exception.type"] in ("TimeoutError", "rate_limit_exceeded")
    assert exception["exception.message"] in ("no answer", "Rate limit exceeded")


def test_what_went_well_has_no_error():
    assert seen(of_call())["error"] is None


def test_who_made_the_span_and_where_is_told():
    settings = {"environment_type": "server", "environment_name": "vercel"}
    assert seen(of_application("work"), **settings)["context"]["span_origin"] == {
        "name": "spancast",
        "version": version("spancast"),
        "instrumentation": {"name": "agents"},
        "environment": {"type": "server", "name": "vercel"},
    }
    assert "environment" not in seen(of_call())["context"]["span_origin"]


def test_an_embedding_is_a_call_of_a_model():
    found = seen(of_call(words(output_messages=None), operation="embeddings", output_tokens=None))
    assert found["span_attributes"]["type"] == "llm"
    assert "completion_tokens" not in found["metrics"]


@pytest.mark.parametrize(
    ("parts", "inputs"),
    [
        ([{"type": "text", "content": "one"}], [{"content": "one"}]),
        (
            [{"type": "text", "content": "one"}, {"type": "text", "content": "two"}],
            [{"content": "one"}, {"content": "two"}],
        ),
        (
            [
                {"type": "text", "content": "one"},
                {"type": "uri", "modality": "image", "uri": "https://x.example/1.png"},
            ],
            [
                {
                    "content": [
                        {"type": "text", "text": "one"},
                        {"type": "image_url", "image_url": {"url": "https://x.example/1.png"}},
                    ]
                }
            ],
        ),
    ],
)
def test_what_was_embedded_is_told_input_by_input(parts, inputs):
    asked = words(input_messages=json.dumps([{"role": "user", "parts": parts}]), output_messages=None)
    found = seen(of_call(asked, operation="embeddings", parameters=Parameters(dimensions=256)))
    assert found["input"] == {"inputs": inputs, "output_dimensions": 256}


@pytest.mark.parametrize("written", ["{", "7", "[" * 100_000])
def test_words_that_are_no_messages_are_shown_as_they_are(written):
    span = replace(of_application("work"), content={"gen_ai.input.messages": written})
    assert seen(span)["input"] == (7 if written == "7" else written)


# --- bad input -------------------------------------------------------------------------------------------------------


def test_what_otlp_has_no_place_for_becomes_text_and_harms_no_neighbour(tmp_path):
    bad = of_application(
        "bad \ud800 name",
        attributes={"surrogate": "a\ud800b", "nan": float("nan"), "huge": 2**70, "list": (1.5, 2.5)},
        user="u\ud800",
        session="s\ud800",
        tags={"a": "c\ud800"},
        metadata={"m\ud800": "\ud800"},
        trace_name=None,
        span_id="00000000000000bb",
        content={"input.value": "\ud800"},
    )
    with braintrust() as (intake, platform):
        standing = deliver(tmp_path, [of_call(), bad], "braintrust", api_key=KEY, endpoint=platform.url, project="shop")
    assert intake.faults == []
    assert (standing.delivered, standing.dead) == (2, 0)
    assert len(platform.received) == 1
    found = intake.rows["00000000000000bb"]
    assert (found["metadata"]["user_id"], found["metadata"]["session_id"], found["tags"]) == ("u?", "s?", ["a:c?"])
    assert (found["raw"]["surrogate"], found["raw"]["huge"]) == ("a?b", str(2**70))
    assert found["input"] == "?"


def test_metadata_beyond_all_measure_is_cut_and_the_span_arrives(tmp_path):
    many = {f"key{number}": "x" * 1000 for number in range(10_000)}
    spans = [
        of_call(span_id="0000000000000001", metadata={"long": "z" * 10**7}),
        of_call(span_id="0000000000000002", metadata=many),
        of_call(span_id="0000000000000003", tags=dict.fromkeys(many, "y" * 1000)),
        of_call(span_id="0000000000000004"),
    ]
    with braintrust() as (intake, platform):
        standing = deliver(tmp_path, spans, "braintrust", api_key=KEY, endpoint=platform.url, project="shop")
    assert intake.faults == []
    assert standing.delivered == 4
    for found in intake.rows.values():
        assert len(json.dumps(found["metadata"], default=str)) < 1_100_000
        assert found["metadata"]["user_id"] == "u_42"
        assert found["metrics"]["estimated_cost"] == Decimal("0.000106000000000001")


def test_a_request_holds_no_more_than_braintrust_takes():
    long = words(input_messages=text("x" * 3_000_000))
    spans = [of_call(long, span_id=f"{number:016x}") for number in range(1, 6)]
    requests = made().encode(spans, NOW)
    assert [len(each.span_ids) for each in requests] == [3, 2]
    assert max(len(gzip.decompress(each.request.body)) for each in requests) <= 10_000_000


# --- what braintrust says --------------------------------------------------------------------------------------------


def partial(rejected: int) -> bytes:
    answered = ExportTraceServiceResponse()
    answered.partial_success.rejected_spans, answered.partial_success.error_message = rejected, "bad span"
    return answered.SerializeToString()


@pytest.mark.parametrize(
    "reply",
    [Reply(200, PROTOBUF), Reply(200, JSON, b"{}"), Reply(200, JSON, b'{"partialSuccess": {}}'), Reply(202)],
    ids=str,
)
def test_an_answer_of_otlp_is_an_acknowledgement(reply):
    assert made().judge(one_request(of_call()), reply) == Delivered()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"content-type": "text/html"}, b"<html>Log in</html>"),
        Reply(200, {}, b"\n<!doctype html>"),
        Reply(200, JSON, b'{"error": "no such project"}'),
        Reply(200, JSON, b'{"errors": ["no"]}'),
        Reply(200, JSON, b'{"partialSuccess":'),
        Reply(200, {"content-type": "text/plain"}, b"OK"),
    ],
    ids=str,
)
def test_any_other_success_acknowledges_nothing(reply):
    assert isinstance(made().judge(one_request(of_call()), reply), Retry)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(401, JSON, b'{"error": "Invalid API key"}'), Unauthorized("HTTP 401: Invalid API key")),
        (Reply(403, {}, b"Forbidden"), Unauthorized("HTTP 403")),
        (Reply(429, {"retry-after": "7"}), Retry("HTTP 429", 7.0)),
        (Reply(500, JSON, b'{"message": "oops"}'), Retry("HTTP 500: oops")),
        (Reply(404), Retry("HTTP 404")),
        (Reply(413, JSON, b'{"message": "Request Too Long"}'), Split("HTTP 413")),
    ],
    ids=str,
)
def test_a_failure_is_judged_by_its_status_and_told_in_braintrusts_words(reply, verdict):
    assert made().judge(one_request(of_call()), reply) == verdict


def test_spans_that_are_rejected_are_rejected_and_some_are_looked_for():
    one, two = one_request(of_call()), one_request(of_call(), a_trace()[0])
    assert made().judge(one, Reply(200, PROTOBUF, partial(1))) == Rejected({one.span_ids[0]: "rejected: bad span"})
    assert made().judge(two, Reply(200, PROTOBUF, partial(1))) == Split("rejected: bad span")


def test_what_braintrust_cannot_read_is_refused_in_its_words():
    encoded = one_request(of_call())
    verdict = made().judge(encoded, Reply(400, JSON, b'{"error": "bad parent"}'))
    assert verdict == Rejected({encoded.span_ids[0]: "HTTP 400: bad parent"})


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"parent": "project_id:a/b"}, "/v1/project/a%2Fb"),
        ({"parent": "experiment_id:7"}, "/v1/experiment/7"),
        ({"project": "shop"}, "/v1/project?limit=1"),
        ({"parent": "an-exported-span"}, "/v1/project?limit=1"),
    ],
)
def test_a_key_is_probed_by_reading_the_project(settings, path):
    probe = made(**settings).probe(NOW)
    assert (probe.method, probe.url, probe.body) == ("GET", f"https://api.braintrust.dev{path}", b"")
    assert probe.headers == {"authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"project": "shop"}, None),
        ({"project_id": PROJECT}, None),
        ({"api_key": "other"}, r"refuses the API key \(HTTP 401: Invalid API key\)"),
        ({"project_id": "other"}, r"has no project_id:other \(HTTP 404: Not found\).*BRAINTRUST_PARENT"),
    ],
)
def test_a_probe_is_diagnosed_with_its_cure(settings, problem):
    with braintrust() as (_, platform):
        exporter = made(endpoint=platform.url, **settings)
        probe = exporter.probe(NOW)
        reply = httpx2.get(probe.url, headers=dict(probe.headers), trust_env=False)
    diagnosis = exporter.diagnose(Reply(reply.status_code, dict(reply.headers), reply.content))
    assert (diagnosis is None) if problem is None else re.search(problem, str(diagnosis))


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(404, {}, b"{}"), "answers HTTP 404. Check BRAINTRUST_API_URL"),
        (Reply(429, {}, b"{}"), "answers HTTP 429, which may be temporary. Try again later."),
        (Reply(502, {"content-type": "text/html"}, b"<html>"), "answers HTTP 502, which may be temporary"),
        (Reply(403, {"content-type": "text/html"}, b"<html>"), "A proxy or a firewall"),
    ],
)
def test_a_project_by_its_name_is_never_what_is_not_known(reply, told):
    assert told in str(made(project="shop").diagnose(reply))


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b"[1]"])
def test_what_is_no_braintrust_is_told_from_it(body):
    assert "is not one of Braintrust" in str(made().diagnose(Reply(200, {}, body)))


# --- all the way through the courier ---------------------------------------------------------------------------------


def sent(tmp_path, spans, platform, **settings):
    return deliver(
        tmp_path, spans, "braintrust", **{"api_key": KEY, "endpoint": platform.url, "project": "shop", **settings}
    )


def test_a_trace_arrives(tmp_path):
    with braintrust() as (intake, platform):
        standing = sent(tmp_path, a_trace(), platform)
    assert intake.faults == []
    assert (standing.delivered, standing.waiting, standing.dead) == (4, 0, 0)
    agent, *others = intake.rows.values()
    assert agent["span_parents"] == []
    assert agent["span_attributes"] == {"name": "checkout", "type": "task"}
    assert {tuple(each["span_parents"]) for each in others} == {(agent["id"],)}


@needs_shared
@pytest.mark.parametrize(("name", "operation", "cost"), RECORDED)
def test_what_openrouter_really_answered_arrives_with_its_dollars(tmp_path, name, operation, cost):
    span = of_recording(name, operation)
    call = span.generation
    with braintrust() as (intake, platform):
        standing = sent(tmp_path, [span], platform)
    assert intake.faults == []
    assert standing.delivered == 1
    (found,) = intake.rows.values()
    assert found["metrics"].get("estimated_cost") == (None if cost is None else Decimal(cost))
    counts = {"prompt_tokens": call.input_tokens, "completion_tokens": call.output_tokens}
    counts |= {"prompt_cached_tokens": call.cached_tokens, "completion_reasoning_tokens": call.reasoning_tokens}
    assert {name: found["metrics"].get(name) for name in counts} == counts
    made_calls = [tool for choice in found["output"] or () for tool in choice["message"].get("tool_calls", ())]
    assert len(made_calls) == (call.tool_calls or 0)


@needs_shared
def test_an_error_that_openrouter_really_gave_arrives_as_one(tmp_path):
    refused = next(each.id for each in recordings("chat") if each.response["status"] == 429)
    span = of_recording(refused)
    with braintrust() as (intake, platform):
        sent(tmp_path, [span], platform)
    assert intake.faults == []
    (found,) = intake.rows.values()
    (exception,) = found["error"]["exceptions"]
    assert exception["exception.type"] == span.generation.error_type
    assert "estimated_cost" not in found["metrics"]


def test_a_span_that_is_sent_again_with_its_cost_is_one_row(tmp_path):
    with braintrust() as (intake, platform):
        sent(tmp_path / "first", [of_call(cost=None)], platform)
        sent(tmp_path / "again", [of_call()], platform)
    assert len(intake.writes) == 2
    (found,) = intake.rows.values()
    assert found["metrics"]["estimated_cost"] == Decimal("0.000106000000000001")


def test_a_wrong_key_parks_the_destination_and_loses_nothing(tmp_path):
    with braintrust() as (intake, platform):
        standing = sent(tmp_path, a_trace(), platform, api_key="wrong")
    assert intake.rows == {}
    assert (standing.state, standing.reason, standing.waiting) == ("parked", "HTTP 401: Invalid API key", 4)


@pytest.mark.parametrize(
    "first",
    [
        answer(200, {"content-type": "text/html"}, b"<html>Log in</html>"),
        errors(429, "Too many requests", retry_after="30"),
        errors(500, "Internal error"),
    ],
    ids=["a page", "429", "500"],
)
def test_what_is_no_answer_is_no_delivery(tmp_path, first):
    with braintrust(first) as (intake, platform):
        standing = sent(tmp_path, a_trace(), platform)
    assert intake.rows == {}
    assert (standing.delivered, standing.state, standing.waiting) == (0, "retrying", 4)


def test_what_is_too_large_for_the_intake_goes_in_parts(tmp_path):
    with braintrust(largest=6_000) as (intake, platform):
        standing = sent(tmp_path, a_trace(), platform)
    assert intake.faults == []
    assert standing.delivered == len(intake.rows) == 4
    assert len(platform.received) > 1


def test_one_span_that_braintrust_rejects_costs_no_other(tmp_path):
    bad = a_trace()[2].span_id
    with braintrust(refuses=(bad,)) as (intake, platform):
        standing = sent(tmp_path, a_trace(), platform)
    assert intake.faults == []
    assert (standing.delivered, standing.dead, standing.reasons) == (3, 1, {"rejected: bad span": 1})
    assert bad not in intake.rows
