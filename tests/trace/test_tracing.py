"""The tracer is the application's as soon as it has one; ours is private until then, and never the global one.

The global provider can be set once in a process, so that most of this takes a process of its own.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider

from spancast import attribute
from spancast.spans.scope import SCOPE, VERSION
from spancast.trace.tracing import Tracing

ROOT = Path(__file__).parents[2]
GLOBAL = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import ProxyTracerProvider
from spancast import attribute
from spancast.trace.tracing import Tracing

kept = InMemorySpanExporter()

def has_provider():
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)

def set_provider():
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)

def names():
    return ",".join(span.name for span in kept.get_finished_spans()) or "none"
"""


def in_a_process(program: str, **environment: str) -> list[str]:
    """Run a program and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GLOBAL + program],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.split()


def processors(provider: TracerProvider) -> list[Any]:
    return list(provider._active_span_processor._span_processors)


def test_until_the_application_has_a_provider_ours_is_private() -> None:
    told = in_a_process("""
tracing = Tracing()
span = tracing.tracer().start_span("private")
span.end()
print(has_provider(), span.get_span_context().is_valid, span.get_span_context().trace_flags.sampled)
tracing.stop()
print(has_provider())
""")
    assert told == ["False", "True", "True", "False"]


def test_the_applications_provider_is_joined_as_soon_as_it_is_there() -> None:
    told = in_a_process("""
tracing = Tracing()
tracing.tracer().start_span("private").end()
print(tracing.resource["service.name"].partition(":")[0])
set_provider()
tracing.tracer().start_span("joined").end()
with attribute(user="u_1"):
    trace.get_tracer("application").start_span("stamped").end()
print(names(), tracing.resource["service.name"])
print(kept.get_finished_spans()[-1].attributes["user.id"])
""")
    assert told == ["unknown_service", "joined,stamped", "shop", "u_1"]


def test_a_call_that_began_before_the_application_had_a_provider_ends_in_ours() -> None:
    told = in_a_process("""
tracing = Tracing()
early = tracing.tracer().start_span("early")
set_provider()
early.end()
tracing.tracer().start_span("late").end()
print(names())
""")
    assert told == ["late"]


def test_the_application_may_set_its_provider_though_we_are_there() -> None:
    """OpenTelemetry refuses, with a warning, a second provider; ours must not be the first."""
    told = in_a_process("""
import logging
logging.basicConfig(level=logging.WARNING)
tracing = Tracing()
tracing.tracer()
set_provider()
print(trace.get_tracer_provider().resource.attributes["service.name"])
""")
    assert told == ["shop"]


def test_nothing_is_traced_where_the_sdk_is_off() -> None:
    told = in_a_process(
        """
set_provider()
span = Tracing().tracer().start_span("span")
span.end()
print(span.is_recording(), names())
""",
        OTEL_SDK_DISABLED="true",
    )
    assert told == ["False", "none"]


def test_a_provider_that_is_given_is_used_whatever_the_global_one_is() -> None:
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "given", "list": ["a"]}))
    tracing = Tracing(provider)
    span: Any = tracing.tracer().start_span("span")
    assert span.resource is provider.resource
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == (SCOPE, VERSION)
    assert tracing.resource == {"service.name": "given"}
    assert isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def test_a_provider_is_joined_once() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracing = Tracing(provider)
    tracers = {id(tracing.tracer()) for _ in range(5)}
    assert len(tracers) == len(processors(provider)) == 1


def test_a_provider_is_joined_once_by_many_threads() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracing = Tracing(provider)
    together = threading.Barrier(8)

    def join() -> None:
        together.wait()
        tracing.tracer().start_span("span").end()

    threads = [threading.Thread(target=join) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(processors(provider)) == 1


@pytest.mark.parametrize(
    "provider", [NoOpTracerProvider(), ProxyTracerProvider()], ids=lambda each: type(each).__name__
)
def test_a_provider_of_the_api_alone_makes_no_trouble(provider: Any) -> None:
    tracing = Tracing(provider)
    span = tracing.tracer().start_span("span")
    span.end()
    assert span.get_span_context().is_valid is isinstance(provider, ProxyTracerProvider)


def test_what_was_joined_is_left_alone_after_the_stop() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracing = Tracing(provider)
    tracing.tracer()
    tracing.stop()
    with attribute(user="u_1"):
        span: Any = provider.get_tracer("application").start_span("span")
    assert dict(span.attributes) == {}


def test_a_provider_is_joined_when_it_is_set_and_not_only_at_the_first_call() -> None:
    told = in_a_process("""
bare = trace._set_tracer_provider
tracing = Tracing()
tracing.watch()
tracing.watch()
set_provider()
with attribute(user="u_1"):
    trace.get_tracer("application").start_span("stamped").end()
print(kept.get_finished_spans()[0].attributes["user.id"])
tracing.stop()
print(trace._set_tracer_provider is bare)
""")
    assert told == ["u_1", "True"]


def test_nobody_is_watched_where_a_provider_is_given() -> None:
    bare = trace._set_tracer_provider
    tracing = Tracing(TracerProvider(shutdown_on_exit=False))
    tracing.watch()
    assert trace._set_tracer_provider is bare
    tracing.stop()


class Noted(SpanProcessor):
    """Takes note of when it is flushed and shut down, among others."""

    def __init__(self, order: list[str], name: str) -> None:
        self._order, self._name = order, name

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK passes it
        self._order.append(self._name)
        return True

    def shutdown(self) -> None:
        self._order.append(self._name)


@pytest.mark.parametrize("many", [SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor])
def test_spans_that_wait_are_ended_before_the_applications_exporters_are_flushed(many: Any) -> None:
    order: list[str] = []
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=many())
    provider.add_span_processor(Noted(order, "first"))
    provider.add_span_processor(Noted(order, "second"))
    tracing = Tracing(provider)
    tracing.before_flush(lambda _timeout: order.append("ours") is None)
    tracing.tracer()
    provider.add_span_processor(Noted(order, "third"))
    provider.force_flush()
    if many is SynchronousMultiSpanProcessor:
        assert order == ["ours", "first", "second", "third"]
    assert sorted(order) == ["first", "ours", "second", "third"]
    tracing.stop()
    provider.shutdown()


def test_a_provider_of_another_make_has_them_ended_last() -> None:
    class Own:
        def __init__(self) -> None:
            self.processors: list[SpanProcessor] = []

        def add_span_processor(self, processor: SpanProcessor) -> None:
            self.processors.append(processor)

        def get_tracer(self, *_: Any) -> Any:
            return NoOpTracerProvider().get_tracer("own")

    own = Own()
    tracing = Tracing(own)  # type: ignore[arg-type]  # a library's own class
    tracing.tracer()
    assert len(own.processors) == 1
    assert tracing.provider is own
    tracing.stop()


def test_a_provider_has_none_of_our_processors_once_we_have_stopped() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    before = provider._active_span_processor._span_processors
    for _ in range(3):
        tracing = Tracing(provider)
        tracing.tracer()
        assert len(provider._active_span_processor._span_processors) == len(before) + 1
        tracing.stop()
    assert provider._active_span_processor._span_processors == before
    provider.shutdown()
