"""What each destination is sent: a program's calls, through the journal and the courier, to platforms that listen."""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider

import spancast
from spancast import Destination
from spancast.capture.failure import key_hash
from spancast.semconv import names
from spancast.testing import Simulator
from tests.support.delivered import PATIENCE
from tests.support.platform import Platform
from tests.support.programs import spancast as command

KEY, OTHER_KEY = f"sk-or-v1-{'0123456789abcdef' * 4}", f"sk-or-v1-{'fedcba9876543210' * 4}"
MINI, MODEL = "openai/gpt-4o-mini", "anthropic/claude-haiku-4.5"


class App:
    """A program that calls the simulator, and the platforms that its spans are sent to."""

    def __init__(self, home: Path, openrouter: Simulator, stack: ExitStack) -> None:
        self.home, self._openrouter, self._stack = home, openrouter, stack

    def platform(self) -> Platform:
        return self._stack.enter_context(Platform().open())

    def start(self, *destinations: Any, **settings: Any) -> None:
        spancast.start([*destinations] or None, home=self.home, hosts=[self._openrouter.address], **settings)

    def ask(self, text: str = "Hello.", model: str = MINI, key: str = KEY, **more: Any) -> None:
        http_client = httpx2.Client(verify=False)  # certificates are slow to read, and none is needed here
        client = openai.OpenAI(base_url=self._openrouter.base_url, api_key=key, max_retries=0, http_client=http_client)
        with client:
            messages: Any = [{"role": "user", "content": text}]
            client.chat.completions.create(model=model, messages=messages, extra_body=more)

    def standings(self) -> dict[str, dict[str, Any]]:
        """Return what `spancast destinations --json` says, by destination, once all is sent."""
        assert spancast.flush(PATIENCE)
        environment = {**os.environ, "SPANCAST_HOME": str(self.home)}
        printed = command("destinations", "--json", environment=environment).stdout
        return {each["name"]: each for each in json.loads(printed)}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        openrouter = stack.enter_context(Simulator(seed=8))
        stack.callback(spancast.stop, 0.0)
        yield App(tmp_path / "home", openrouter, stack)


def sent(platform: Platform) -> list[Span]:
    assert spancast.flush(PATIENCE)
    return [span for received in platform.received for span in received.spans()]


def said(span: Span) -> dict[str, Any]:
    return {each.key: value(each.value) for each in span.attributes}


def value(seen: AnyValue) -> Any:
    return getattr(seen, seen.WhichOneof("value") or "string_value")


def wire(platform: Platform) -> bytes:
    """Return all that a platform was sent."""
    return b"".join(gzip.decompress(received.body) for received in platform.received)


def models(platform: Platform) -> list[Any]:
    return sorted(said(span)[names.REQUEST_MODEL] for span in sent(platform))


def test_each_destination_has_its_own_part_of_the_calls(app: App) -> None:
    some, none, mini, dear, web = (app.platform() for _ in range(5))
    rule = {"field": "model", "operator": "starts_with", "value": "openai/"}
    app.start(
        Destination("otlp", name="all", endpoint=some.url),
        Destination("otlp", name="none", endpoint=none.url, sample_rate=0.0),
        Destination("otlp", name="mini", endpoint=mini.url, filters=[rule]),
        Destination(
            "otlp",
            name="dear",
            endpoint=dear.url,
            filters={"groups": [{"rules": [{"field": "total_cost", "operator": "gte", "value": 1000}]}]},
        ),
        Destination("otlp", name="web", endpoint=web.url, keys=["web"]),
        keys={"web": key_hash({"x-api-key": OTHER_KEY})},
    )
    app.ask(model=MINI)
    app.ask(model=MODEL, key=OTHER_KEY)

    assert models(some) == [MODEL, MINI]
    assert models(none) == models(dear) == []
    assert models(mini) == [MINI]
    assert models(web) == [MODEL]
    reasons = {name: each["reasons"] for name, each in app.standings().items()}
    assert reasons == {
        "all": {},
        "none": {"sampled out": 2},
        "mini": {"filtered out": 1},
        "dear": {"filtered out": 2},
        "web": {"made with another key": 1},
    }


def test_sessions_and_the_traces_of_requests_are_sampled_whole(app: App) -> None:
    platform = app.platform()
    app.start(Destination("otlp", endpoint=platform.url, sample_rate=0.5))
    for _ in range(3):
        for number in range(8):
            app.ask(session_id=f"s_{number}")
            app.ask(trace={"trace_id": f"run-{number}"})

    sessions = [said(span)[names.SESSION] for span in sent(platform) if names.SESSION in said(span)]
    traces = [span.trace_id for span in sent(platform) if names.SESSION not in said(span)]
    assert 0 < len(sessions) < 24
    assert 0 < len(traces) < 24
    assert all(sessions.count(session) == 3 for session in sessions)
    assert all(traces.count(trace) == 3 for trace in traces)


def test_words_are_for_those_who_may_have_them(app: App) -> None:
    whole, private, redacted, failing = (app.platform() for _ in range(4))
    app.start(
        Destination("otlp", name="whole", endpoint=whole.url),
        Destination("otlp", name="private", endpoint=private.url, privacy=True),
        Destination("otlp", name="redacted", endpoint=redacted.url, redact=lambda text: text.replace("Ada", "[name]")),
        Destination("otlp", name="failing", endpoint=failing.url, redact=lambda text: text[10**9]),
        capture_content=True,
    )
    app.ask("My name is Ada.")

    (seen,) = sent(whole)
    asked = json.loads(said(seen)[names.INPUT_MESSAGES])
    assert asked[0]["parts"][0]["content"] == "My name is Ada."
    (hidden,) = sent(redacted)
    assert json.loads(said(hidden)[names.INPUT_MESSAGES])[0]["parts"][0]["content"] == "My name is [name]."
    words = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES}
    for span in (*sent(private), *sent(failing)):
        assert {key: value for key, value in said(seen).items() if key not in words} == said(span)
    assert app.standings()["failing"]["reasons"] == {"sent without its words: redact failed": 1}
    assert b"Ada" in wire(whole)
    assert not any(b"Ada" in wire(platform) for platform in (private, redacted, failing))


def test_a_redactor_that_asks_a_model_itself_is_not_redacted_for_ever(app: App) -> None:
    platform = app.platform()
    asked: list[str] = []

    def redact(text: str) -> str:
        asked.append(text)
        if len(asked) == 1:
            app.ask("Is this a name?")
        return text

    app.start(Destination("otlp", endpoint=platform.url, redact=redact), capture_content=True)
    app.ask("My name is Ada.")
    assert sent(platform)  # the call that the redactor makes is made on the way there

    spans = sent(platform)
    assert sorted(names.INPUT_MESSAGES in said(span) for span in spans) == [False, True]
    assert "Is this a name?" not in asked


def test_metadata_and_environment_of_a_destination_are_on_its_spans_alone(app: App) -> None:
    plain, labelled = app.platform(), app.platform()
    app.start(
        Destination("otlp", name="plain", endpoint=plain.url),
        Destination("otlp", name="labelled", endpoint=labelled.url, metadata={"team": "red"}, environment="production"),
    )
    app.ask(trace={"team": "blue", "environment": "canary", "release": "8.0"}, metadata={"order": "o_1"})

    (one,), (other,) = sent(plain), sent(labelled)
    assert {key: value for key, value in said(one).items() if key.startswith("spancast.metadata.")} == {
        "spancast.metadata.team": "blue",
        "spancast.metadata.order": "o_1",
    }
    assert said(other) == {**said(one), "spancast.metadata.team": "red"}
    for platform, environment in ((plain, "canary"), (labelled, "production")):
        (whole,) = ExportTraceServiceRequest.FromString(wire(platform)).resource_spans
        resource = {each.key: value(each.value) for each in whole.resource.attributes}
        assert (resource["deployment.environment.name"], resource["service.version"]) == (environment, "8.0")


def test_the_request_says_where_its_call_stands(app: App) -> None:
    platform = app.platform()
    app.start(Destination("otlp", endpoint=platform.url))
    trace = {"trace_id": "run-1", "trace_name": "checkout", "span_name": "search", "generation_name": "rank"}
    app.ask(trace=trace)
    app.ask(trace={**trace, "generation_name": "sum up", "parent_span_id": "00f067aa0ba902b7"})

    spans = sent(platform)
    assert [span.name for span in spans] == ["search", "rank", "search", "sum up"]
    assert len({span.trace_id for span in spans}) == 1
    assert spans[0].trace_id.hex() == sha256(b"run-1").hexdigest()[:32]
    assert [span.parent_span_id.hex() for span in spans] == [
        "",
        spans[0].span_id.hex(),
        "00f067aa0ba902b7",
        spans[2].span_id.hex(),
    ]
    assert {said(span)["openrouter.trace.trace_name"] for span in spans} == {"checkout"}
    standing = app.standings()["otlp"]
    assert (standing["captured"], standing["delivered"], standing["reasons"]) == (2, 2, {})
    environment = {**os.environ, "SPANCAST_HOME": str(app.home)}
    calls = [json.loads(line) for line in command("calls", "--json", environment=environment).stdout.splitlines()]
    assert [call["generation_name"] for call in calls] == ["rank", "sum up"]
    assert {(call["trace_name"], call["span_name"], call["request_trace_id"]) for call in calls} == {
        ("checkout", "search", "run-1")
    }


def test_an_application_with_a_span_open_has_said_where_its_calls_stand(app: App) -> None:
    platform = app.platform()
    provider = TracerProvider(shutdown_on_exit=False)
    app.start(Destination("otlp", endpoint=platform.url, spans="trace"), tracer_provider=provider)
    with provider.get_tracer("app").start_as_current_span("request") as open_span:
        app.ask(trace={"trace_id": "run-1", "span_name": "search", "generation_name": "rank"})

    calls = [span for span in sent(platform) if names.CALL_ID in said(span)]
    context = open_span.get_span_context()
    assert [(span.name, span.trace_id.hex(), span.parent_span_id.hex()) for span in calls] == [
        ("rank", f"{context.trace_id:032x}", f"{context.span_id:016x}")
    ]


def test_what_the_program_writes_in_its_requests_arrives_safe_and_costs_no_other_call(app: App) -> None:
    platform = app.platform()
    app.start(Destination("otlp", endpoint=platform.url))
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    app.ask(trace={"deep": deep, "huge": 10**300, "long": "x" * 10**6, "key": KEY, "a": 1, "a.b": 2})
    app.ask()

    one, other = sent(platform)
    metadata = {key.removeprefix("spancast.metadata."): value for key, value in said(one).items() if "metadata" in key}
    assert metadata["deep"] == '{"a":{"a":{"a":"[truncated]"}}}'
    assert metadata["long"].endswith("[truncated]")
    assert (metadata["key"], metadata["a"], metadata["a_b"]) == ("[removed]", "1", "2")
    assert not any("metadata" in key for key in said(other))
