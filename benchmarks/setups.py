"""How each subject is turned on. A span goes to an exporter that counts it, and nothing leaves the machine."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ready:
    """A subject that is on."""

    flush: Callable[[], object]
    """Does what is left to do in other threads."""
    seen: Callable[[], int]
    """How many calls it has recorded, after a flush."""


def bare() -> Ready:
    return Ready(lambda: None, lambda: 0)


def spancast_in_private_provider() -> Ready:
    return _spancast()


def spancast_in_sdk_provider(**options: Any) -> Ready:
    exporter, provider = _sdk()
    ready = _spancast(tracer_provider=provider, **options)

    def flush() -> None:
        ready.flush()
        provider.force_flush()

    return Ready(flush, lambda: min(exporter.count, ready.seen()))


def spancast_with_content() -> Ready:
    return spancast_in_sdk_provider(capture_content=True)


def _spancast(**options: Any) -> Ready:
    import spancast

    home = Path(tempfile.mkdtemp(prefix="spancast-bench-", dir=os.environ.get("BENCH_HOME")))
    spancast.start(home=home, hosts=os.environ.get("BENCH_SERVER"), **options)

    def seen() -> int:
        with sqlite3.connect(f"file:{home / 'ledger.db'}?mode=ro", uri=True) as ledger:
            return int(ledger.execute("SELECT count(*) FROM calls WHERE outcome IS NOT NULL").fetchone()[0])

    return Ready(lambda: spancast.flush(60.0), seen)


def otel_genai() -> Ready:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    return _instrumented(OpenAIInstrumentor())


def traceloop() -> Ready:
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    return _instrumented(OpenAIInstrumentor())


def openinference() -> Ready:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    return _instrumented(OpenAIInstrumentor())


def langfuse() -> Ready:
    import langfuse.openai  # noqa: F401 - the import is the instrumentation
    from langfuse import Langfuse

    exporter = _exporter()
    client = Langfuse(public_key="pk-lf-0", secret_key="sk-lf-0", base_url="http://127.0.0.1:9", span_exporter=exporter)
    return Ready(client.flush, lambda: exporter.count)


def logfire() -> Ready:
    import logfire
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = _exporter()
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[BatchSpanProcessor(exporter)])
    logfire.instrument_openai()
    return Ready(logfire.force_flush, lambda: exporter.count)


def floor() -> Ready:
    """Do the least that could be called recording: read a body once, start and end a span, pass every chunk on."""
    import floor

    exporter, provider = _sdk()
    floor.install(provider.get_tracer("floor"))
    return Ready(provider.force_flush, lambda: exporter.count)


def _instrumented(instrumentor: Any) -> Ready:
    exporter, provider = _sdk()
    instrumentor.instrument(tracer_provider=provider)
    return Ready(provider.force_flush, lambda: exporter.count)


def _sdk() -> tuple[Any, Any]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter, provider = _exporter(), TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return exporter, provider


def _exporter() -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counting(SpanExporter):
        """Exports to nowhere."""

        count = 0

        def export(self, spans: Sequence[Any]) -> SpanExportResult:
            self.count += len(spans)
            return SpanExportResult.SUCCESS

    return Counting()
