"""The OpenTelemetry instrumentor: the spans alone, and the rest where it is asked for."""

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast import OpenRouterInstrumentor, api
from spancast.base import guard
from spancast.errors import ConfigurationError
from spancast.testing import Simulator
from tests.support.programs import calls, surroundings

PROMPT: dict[str, Any] = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


class Traced:
    """A provider of the application's, and the spans that have ended in it."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._kept.get_finished_spans()


@pytest.fixture
def traced() -> Traced:
    return Traced()


@pytest.fixture(autouse=True)
def instrumentor() -> Iterator[OpenRouterInstrumentor]:
    one, before = OpenRouterInstrumentor(), sends()
    yield one
    if one.is_instrumented_by_opentelemetry:
        one.uninstrument()
    spancast.stop(0.0)
    assert sends() == before


def sends() -> list[object]:
    return [id(vars(each)["send"]) for library in (httpx, httpx2) for each in (library.Client, library.AsyncClient)]


def ask(openrouter: Simulator, **more: Any) -> None:
    headers = {"authorization": "Bearer sk-or-v1-simulator"}
    httpx2.post(f"{openrouter.base_url}/chat/completions", json={**PROMPT, **more}, headers=headers).raise_for_status()


def test_opentelemetry_finds_it_by_its_name() -> None:
    (found,) = entry_points(group="opentelemetry_instrumentor", name="openrouter")
    assert found.load() is OpenRouterInstrumentor


def test_it_makes_one_span_of_each_call_and_writes_nothing(
    instrumentor: OpenRouterInstrumentor,
    traced: Traced,
    openrouter: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    with traced.provider.get_tracer("application").start_as_current_span("request"):
        ask(openrouter, user="u_1")
    ours, theirs = traced.spans
    assert ours.parent == theirs.context
    assert (ours.attributes or {})["openrouter.cost_usd"] == format(openrouter.bills[0].cost, "f")
    assert (ours.attributes or {})["user.id"] == "u_1"
    assert list(tmp_path.iterdir()) == []
    assert api.running() is None


def test_it_watches_openrouter_without_being_told(instrumentor: OpenRouterInstrumentor, traced: Traced) -> None:
    instrumentor.instrument(tracer_provider=traced.provider)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": "gen-1"}))
    with httpx.Client(transport=transport) as client:
        client.post("https://openrouter.ai/api/v1/chat/completions", json=PROMPT)
        client.post("https://api.openai.com/v1/chat/completions", json=PROMPT)
    (span,) = traced.spans
    assert (span.attributes or {})["server.address"] == "openrouter.ai"


def test_the_other_spans_of_the_trace_say_whom_they_are_for(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator
) -> None:
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    tracer = traced.provider.get_tracer("application")
    with spancast.attribute(user="u_1"):
        ask(openrouter)
        tracer.start_span("stamped").end()
    instrumentor.uninstrument()
    with spancast.attribute(user="u_1"):
        tracer.start_span("left alone").end()
    users = {span.name: (span.attributes or {}).get("user.id") for span in traced.spans}
    assert users == {"chat openai/gpt-4o-mini": "u_1", "stamped": "u_1", "left alone": None}


def test_it_goes_off_and_on_again(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    before = sends()
    for round_ in range(1, 3):
        instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
        ask(openrouter)
        assert len(traced.spans) == round_
        instrumentor.uninstrument()
        assert sends() == before
        ask(openrouter)
        assert len(traced.spans) == round_
    assert caplog.records == []


def test_twice_is_once(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        OpenRouterInstrumentor().instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    ask(openrouter)
    assert len(traced.spans) == 1
    assert [record.getMessage() for record in caplog.records] == ["Attempting to instrument while already instrumented"]


@pytest.mark.parametrize(
    "asked",
    [
        {"SPANCAST_HOME": "home"},
        {
            "SPANCAST_DESTINATIONS": "otlp",
            "XDG_STATE_HOME": "home",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        },
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_it_starts_all_of_spancast_where_more_is_asked_for(
    asked: dict[str, str], traced: Traced, openrouter: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in asked.items():
        monkeypatch.setenv(variable, str(tmp_path) if value == "home" else value)
    OpenRouterInstrumentor().instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    assert api.running() is not None
    ask(openrouter)
    assert len(traced.spans) == 1
    OpenRouterInstrumentor().uninstrument()
    assert api.running() is None
    assert list(tmp_path.rglob("ledger.db"))


@pytest.mark.parametrize(
    "text",
    [
        '[tool.spancast]\nhome = "there"\n',
        '[tool.spancast.destinations.otlp]\nendpoint = "http://127.0.0.1:9"\n',
    ],
)
def test_a_file_asks_for_more_as_a_variable_does(
    text: str, traced: Traced, openrouter: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Path("pyproject.toml").write_text(text)
    OpenRouterInstrumentor().instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    ask(openrouter)
    OpenRouterInstrumentor().uninstrument()
    assert len(traced.spans) == 1
    assert [found.parent.name for found in tmp_path.rglob("ledger.db")] == ["there" if "home" in text else "spancast"]


def by_start(**arguments: Any) -> None:
    spancast.start(**arguments)


def by_instrumentor(**arguments: Any) -> None:
    OpenRouterInstrumentor().instrument(**arguments)


@pytest.mark.parametrize("begin", [by_start, by_instrumentor])
def test_arguments_win_over_variables_and_those_over_a_file(
    begin: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spancast.toml").write_text('home = "file"\ndestinations = ["jsonl"]\nmetrics = "off"\n')
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path / "variable"))
    monkeypatch.setenv("SPANCAST_METRICS", "1.44")

    def chosen(**arguments: Any) -> tuple[str, list[str], str]:
        begin(**arguments)
        running = api.running()
        assert running is not None
        settings = running.settings
        if OpenRouterInstrumentor().is_instrumented_by_opentelemetry:
            OpenRouterInstrumentor().uninstrument()
        spancast.stop(0.0)
        return settings.home.name, [each.name for each in settings.destinations], settings.metrics

    console = [spancast.Destination("console")]
    assert chosen(home=tmp_path / "argument", destinations=console, metrics="off") == ("argument", ["console"], "off")
    assert chosen() == ("variable", ["jsonl"], "1.44")
    monkeypatch.delenv("SPANCAST_HOME")
    monkeypatch.delenv("SPANCAST_METRICS")
    assert chosen() == ("file", ["jsonl"], "off")


def test_who_says_that_there_are_no_destinations_has_the_spans_alone(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "jsonl")
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address], destinations=[])
    assert api.running() is None
    ask(openrouter)
    assert len(traced.spans) == 1


def test_what_start_takes_it_takes_too(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator
) -> None:
    instrumentor.instrument(
        tracer_provider=traced.provider, hosts=[openrouter.address], capture_content=True, default_user="u_9"
    )
    ask(openrouter)
    assert spancast.flush(30.0)
    (span,) = traced.spans
    assert (span.attributes or {})["user.id"] == "u_9"
    assert "Hi" in str((span.attributes or {})["gen_ai.input.messages"])


def test_spancast_that_runs_already_is_left_running(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    spancast.start(home=tmp_path, hosts=[openrouter.address], tracer_provider=traced.provider)
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    ask(openrouter)
    instrumentor.uninstrument()
    assert api.running() is not None
    ask(openrouter)
    assert len(traced.spans) == 2


def test_spancast_that_is_started_later_has_the_calls(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    """As under `opentelemetry-instrument`, in a program that calls `spancast.start()`."""
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    spancast.start(home=tmp_path, hosts=[openrouter.address], tracer_provider=traced.provider)
    ask(openrouter)
    assert len(traced.spans) == 1
    assert spancast.flush()
    spancast.stop()
    assert [call["generation_id"] for call in calls(surroundings(tmp_path, openrouter))] == [
        openrouter.bills[0].generation_id
    ]
    ask(openrouter)
    assert len(traced.spans) == 2


def users(traced: Traced) -> list[object]:
    return [(span.attributes or {}).get("user.id") for span in traced.spans]


def test_spancast_that_is_started_later_makes_its_spans_in_the_instrumentors_provider(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address], default_user="instrumented")
    ask(openrouter)
    spancast.start(home=tmp_path, hosts=[openrouter.address], default_user="started")
    ask(openrouter)
    spancast.stop()
    ask(openrouter)
    assert users(traced) == ["instrumented", "started", "instrumented"]


def test_spancast_that_is_started_later_may_have_a_provider_of_its_own(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    other = Traced()
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    spancast.start(home=tmp_path, hosts=[openrouter.address], tracer_provider=other.provider)
    ask(openrouter)
    assert (len(traced.spans), len(other.spans)) == (0, 1)


def test_the_instrumentor_goes_and_comes_while_spancast_runs(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address], default_user="instrumented")
    spancast.start(home=tmp_path, hosts=[openrouter.address], default_user="started")
    instrumentor.uninstrument()
    ask(openrouter)
    spancast.stop()
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address], default_user="again")
    ask(openrouter)
    assert users(traced) == ["started", "again"]


def test_what_the_program_starts_outlives_the_instrumentor(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, tmp_path: Path
) -> None:
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address], home=tmp_path)
    begun = api.running()
    spancast.start()
    instrumentor.uninstrument()
    assert api.running() is begun is not None
    ask(openrouter)
    assert len(traced.spans) == 1
    spancast.stop()
    assert api.running() is None


def test_what_the_program_starts_in_the_place_of_what_the_instrumentor_began_outlives_it_too(
    instrumentor: OpenRouterInstrumentor, openrouter: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path / "instrumented"))
    monkeypatch.setenv("SPANCAST_HOSTS", openrouter.address)
    instrumentor.instrument()
    spancast.start(home=tmp_path / "started")
    instrumentor.uninstrument()
    running = api.running()
    assert running is not None
    assert running.settings.home == tmp_path / "started"


def test_what_was_stopped_and_begun_again_is_the_programs(
    instrumentor: OpenRouterInstrumentor, openrouter: Simulator, tmp_path: Path
) -> None:
    instrumentor.instrument(hosts=[openrouter.address], home=tmp_path)
    spancast.start()
    spancast.stop()
    instrumentor.uninstrument()
    instrumentor.instrument(hosts=[openrouter.address], home=tmp_path)
    instrumentor.uninstrument()
    assert api.running() is None


@pytest.mark.parametrize(("variable", "value"), [("OTEL_SDK_DISABLED", "true"), ("SPANCAST_ENABLED", "false")])
def test_nothing_is_hooked_where_it_is_switched_off(
    instrumentor: OpenRouterInstrumentor, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sends()
    monkeypatch.setenv(variable, value)
    instrumentor.instrument()
    assert sends() == before


@pytest.mark.parametrize(
    ("variable", "value"), [("SPANCAST_DURABILITY", "forever"), ("SPANCAST_DESTINATIONS", "nonesuch")]
)
def test_a_setting_that_cannot_work_keeps_nobody_else_from_being_instrumented(
    instrumentor: OpenRouterInstrumentor,
    variable: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(guard, "_last_logged", {})
    monkeypatch.setenv(variable, value)
    before = sends()
    instrumentor.instrument()
    assert sends() == before
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.getMessage().startswith("OpenRouter is not instrumented: ")
    assert value in told.getMessage()


def test_what_is_written_wrongly_in_code_is_an_error(instrumentor: OpenRouterInstrumentor) -> None:
    with pytest.raises(ConfigurationError, match="hosts= cannot be 7"):
        instrumentor.instrument(hosts=[7])
    assert not instrumentor.is_instrumented_by_opentelemetry


def test_a_name_that_is_misspelt_is_an_error_and_one_for_other_instrumentors_is_not(
    instrumentor: OpenRouterInstrumentor,
) -> None:
    with pytest.raises(ConfigurationError, match=r"takes no 'destination'\. Did you mean 'destinations'\?"):
        instrumentor.instrument(destination=["otlp"])
    assert not instrumentor.is_instrumented_by_opentelemetry
    instrumentor.instrument(logger_provider=None, event_logger_provider=None, request_hook=None, enrich_assistant=True)
    assert instrumentor.is_instrumented_by_opentelemetry


def test_flush_waits_for_the_words_of_a_call_and_says_when_they_take_too_long(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = threading.Event()
    redactor = SimpleNamespace(redact=lambda text: text if allowed.wait(30) else None)
    monkeypatch.setitem(sys.modules, "redactor_of_a_test", redactor)
    monkeypatch.setenv("SPANCAST_CAPTURE_CONTENT", "true")
    monkeypatch.setenv("SPANCAST_REDACT", "redactor_of_a_test:redact")
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    assert spancast.flush(0.0)
    ask(openrouter)
    assert not spancast.flush(0.05)
    assert traced.spans == ()
    allowed.set()
    assert spancast.flush(30.0)
    assert len(traced.spans) == 1


def test_the_span_of_an_abandoned_answer_ends_with_the_instrumentor(
    instrumentor: OpenRouterInstrumentor, traced: Traced, openrouter: Simulator
) -> None:
    instrumentor.instrument(tracer_provider=traced.provider, hosts=[openrouter.address])
    with httpx2.Client(headers={"authorization": "Bearer sk-or-v1-simulator"}) as client:
        request = client.build_request(
            "POST", f"{openrouter.base_url}/chat/completions", json=PROMPT | {"stream": True}
        )
        client.send(request, stream=True)
        gc.collect()
    assert traced.spans == ()
    instrumentor.uninstrument()
    (span,) = traced.spans
    assert (span.attributes or {})["spancast.outcome"] == "abandoned"


def test_the_span_of_an_abandoned_answer_ends_with_the_process(openrouter: Simulator, tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        "import gc, os, httpx2\n"
        "client = httpx2.Client(headers={'authorization': 'Bearer sk-or-v1-simulator'})\n"
        "url = os.environ['OPENROUTER_BASE_URL'] + '/chat/completions'\n"
        f"client.send(client.build_request('POST', url, json={PROMPT | {'stream': True}}), stream=True)\n"
        "gc.collect()\n"
    )
    environment = surroundings(tmp_path, openrouter, OTEL_TRACES_EXPORTER="console", OTEL_METRICS_EXPORTER="none")
    environment |= {"OTEL_LOGS_EXPORTER": "none"}
    del environment["SPANCAST_HOME"]
    done = subprocess.run(
        [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, program],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert '"spancast.outcome": "abandoned"' in done.stdout
