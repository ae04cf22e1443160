"""Start, stop, flush: the public face, in this process."""

import gc
import gzip
import math
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import httpx2
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast import api
from spancast.attribution import rules
from spancast.errors import ConfigurationError
from spancast.testing import Simulator
from tests.support.programs import spancast as command
from tests.support.programs import surroundings
from tests.support.waiting import eventually


class Collector(ThreadingHTTPServer):
    """Takes OTLP, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans: list[Any] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            request = ExportTraceServiceRequest.FromString(
                gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            )
            self.server.spans += [
                span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans
            ]
        self.send_response(self.server.status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    spancast.stop(0.0)


def ask(openrouter: Simulator, library: Any = httpx2, **more: Any) -> Any:
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], **more}
    headers = {"authorization": "Bearer sk-or-v1-simulator"}
    return library.post(f"{openrouter.base_url}/chat/completions", json=body, headers=headers)


def start(openrouter: Simulator, home: Path, *destinations: str | spancast.Destination, **more: Any) -> None:
    spancast.start(destinations, home=home, hosts=[openrouter.address], **more)


def otlp(collector: Collector) -> spancast.Destination:
    return spancast.Destination("otlp", endpoint=collector.url)


def sends() -> list[object]:
    return [
        getattr(library, name).__dict__["send"] for library in (httpx, httpx2) for name in ("Client", "AsyncClient")
    ]


def test_flush_says_whether_all_was_delivered(openrouter: Simulator, collector: Collector, tmp_path: Path) -> None:
    start(openrouter, tmp_path, otlp(collector))

    ask(openrouter, user="u_1")
    ask(openrouter, httpx)

    assert spancast.flush(10.0)
    sent = [{each.key: each.value for each in span.attributes} for span in collector.spans]
    assert [attributes["openrouter.generation.id"].string_value for attributes in sent] == [
        bill.generation_id for bill in openrouter.bills
    ]
    assert sent[0]["user.id"].string_value == "u_1"
    assert sent[0]["openrouter.cost_usd"].string_value == format(openrouter.bills[0].cost, "f")


def test_a_second_start_changes_nothing_though_the_first_gave_no_argument(
    openrouter: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path / "first"))
    monkeypatch.setenv("SPANCAST_HOSTS", openrouter.address)
    spancast.start()
    spancast.start(home=tmp_path / "second")

    ask(openrouter)

    assert spancast.flush(10.0)
    assert not (tmp_path / "second").exists()
    with spancast.ledger(tmp_path / "first") as ledger:
        assert ledger.costs().total.calls == 1
    assert "the arguments of this start() are ignored" in caplog.text


def test_flush_says_when_something_still_waits(openrouter: Simulator, collector: Collector, tmp_path: Path) -> None:
    collector.status = 503
    start(openrouter, tmp_path, otlp(collector))

    ask(openrouter)

    assert not spancast.flush(0.3)


def test_what_could_not_be_sent_is_sent_by_the_next_process(
    openrouter: Simulator, collector: Collector, tmp_path: Path
) -> None:
    collector.status = 503
    start(openrouter, tmp_path, otlp(collector))
    ask(openrouter)
    assert not spancast.stop(0.3)

    collector.status = 200
    start(openrouter, tmp_path, otlp(collector))
    ask(openrouter)

    assert spancast.flush(10.0)
    assert len(collector.spans) == 2


def test_a_second_stop_says_what_has_become_of_it_since(
    openrouter: Simulator, collector: Collector, tmp_path: Path
) -> None:
    collector.status = 503
    start(openrouter, tmp_path, otlp(collector))
    ask(openrouter)
    assert [spancast.stop(0.3), spancast.stop(0.3), spancast.stop()] == [False, False, False]

    collector.status = 200
    platform = {"SPANCAST_DESTINATIONS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    command("deliver", environment=surroundings(tmp_path, openrouter, **platform))

    assert spancast.stop()
    assert len(collector.spans) == 1


NO_TRACERS = [7, TracerProvider, TracerProvider().get_tracer("a"), MeterProvider()]


@pytest.mark.parametrize("wrong", NO_TRACERS, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("begin", [spancast.start, spancast.OpenRouterInstrumentor().instrument])
def test_what_is_no_tracer_provider_is_refused_with_the_cure(begin: Any, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"tracer_provider cannot be .* Give a TracerProvider .* get_tracer"):
        begin(tracer_provider=wrong)


def test_what_is_no_meter_provider_is_refused_with_the_cure() -> None:
    with pytest.raises(ConfigurationError, match=r"meter_provider cannot be .* Give a MeterProvider .* get_meter"):
        spancast.start(meter_provider=TracerProvider())  # type: ignore[arg-type]  # it is what is wrong


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, "5", None, True])
@pytest.mark.parametrize("function", [spancast.flush, spancast.stop])
def test_a_timeout_that_is_no_number_of_seconds_is_refused_with_the_cure(function: Any, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"timeout cannot be .* Give seconds"):
        function(timeout=wrong)


def test_a_timeout_below_zero_is_none_and_one_for_ever_is_long(tmp_path: Path, openrouter: Simulator) -> None:
    spancast.start(home=tmp_path, hosts=[openrouter.address])
    spancast.flush(timeout=-0.001)
    assert spancast.flush(timeout=1e300)
    assert spancast.stop(timeout=10**400)


def test_without_destinations_flush_speaks_of_the_ledger(openrouter: Simulator, tmp_path: Path) -> None:
    spancast.start(home=tmp_path, hosts=[openrouter.address])

    ask(openrouter)

    assert spancast.flush()
    assert not list((tmp_path / "journal").glob("*.bad"))


def test_what_sends_is_not_imported_where_nothing_is_sent(tmp_path: Path) -> None:
    program = """
import sys, spancast
spancast.start()
print(sorted({"urllib.request", "http.client", "spancast.delivery.http.wire"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SPANCAST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_setting_that_does_not_exist_is_answered_with_those_that_do() -> None:
    unchecked: Any = spancast.start
    with pytest.raises(TypeError, match=r"^start\(\) has no setting 'nosuch'\. The settings are destinations, keys, "):
        unchecked(nosuch=1)


def test_start_twice_is_start_once(openrouter: Simulator, collector: Collector, tmp_path: Path) -> None:
    for _ in range(2):
        start(openrouter, tmp_path, otlp(collector))

    ask(openrouter)

    assert spancast.flush(10.0)
    assert len(collector.spans) == 1


def test_after_stop_the_clients_are_as_they_were(tmp_path: Path) -> None:
    before = sends()

    spancast.start(home=tmp_path)
    during = sends()
    spancast.stop()

    after = sends()
    assert all(one is not other for one, other in zip(before, during, strict=True))
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_however_often_it_was_started_the_process_ends_it_before_others_and_looks_again_behind_them(
    openrouter: Simulator, tmp_path: Path
) -> None:
    program = (
        "import atexit, os, sys\n"
        "ends = []\n"
        "atexit.register(lambda: print(len(ends)))\n"
        "import httpx2, spancast\n"
        "key, body = {'authorization': 'Bearer sk-or-v1-simulator'}, {'model': 'openai/gpt-4o-mini', 'messages': []}\n"
        "for _ in range(4):\n"
        "    spancast.stop()\n"
        "    spancast.start()\n"
        "    httpx2.post(os.environ['OPENROUTER_BASE_URL'] + '/chat/completions', json=body, headers=key)\n"
        "def note(frame, event, _):\n"
        "    if (event, frame.f_code.co_name) == ('call', '_at_exit'):\n"
        "        ends.append(1)\n"
        "sys.setprofile(note)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=surroundings(tmp_path, openrouter),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.stdout == "2\n"


def test_what_was_stopped_is_let_go_but_for_the_last(openrouter: Simulator, tmp_path: Path) -> None:
    stopped = []
    for _ in range(3):
        start(openrouter, tmp_path)
        ask(openrouter)
        stopped.append(weakref.ref(api.running()))
        spancast.stop()
    gc.collect()
    assert [running() is None for running in stopped] == [True, True, False]


def test_after_stop_no_file_is_open(openrouter: Simulator, collector: Collector, tmp_path: Path) -> None:
    start(openrouter, tmp_path, otlp(collector), capture_content=True)
    ask(openrouter)
    for _ in range(2):
        assert spancast.stop(20.0)
        held = [each.path for each in psutil.Process().open_files()]
        assert [path for path in held if path.startswith(str(tmp_path))] == []


def test_the_spans_are_in_the_applications_own_traces(openrouter: Simulator, tmp_path: Path) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    spancast.start(home=tmp_path, hosts=[openrouter.address], tracer_provider=provider)

    with spancast.attribute(user="u_7"), provider.get_tracer("app").start_as_current_span("request") as outer:
        ask(openrouter)

    ours, theirs = kept.get_finished_spans()
    assert ours.parent is not None
    assert ours.parent.span_id == outer.get_span_context().span_id
    assert (ours.attributes or {})["user.id"] == (theirs.attributes or {})["user.id"] == "u_7"


def test_a_destination_named_in_code_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No exporter is called 'langfus'"):
        spancast.start(["langfus"], home=tmp_path)


def test_a_destination_that_lacks_its_key_is_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "langsmith")
    monkeypatch.delenv("LANGSMITH_API_KEY", raising=False)
    monkeypatch.delenv("LANGCHAIN_API_KEY", raising=False)
    spancast.start(home=tmp_path)

    def told() -> str | None:
        said = command("destinations", "--json", environment={**os.environ, "SPANCAST_HOME": str(tmp_path)}).stdout
        return said if '"state": "unconfigured"' in said else None

    said = eventually(told, 20)  # it is entered behind the caller's back
    assert ("LANGSMITH_API_KEY" in said, '"exporter": "langsmith"' in said) == (True, True)


def test_a_start_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path))
    before = rules.current_rules()
    with pytest.raises(ConfigurationError):
        spancast.start(["langfus"], default_user="u_1")
    assert (rules.current_rules(), api.running()) == (before, None)

    running = api.start_runtime({})  # as `spancast run` does
    with pytest.raises(ConfigurationError):
        spancast.start(["langfus"], default_user="u_1")
    assert (rules.current_rules().defaults.user, api.running()) == (None, running)


def test_start_survives_a_home_that_cannot_be(
    openrouter: Simulator, tmp_path: Path, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("in the way")

    start(openrouter, tmp_path / "file" / "home", "otlp")

    assert ask(openrouter).status_code == 200
    assert [record.message for record in caplog.records if "Records are written to" in record.message]


def test_nothing_is_hooked_where_opentelemetry_is_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    before = httpx2.Client.__dict__["send"]

    spancast.start(home=tmp_path)

    assert httpx2.Client.__dict__["send"] is before


def test_what_an_earlier_process_has_left_is_sent_by_one_that_makes_no_calls(
    openrouter: Simulator, collector: Collector, tmp_path: Path
) -> None:
    collector.status = 503
    start(openrouter, tmp_path, otlp(collector))
    ask(openrouter)
    assert not spancast.flush(0.2)
    spancast.stop(0.2)
    collector.status = 200

    start(openrouter, tmp_path, otlp(collector))

    eventually(lambda: collector.spans, 30)
    assert len(collector.spans) == 1
