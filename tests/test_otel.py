"""Exporters of ours as span exporters of OpenTelemetry's."""

import os
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openai
import pytest
from opentelemetry.sdk._configuration import _init_tracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from spancast import otel
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.instrumentor import OpenRouterInstrumentor
from spancast.testing import Simulator
from tests.support.environments import python_with
from tests.support.platform import Platform, answer, at_most, partially, refusing
from tests.support.platforms.langsmith import KEY, langsmith

ROOT = Path(__file__).parents[1]
OPENTELEMETRYS = {"otlp", "console", "none"}
PROGRAM = """
import os
from openai import OpenAI
client = OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key="sk-or-v1-simulator")
client.chat.completions.create(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], user="u_42")
"""


@contextmanager
def traced(exporter: SpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


@pytest.fixture
def made():
    """Make exporters that are shut down afterwards."""
    with ExitStack() as stack:

        def make(exporter: str | Destination = "otlp", **settings) -> otel.SpanExporter:
            found = otel.SpanExporter(exporter, **settings)
            stack.callback(found.shutdown)
            return found

        yield make


def spans(count: int, **attributes) -> list:
    """Return finished spans of the application's own."""
    provider, found = TracerProvider(), []
    for number in range(count):
        span = provider.get_tracer("app").start_span(f"work {number}", attributes=attributes)
        span.end()
        found.append(span)
    return found


def ids(found) -> list[str]:
    return [f"{span.context.span_id:016x}" for span in found]


def test_a_call_is_shown_with_its_dollars_and_whom_it_was_for(monkeypatch):
    with Simulator(seed=1) as openrouter, langsmith() as (cloud, platform):
        exporter = otel.SpanExporter("langsmith", api_key=KEY, endpoint=platform.url)
        instrumentor = OpenRouterInstrumentor()
        with traced(exporter) as provider:
            instrumentor.instrument(tracer_provider=provider, hosts=[openrouter.address])
            try:
                with openai.OpenAI(base_url=openrouter.base_url, api_key="sk-or-v1-simulator") as client:
                    client.chat.completions.create(
                        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], user="u_42"
                    )
            finally:
                instrumentor.uninstrument()
        (bill,) = openrouter.bills
    (run,) = cloud.runs.values()
    assert cloud.faults == []
    assert run.type == "llm"
    assert run.metadata["user_id"] == "u_42"
    assert run.usage is not None
    assert (run.usage["total_cost"], run.usage["input_tokens"]) == (bill.cost, bill.prompt_tokens)


def test_words_of_another_library_go_only_where_content_is_asked_for(made):
    for wanted in (False, True):
        with Platform().open() as platform:
            exporter = made(endpoint=platform.url, capture_content=wanted)
            assert exporter.export(spans(1, **{"gen_ai.prompt.0.content": "s3cret words"})) is SpanExportResult.SUCCESS
            (received,) = platform.received
            (seen,) = received.spans()
        assert any(pair.key == "gen_ai.prompt.0.content" for pair in seen.attributes) is wanted


def test_what_is_too_much_at_once_is_sent_in_parts(made):
    with Platform(at_most(3)).open() as platform:
        sent = spans(10)
        assert made(endpoint=platform.url).export(sent) is SpanExportResult.SUCCESS
    assert sorted(platform.taken) == sorted(ids(sent))


def test_a_span_that_is_refused_costs_no_other(made):
    sent = spans(5)
    with Platform(refusing(ids(sent)[2])).open() as platform:
        assert made(endpoint=platform.url).export(sent) is SpanExportResult.FAILURE
    assert set(platform.taken) == set(ids(sent)) - {ids(sent)[2]}


def test_a_partial_success_is_no_success(made):
    sent = spans(1)
    with Platform(partially(ids(sent)[0])).open() as platform:
        assert made(endpoint=platform.url).export(sent) is SpanExportResult.FAILURE


def test_what_is_behind_a_request_that_was_taken_in_part_is_sent_and_that_is_not_again():
    sent = spans(600)
    first, *_, last = ids(sent)
    with Platform(partially(first), answer()).open() as platform:
        exporter = otel.SpanExporter("honeycomb", endpoint=platform.url, api_key=KEY, timeout=5.0)
        assert exporter.export(sent) is SpanExportResult.FAILURE
        assert len(platform.received) == 2
    assert len(platform.taken) == 88
    assert platform.taken[last] == 1
    exporter.shutdown()


def test_a_platform_that_is_busy_is_asked_again(made):
    with Platform(answer(503), answer(429, {"retry-after": "0"}), answer()).open() as platform:
        assert made(endpoint=platform.url).export(spans(1)) is SpanExportResult.SUCCESS
        assert len(platform.received) == 3


def test_a_platform_that_stays_down_costs_no_more_than_the_timeout(made):
    exporter = made(endpoint="http://127.0.0.1:1", timeout=0.3)
    assert exporter.export(spans(1)) is SpanExportResult.FAILURE


def test_a_wrong_credential_is_not_tried_again(made):
    with Platform(answer(401)).open() as platform:
        assert made(endpoint=platform.url).export(spans(3)) is SpanExportResult.FAILURE
        assert len(platform.received) == 1


def test_after_its_shutdown_it_takes_nothing(made):
    with Platform().open() as platform:
        exporter = made(endpoint=platform.url)
        exporter.shutdown()
        assert exporter.export(spans(1)) is SpanExportResult.FAILURE
        assert platform.received == []


def test_the_policies_of_a_destination_hold(made):
    with Platform().open() as platform:
        destination = Destination("otlp", endpoint=platform.url, sample_rate=0.0)
        assert made(destination).export(spans(2)) is SpanExportResult.SUCCESS
        assert platform.received == []


def test_what_cannot_work_is_an_error_for_who_wrote_it():
    with pytest.raises(ConfigurationError, match="No exporter is called 'langfuze'"):
        otel.SpanExporter("langfuze")


# --- by name ---------------------------------------------------------------------------------------------------------


def entry_points() -> dict[str, str]:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: dict[str, str] = written["project"]["entry-points"]["opentelemetry_traces_exporter"]
    return found


def test_every_built_in_exporter_has_its_name_there_and_none_of_opentelemetrys():
    built_in = {file.stem for file in (ROOT / "exporters" / "spancast_exporters").glob("[a-z]*.py")}
    assert entry_points() == {name: f"spancast.otel:{name}" for name in built_in - OPENTELEMETRYS}


def test_each_name_is_a_class_as_the_sdk_wants_it():
    for name in entry_points():
        found = getattr(otel, name)
        assert issubclass(found, SpanExporter), name
        assert getattr(otel, name) is found


def test_the_sdk_makes_one_and_it_sends(monkeypatch):
    provided = []
    monkeypatch.setattr("opentelemetry.sdk._configuration.set_tracer_provider", provided.append)
    monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
    with langsmith() as (cloud, platform):
        monkeypatch.setenv("LANGSMITH_ENDPOINT", platform.url)
        _init_tracing({"langsmith": otel.langsmith}, export_span_processor=SimpleSpanProcessor)
        (provider,) = provided
        provider.get_tracer("app").start_span("work").end()
        provider.shutdown()
    assert [run.name for run in cloud.runs.values()] == ["work"]


def test_one_without_its_key_says_so_once_and_keeps_no_program_from_running(monkeypatch, caplog):
    monkeypatch.delenv("LANGSMITH_API_KEY", raising=False)
    monkeypatch.delenv("LANGCHAIN_API_KEY", raising=False)
    exporter = otel.langsmith()
    assert exporter.export(spans(1)) is SpanExportResult.FAILURE
    exporter.shutdown()
    (line,) = caplog.messages
    assert line.startswith("No span goes to langsmith: langsmith has no api_key. Set LANGSMITH_API_KEY")


def test_a_name_that_is_no_exporters_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'langfuze'"):
        _ = otel.langfuze


@pytest.mark.slow
def test_opentelemetrys_own_launcher_finds_it_by_the_variable():
    python = python_with("beside/otel-launcher", "opentelemetry-distro", "openai>=3.0")
    with Simulator(seed=1) as openrouter, langsmith() as (cloud, platform):
        environment = os.environ | {
            "OTEL_TRACES_EXPORTER": "langsmith",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "LANGSMITH_API_KEY": KEY,
            "LANGSMITH_ENDPOINT": platform.url,
            "SPANCAST_HOSTS": openrouter.address,
            "OPENROUTER_BASE_URL": openrouter.base_url,
        }
        command = [str(python.with_name("opentelemetry-instrument")), str(python), "-c", PROGRAM]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        (bill,) = openrouter.bills
    run = cloud.one("chat openai/gpt-4o-mini")
    assert run.usage is not None
    assert run.usage["total_cost"] == bill.cost
