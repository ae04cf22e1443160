"""A program that makes records and may die of it: `python loss_work.py LIBRARY SCENARIO URL MARKS`.

It runs in the environment of the library, and imports nothing else of ours but the oracle. A record bears a marker,
`m-000017-x`, which is noted in MARKS as soon as the library has taken it.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.oracle import Oracle

RATE = 20
"""Records a second."""
Emit = Callable[[str], None]
End = Callable[[], None]


def _nothing() -> None:
    """Leave the end to the library's own exit handlers."""


def otel(url: str) -> tuple[Emit, End]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    tracer = provider.get_tracer("loss")
    return lambda marker: tracer.start_span(marker).end(), _nothing


def langfuse(url: str) -> tuple[Emit, End]:
    from langfuse import Langfuse

    client = Langfuse(public_key="pk-lf-none", secret_key="sk-lf-none", base_url=url)
    return lambda marker: client.start_observation(name=marker, as_type="generation").end(), _nothing


def logfire(url: str) -> tuple[Emit, End]:
    import logfire as library

    library.configure(token="none", console=False, advanced=library.AdvancedOptions(base_url=url))

    def emit(marker: str) -> None:
        with library.span(marker):
            pass

    return emit, _nothing


def langsmith(url: str) -> tuple[Emit, End]:
    os.environ |= {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": url, "LANGSMITH_API_KEY": "lsv2_none"}
    from langsmith import traceable

    def emit(marker: str) -> None:
        traceable(name=marker, run_type="llm")(lambda: "ok")()

    return emit, _nothing


def sentry(url: str) -> tuple[Emit, End]:
    import sentry_sdk

    sentry_sdk.init(dsn=url.replace("://", "://none@") + "/1", traces_sample_rate=1.0)

    def emit(marker: str) -> None:
        with sentry_sdk.start_transaction(name=marker, op="gen_ai"):
            pass

    return emit, _nothing


def spancast(url: str) -> tuple[Emit, End]:
    import httpx2

    import spancast as library

    answer = b'{"id":"gen-1","model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.001}}'
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "application/json"}, content=answer)
    )
    library.start(destinations=[library.Destination("otlp", endpoint=url)])
    client = httpx2.Client(transport=transport)

    def emit(marker: str) -> None:
        body = {"model": "m", "messages": [], "user": marker}
        client.post(
            "https://openrouter.ai/api/v1/chat/completions", json=body, headers={"authorization": "Bearer none"}
        )

    return emit, _nothing


LIBRARIES = {each.__name__: each for each in (spancast, otel, langfuse, logfire, langsmith, sentry)}


def records(emit: Emit, oracle: Oracle, count: int, begin: int = 0) -> None:
    for number in range(begin, begin + count):
        began = time.monotonic()
        marker = f"m-{number:06d}-x"
        emit(marker)
        oracle.mark("emitted", marker)
        time.sleep(max(0.0, 1 / RATE - (time.monotonic() - began)))


def main() -> None:
    library, scenario, url, marks = sys.argv[1:5]
    emit, end = LIBRARIES[library](url)
    oracle = Oracle(marks)
    if scenario == "kill":
        records(emit, oracle, 4 * RATE)
        os.kill(os.getpid(), signal.SIGKILL)
    elif scenario == "outage":
        records(emit, oracle, 35 * RATE)
        time.sleep(10)
    elif scenario == "fork":
        child = multiprocessing.get_context("fork").Process(target=records, args=(emit, oracle, 2 * RATE))
        child.start()
        child.join()
    elif scenario in ("exit refused", "exit silent"):
        records(emit, oracle, 2 * RATE)
    else:
        time.sleep(5)
    print("ending", flush=True)  # the rest is the library's, and is timed; "again" makes nothing
    end()


if __name__ == "__main__":
    main()
