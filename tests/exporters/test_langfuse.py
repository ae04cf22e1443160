import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Split,
    Traits,
    Unauthorized,
)
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.langfuse import Langfuse
from tests.support import golden
from tests.support.delivered import deliver, settled
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import JSON, answer
from tests.support.platforms.langfuse import PUBLIC, SECRET, Observation, langfuse, refusal
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import AT, SECOND, WORDS, a_trace, of_application, of_call, of_recording

NOW = datetime(2026, 9, 21, tzinfo=UTC)
KEYS = {"public_key": PUBLIC, "secret_key": SECRET}
VARIABLES = (
    *("PUBLIC_KEY", "SECRET_KEY", "BASE_URL", "HOST", "TRACING_ENVIRONMENT", "RELEASE"),
    *("OTEL_TRACES_EXPORT_PATH", "OTEL_COMPRESSION"),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(f"LANGFUSE_{name}", raising=False)


def made(**settings) -> Langfuse:
    exporter = discover.exporter(Destination("langfuse", **settings))
    assert isinstance(exporter, Langfuse)
    return exporter


def one_request(*sent, **settings) -> Encoded:
    (encoded,) = made(**{**KEYS, **settings}).encode(sent, NOW)
    return encoded


def attributes(span, **settings) -> dict[str, Any]:
    """Return the attributes that go over the wire."""
    (found,) = spans(one_request(span, **settings))
    return found["attributes"]


@pytest.fixture
def shown(tmp_path):
    """Return how Langfuse shows a span that came to it through the courier."""

    def show(span, **settings) -> Observation:
        with langfuse() as (cloud, platform):
            assert deliver(tmp_path, [span], "langfuse", endpoint=platform.url, **KEYS, **settings).delivered == 1
        assert cloud.faults == []
        (found,) = cloud.observations
        return found

    return show


def test_it_is_an_exporter_that_can_be_probed_and_read_back():
    exporter = made(**KEYS)
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    assert isinstance(exporter, ReadBack)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://cloud.langfuse.com/api/public/otel/v1/traces"),
        ({"BASE_URL": "https://us.cloud.langfuse.com"}, "https://us.cloud.langfuse.com/api/public/otel/v1/traces"),
        ({"HOST": "http://langfuse:3000/"}, "http://langfuse:3000/api/public/otel/v1/traces"),
        ({"BASE_URL": "http://new:1", "HOST": "http://old:1"}, "http://new:1/api/public/otel/v1/traces"),
        ({"BASE_URL": "http://a:1/api/public/otel"}, "http://a:1/api/public/otel/v1/traces"),
        ({"BASE_URL": "http://a:1/api/public/otel/v1/traces"}, "http://a:1/api/public/otel/v1/traces"),
        ({"BASE_URL": "http://a:1/x", "OTEL_TRACES_EXPORT_PATH": "/mine"}, "http://a:1/x/mine"),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url):
    for name, value in {"PUBLIC_KEY": PUBLIC, "SECRET_KEY": SECRET, **variables}.items():
        monkeypatch.setenv(f"LANGFUSE_{name}", value)
    (encoded,) = made().encode([of_call()], NOW)
    assert encoded.request.url == url
    assert encoded.request.headers == {
        "authorization": "Basic cGstbGYtMDEyMzpzay1sZi00NTY3",
        "content-encoding": "gzip",
        "content-type": "application/x-protobuf",
        "x-langfuse-ingestion-version": "4",
    }


def test_compression_can_be_left_out(monkeypatch):
    monkeypatch.setenv("LANGFUSE_OTEL_COMPRESSION", "none")
    assert "content-encoding" not in one_request(of_call()).request.headers


@pytest.mark.parametrize("name", ["public_key", "secret_key"])
def test_a_missing_key_is_named_with_where_to_get_it(name):
    with pytest.raises(Unconfigured, match=rf"LANGFUSE_{name.upper()}.*Project Settings, API Keys"):
        made(**{key: value for key, value in KEYS.items() if key != name})


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "cloud.langfuse.com"}, "endpoint cannot be"),
        ({"public_key": SECRET}, "begins with pk-lf-"),
        ({"secret_key": "a key\n"}, "Copy it again"),
        ({"public_key": "pk:lf"}, "Copy it again"),
        ({"compression": "deflate"}, "gzip"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**{**KEYS, **settings})


def test_the_secret_is_not_shown():
    assert SECRET not in repr(made(**KEYS))


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    golden.check("langfuse", readable(one_request(*a_trace())))


def test_a_trace_is_shown_like_this(tmp_path):
    with langfuse() as (cloud, platform):
        assert deliver(tmp_path, a_trace(), "langfuse", endpoint=platform.url, **KEYS).delivered == 4
    assert cloud.faults == []
    agent, call, tool = (cloud.one(name) for name in ("invoke_agent weather", "chat openai/gpt-5-mini", "get_weather"))
    assert [(each.type, each.parent_id) for each in (agent, call, tool)] == [
        ("agent", None),
        ("generation", agent.id),
        ("tool", agent.id),
    ]
    assert (agent.input, agent.output) == ("What is the weather in Paris?", "I do not know.")
    assert (tool.input, tool.level, tool.status_message) == ({"city": "Paris"}, "ERROR", "no answer")
    refused = cloud.one("second try")
    assert (refused.type, refused.level, refused.status_message) == ("generation", "ERROR", "Rate limit exceeded")
    assert (refused.cost, refused.usage, refused.metadata["error_type"]) == (None, {}, "rate_limit_exceeded")


@pytest.mark.parametrize("span", [of_call(), of_application("work")], ids=["ours", "the application's"])
def test_whom_a_span_was_for_is_said_on_every_span(shown, span):
    found = shown(span)
    assert (found.user, found.session, found.trace_name) == ("u_42", "s_7", "checkout")
    assert (found.tags, found.environment, found.release, found.version) == (
        ["feature:search"],
        "staging",
        "7.1",
        "7.1",
    )


def test_what_nobody_said_is_not_there(shown):
    nobody = dict.fromkeys(("user", "session", "trace_name", "environment", "release"))
    found = shown(of_call(**nobody, tags={}, metadata={}, resource={}))
    assert (found.user, found.session, found.trace_name, found.tags) == (None, None, None, [])
    assert (found.environment, found.release) == ("default", None)


def test_a_generation_says_what_was_asked_of_which_model(shown):
    found = shown(of_call())
    assert (found.type, found.model) == ("generation", "openai/gpt-5-mini-2025-08-07")
    assert found.parameters == {
        "max_tokens": 256,
        "temperature": Decimal("0.2"),
        "stop": ["END"],
        "reasoning_effort": "low",
        "tool_count": 1,
        "stream": True,
    }
    assert {name: found.metadata[name] for name in ("provider", "generation_id", "finish_reason", "team")} == {
        "provider": "Azure",
        "generation_id": "gen-1764000000-abcdefghij0123456789",
        "finish_reason": "tool_calls",
        "team": "blue",
    }


def test_the_model_that_was_asked_is_named_where_none_answered(shown):
    assert shown(of_call(response_model=None)).model == "openai/gpt-5-mini"


def test_an_embedding_is_one(shown):
    assert shown(of_call(operation="embeddings")).type == "embedding"


@pytest.mark.parametrize("operation", ["completion", "responses", "message", "rerank", "image", "speech", "video"])
def test_every_other_call_of_a_model_is_a_generation(shown, operation):
    assert shown(of_call(operation=operation)).type == "generation"


def test_tokens_are_counted_once(shown):
    found = shown(of_call())
    assert found.usage == {
        "input": 150,
        "input_cached_tokens": 1000,
        "input_cache_creation": 50,
        "output": 50,
        "output_reasoning_tokens": 30,
        "total": 1280,
    }
    assert sum(found.usage.values()) - found.usage["total"] == found.usage["total"]


def test_tokens_that_nobody_counted_are_not_there(shown):
    counts = ("cached_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens", "output_tokens")
    assert shown(of_call(**dict.fromkeys(counts))).usage == {"input": 1200}


def test_more_from_the_cache_than_there_was_is_no_negative_count(shown):
    assert shown(of_call(input_tokens=10, cached_tokens=20)).usage["input"] == 0


@pytest.mark.parametrize(
    "cost", ["0.000106000000000001", "0", "0.00000000000000000001", "123456789.000000000001", "0.1", "1E-7"]
)
def test_the_cost_is_exact(cost):
    # All digits are looked for in the text itself: what reads it may be a double.
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    written = attributes(of_call(cost=Decimal(cost), **parts))["langfuse.observation.cost_details"]
    assert bytes(written) == f'{{"total":{Decimal(cost):f}}}'.encode()


def test_the_cost_is_parted_where_the_parts_add_up(shown):
    assert shown(of_call()).cost == {
        "input": Decimal("0.0001"),
        "output": Decimal("0.000006000000000001"),
        "total": Decimal("0.000106000000000001"),
    }


def test_parts_that_do_not_add_up_are_left_out(shown):
    assert shown(of_call(cost=Decimal("0.0002"))).cost == {"total": Decimal("0.0002")}


def test_a_call_for_nothing_costs_nothing(shown):
    free = dict.fromkeys(("cost", "upstream_cost", "upstream_input_cost", "upstream_output_cost"), Decimal(0))
    assert shown(of_call(**free)).cost == {"input": 0, "output": 0, "total": 0}


def test_a_cost_that_is_not_known_is_not_told():
    unknown = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    sent = attributes(of_call(**unknown))
    assert "langfuse.observation.cost_details" not in sent
    assert not [name for name in sent if "cost" in name]


def test_under_byok_the_providers_own_bill_is_part_of_the_cost(shown):
    found = shown(of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True))
    assert found.cost == {"total": Decimal("0.00021")}
    assert found.metadata["is_byok"] is True


def test_under_byok_a_fee_alone_is_not_the_cost(shown):
    assert shown(of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True)).cost is None


def test_another_librarys_call_has_the_cost_that_was_added_to_it(shown):
    span = of_application(
        "chat gpt",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "openai/gpt-5",
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.cost": 0.000106,
            "gen_ai.response.time_to_first_chunk": 0.5,
            "openrouter.cost_usd": "0.000106000000000001",
        },
    )
    found = shown(span)
    assert (found.type, found.model, found.usage) == ("generation", "openai/gpt-5", {"input": 7})
    assert found.cost == {"total": Decimal("0.000106000000000001")}
    assert found.completion_start_time == "2026-09-21T14:13:19.500000Z"


def test_an_agent_has_no_cost_beside_its_calls(shown):
    span = of_application("run", attributes={"gen_ai.operation.name": "invoke_agent", "openrouter.cost_usd": "0.1"})
    assert "langfuse.observation.cost_details" not in attributes(span)


def test_the_first_token_has_its_time(shown):
    assert datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC).timestamp() * SECOND == AT
    assert shown(of_call(time_to_first_token=123_456_789)).completion_start_time == "2026-09-21T14:13:20.123456Z"


def test_an_answer_that_never_began_has_none(shown):
    assert shown(of_call(time_to_first_token=None)).completion_start_time is None


@pytest.mark.parametrize("first", [1e300, 1.79e12, -1e20, float("nan")])
def test_a_first_token_that_cannot_be_costs_no_span(shown, first):
    stated = {"gen_ai.operation.name": "chat", "gen_ai.response.time_to_first_chunk": first}
    assert shown(of_application("chat", attributes=stated)).completion_start_time is None


@pytest.mark.parametrize(
    ("facts", "level", "message"),
    [
        ({"outcome": "completed"}, "DEFAULT", None),
        ({"outcome": "closed"}, "WARNING", "closed by the application before its end"),
        ({"outcome": "killed"}, "WARNING", "the process died"),
        ({"outcome": "error", "error_type": "502"}, "ERROR", "502"),
        ({"outcome": "error", "error_type": "502", "error_message": "Bad Gateway"}, "ERROR", "Bad Gateway"),
    ],
)
def test_what_went_wrong_is_said(shown, facts, level, message):
    found = shown(of_call(**facts))
    assert (found.level, found.status_message) == (level, message)


@pytest.mark.parametrize(("facts", "name"), [({}, "chat openai/gpt-5-mini"), ({"generation_name": "answer"}, "answer")])
def test_a_call_has_the_name_that_its_request_gives_it(shown, facts, name):
    assert shown(of_call(**facts)).name == name


@pytest.mark.parametrize(
    ("environment", "spelt"),
    [
        ("Production", "production"),
        ("EU West/1", "eu-west-1"),
        ("langfuse-test", "env-langfuse-test"),
        ("x" * 50, "x" * 40),
        ("", "default"),
    ],
)
def test_an_environment_is_spelt_as_langfuse_takes_it(shown, environment, spelt):
    assert shown(of_call(environment=environment, resource={})).environment == spelt


def test_langfuses_variables_win_over_the_resource_and_what_a_call_says_wins_over_them(shown, monkeypatch):
    monkeypatch.setenv("LANGFUSE_TRACING_ENVIRONMENT", "prod")
    monkeypatch.setenv("LANGFUSE_RELEASE", "8")
    for facts, expected in (
        ({}, ("prod", "8")),
        ({"resource": {}}, ("prod", "8")),
        ({"environment": "canary", "release": "9"}, ("canary", "9")),
    ):
        sent = attributes(of_call(**facts))
        assert (sent["langfuse.environment"], sent["langfuse.release"]) == expected
    assert shown(of_application("work")).environment == "prod"


def test_two_long_sessions_stay_two(shown):
    one, other = (shown_session(shown, "s" * 300 + end) for end in "ab")
    assert len(one) == len(other) == 200
    assert one != other
    assert shown_session(shown, "s" * 200) == "s" * 200


def shown_session(shown, session) -> str:
    return attributes(of_call(session=session))["langfuse.session.id"]


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_are_shown_as_a_conversation(shown):
    found = shown(of_call(WORDS))
    assert [message["role"] for message in found.input["messages"]] == ["system", "user", "assistant", "tool"]
    assert found.input["messages"][0] == {"role": "system", "content": "You are terse."}
    assert found.tools == ["get_weather"]
    assert found.output["content"] == "Let me check."
    assert found.output["reasoning"] == "A tool knows."
    assert found.tool_calls == [("call_1", "get_weather", {"city": "Paris"})]


def test_words_are_sent_once():
    sent = attributes(of_call(WORDS))
    assert not [name for name in sent if name.startswith("gen_ai.") and "messages" in name]
    assert not {"gen_ai.system_instructions", "gen_ai.tool.definitions"} & set(sent)


def test_without_tools_the_input_is_the_messages(shown):
    words = replace_content(WORDS, tool_definitions=None, system_instructions=None)
    assert [message["role"] for message in shown(of_call(words)).input] == ["user", "assistant", "tool"]


def replace_content(content, **facts):
    return type(content)(**{**{name: getattr(content, name) for name in content.__struct_fields__}, **facts})


def test_a_destination_in_private_gets_no_words(shown):
    found = shown(of_call())
    assert (found.input, found.output, found.tool_calls) == (None, None, [])


def test_the_words_of_another_library_are_shown_as_ours(shown):
    span = of_application(
        "chat gpt",
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-5"},
        content={"gen_ai.output.messages": WORDS.output_messages or ""},
    )
    assert shown(span).tool_calls == [("call_1", "get_weather", {"city": "Paris"})]


def test_words_of_no_known_shape_are_shown_as_they_are(shown):
    span = of_application(
        "chat gpt",
        attributes={"gen_ai.operation.name": "chat"},
        content={"gen_ai.input.messages": WORDS.input_messages or "", "gen_ai.output.messages": "It is sunny."},
    )
    found = shown(span)
    assert (found.input[0]["role"], found.output) == ("user", "It is sunny.")


@needs_shared
def test_every_recorded_call_is_shown_as_openrouter_answered_it(tmp_path):
    chosen = [each for each in recordings("chat") if each.expect["cost"] is not None][::8]
    sent = [
        of_recording(each.id, trace_id=f"{number:032x}", span_id=f"{number:016x}")
        for number, each in enumerate(chosen, 1)
    ]
    with langfuse() as (cloud, platform):
        standing = deliver(tmp_path, sent, "langfuse", endpoint=platform.url, **KEYS)
    assert (standing.delivered, standing.dead, cloud.faults) == (len(chosen), 0, [])
    by_id = {each.id: each for each in cloud.observations}
    for span, recording in zip(sent, chosen, strict=True):
        found, expect = by_id[span.span_id], recording.expect
        assert found.model == (expect["response_model"] or expect["request_model"])
        assert found.usage.get("total") == expect["total_tokens"]
        assert found.usage.get("input_cached_tokens") == expect["cached_tokens"]
        assert found.usage.get("output_reasoning_tokens") == expect["reasoning_tokens"]
        assert len(found.tool_calls) == (expect["tool_calls"] or 0)
        if not expect["is_byok"]:
            assert (found.cost or {})["total"] == Decimal(str(expect["cost"]))


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_hostile_arrives_and_its_neighbour_with_it(tmp_path, facts):
    neighbour = of_call(span_id="00000000000000aa", generation_name="neighbour")
    with langfuse() as (cloud, platform):
        standing = deliver(tmp_path, [of_call(**facts), neighbour], "langfuse", endpoint=platform.url, **KEYS)
    assert (standing.delivered, standing.dead) == (2, 0)
    assert cloud.faults == []
    assert cloud.one("neighbour").cost == {
        "input": Decimal("0.0001"),
        "output": Decimal("0.000006000000000001"),
        "total": Decimal("0.000106000000000001"),
    }


def test_requests_are_no_larger_than_langfuse_takes(tmp_path):
    noise = [
        replace_content(WORDS, input_messages=json.dumps([{"role": "user", "content": str(number) * 1_500_000}]))
        for number in range(9)
    ]
    sent = [of_call(words, span_id=f"{number:016x}") for number, words in enumerate(noise, 1)]
    with langfuse() as (cloud, platform):
        assert deliver(tmp_path, sent, "langfuse", endpoint=platform.url, **KEYS).delivered == 9
    assert cloud.faults == []
    assert len(made(**KEYS).encode(sent, NOW)) == 5


# --- answers ---------------------------------------------------------------------------------------------------------


def judged(status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, spans_sent: int = 1):
    encoded = Encoded(Request(url="", body=b""), tuple(f"{number:016x}" for number in range(spans_sent)))
    return made(**KEYS).judge(encoded, Reply(status, headers or JSON, body))


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ((200, b"{}"), Delivered()),
        ((200, b""), Delivered()),
        ((207, b'{"successes":[{"id":"x","status":201}],"errors":[]}'), Delivered()),
        (
            (200, b"<html>Log in", {"content-type": "text/html"}),
            Retry("HTTP 200 with an HTML page instead of an acknowledgement"),
        ),
        ((200, b'{"error":"no"}'), Retry("HTTP 200: no")),
        ((200, b'{"partial'), Retry("HTTP 200 with truncated JSON", doubtful=True)),
        ((200, b"OK"), Retry("HTTP 200 with application/json, which is not an OTLP answer", doubtful=True)),
        ((401, b'{"message":"Invalid credentials"}'), Unauthorized("HTTP 401: Invalid credentials")),
        ((403, b'{"message":"Ingestion suspended"}'), Unauthorized("HTTP 403: Ingestion suspended")),
        ((413, b""), Split("HTTP 413")),
        ((429, b"", {"retry-after": "7"}), Retry("HTTP 429", 7.0)),
        ((503, b"<html>", {"content-type": "text/html"}), Retry("HTTP 503")),
        ((404, b"<html>", {"content-type": "text/html"}), Retry("HTTP 404")),
        ((400, b'{"error":"Invalid span id"}'), Rejected({"0" * 16: "HTTP 400: Invalid span id"})),
        (
            (207, b'{"successes":[],"errors":[{"id":"x","status":400,"message":"Invalid request data"}]}'),
            Rejected({"0" * 16: "HTTP 207: Invalid request data"}),
        ),
        (
            (207, b'{"successes":[],"errors":[{"id":"x","status":500,"message":"Internal Server Error"}]}'),
            Retry("HTTP 207: Internal Server Error"),
        ),
        (
            (200, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}'),
            Rejected({"0" * 16: "rejected: too old"}),
        ),
    ],
)
def test_an_answer_is_read(reply, verdict):
    assert judged(*reply) == verdict


def test_a_partial_success_is_read():
    body = b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}'
    assert judged(200, body, spans_sent=2) == Split("rejected: too old")


@pytest.mark.parametrize(
    ("first", "state", "waiting"),
    [
        (refusal(401, "Invalid credentials"), "parked", 1),
        (refusal(429, "Rate limit exceeded", Retry_After="9"), "retrying", 1),
        (answer(200, {"content-type": "text/html"}, b"<html>Welcome to Hotel Wi-Fi"), "retrying", 1),
    ],
)
def test_what_langfuse_does_not_take_waits(tmp_path, first, state, waiting):
    with langfuse(first) as (cloud, platform):
        standing = deliver(tmp_path, [of_call()], "langfuse", endpoint=platform.url, **KEYS)
    assert (standing.state, standing.waiting, standing.delivered, cloud.observations) == (state, waiting, 0, [])


# --- was it there? ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Prompt(Langfuse):
    """Langfuse as it would be if what it takes were there at once."""

    traits: Traits = field(default=Traits(max_spans=100, resend="duplicates", visible_after=0.0), init=False)


@pytest.mark.parametrize("lost", ["lost_answers", "lost_requests"])
def test_a_span_whose_answer_was_lost_is_there_once(tmp_path, lost):
    sent = [of_call(span_id=f"{number:016x}") for number in range(1, 4)]
    with langfuse(**{lost: 1}) as (cloud, platform):
        standing = settled(tmp_path, sent, Prompt(endpoint=platform.url, **KEYS))
    assert (standing.delivered, standing.dead, standing.waiting) == (3, 0, 0)
    assert sorted(each.id for each in cloud.observations) == [span.span_id for span in sent]
    assert cloud.asked
    assert cloud.faults == []


@pytest.fixture
def wire():
    with closing(Wire()) as opened:
        yield opened


def test_langfuse_is_asked_which_spans_it_has(tmp_path, wire):
    there, absent = of_call(), of_call(span_id="00000000000000aa")
    elsewhere = replace(there, trace_id="f" * 32)
    with langfuse() as (cloud, platform):
        deliver(tmp_path, [there], "langfuse", endpoint=platform.url, **KEYS)
        exporter = made(endpoint=platform.url, **KEYS)
        for asked, found in (
            ([there, absent], {there.span_id: True, absent.span_id: False}),
            ([elsewhere], {elsewhere.span_id: False}),
        ):
            assert exporter.found(asked, wire.post(exporter.read_back(asked, NOW))) == found
    assert cloud.faults == []


def test_the_question_is_short_for_as_many_spans_as_go_at_once():
    exporter = made(**KEYS)
    sent = [of_call(span_id=f"{number:016x}") for number in range(exporter.traits.max_spans)]
    assert len(exporter.read_back(sent, NOW).url) < 4_096


def test_an_older_langfuse_cannot_tell(tmp_path, wire):
    with langfuse(observations_api=False) as (_, platform):
        exporter = made(endpoint=platform.url, **KEYS)
        assert exporter.found([of_call()], wire.post(exporter.read_back([of_call()], NOW))) == {}


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, b"<html>", {}),
        (200, b'{"data": {}}', {}),
        (400, b'{"data": []}', {}),
        (200, b'{"data": ["x", null], "meta": {}}', {"b7ad6b7169203331": False}),
        (200, b'{"data": [], "meta": {"cursor": "next"}}', {}),
    ],
)
def test_only_a_whole_list_tells_what_is_missing(status, body, found):
    assert made(**KEYS).found([of_call()], Reply(status, JSON, body)) == found


# --- the test of a connection ----------------------------------------------------------------------------------------


def test_a_connection_is_tested_without_leaving_a_trace(wire):
    with langfuse() as (cloud, platform):
        exporter = made(endpoint=platform.url, **KEYS)
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
    assert (cloud.observations, cloud.faults) == ([], [])


def test_wrong_keys_are_told(wire):
    with langfuse() as (_, platform):
        exporter = made(endpoint=platform.url, **{**KEYS, "secret_key": "sk-lf-other"})
        told = exporter.diagnose(wire.post(exporter.probe(NOW)))
    assert told is not None
    assert "Invalid credentials" in told
    assert "LANGFUSE_SECRET_KEY" in told


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(404, JSON, b"{}"), "LANGFUSE_BASE_URL"),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), "is not one of Langfuse"),
        (Reply(503, JSON, b""), "HTTP 503"),
    ],
)
def test_what_is_no_langfuse_is_told(reply, told):
    assert told in (made(**KEYS).diagnose(reply) or "")
