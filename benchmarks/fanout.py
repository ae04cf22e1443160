"""What a span costs for 1, 5 and 10 OTLP destinations, beside as many stock `BatchSpanProcessor`s with an exporter.

    python benchmarks/fanout.py [--spans N] [--rounds N]

CPU time of the whole process, a process a figure, with what the same spans cost for no destination taken away. The
rounds are interleaved, both run in one environment, and both compress with gzip.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import environments
from subjects import FANOUT

DESTINATIONS = (0, 1, 5, 10)
WARM = 20
"""Spans that are sent first: what is imported for the first, and the first connection, are no cost of a span."""
WORDS = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "What does a span cost? " * 80}]}])
"""About two thousand characters, asked and answered."""


def ours(spans: int, destinations: int, url: str, *, words: bool) -> float:
    """Return the CPU seconds of moving records into ledger and outbox, and sending them."""
    from spancast.bookkeeping.book import Book
    from spancast.contract import Exporter
    from spancast.delivery.courier.courier import Courier
    from spancast.delivery.journal.drainer import Drainer
    from spancast.delivery.journal.journal import Journal
    from spancast.delivery.outbox.limits import Limits
    from spancast.delivery.outbox.outbox import Outbox
    from spancast.destinations import discover
    from spancast.destinations.destination import Destination
    from spancast.records.content import Content
    from spancast.spans.cache import to_span

    with tempfile.TemporaryDirectory(prefix="spancast-bench-") as folder:
        home = Path(folder)
        book, outbox, journal = Book(home), Outbox(home, Limits(1 << 30, 1e6, 1e6)), Journal(home)
        places = [Destination("otlp", name=f"otlp-{number}", endpoint=url) for number in range(destinations)]
        couriers = []
        for place in places:
            exporter = discover.exporter(place)
            assert isinstance(exporter, Exporter)
            couriers.append(Courier(place, exporter, outbox, to_span, home))
        names, now = tuple(place.name for place in places), time.time_ns()
        drainer, taken = Drainer(home, (book, outbox)), 0.0
        for numbers in range(WARM), range(WARM, WARM + spans):
            for number in numbers:
                call = a_call(number, now, content=words, destinations=names)
                journal.append(call)
                if words:
                    journal.append(Content(call_id=call.call_id, input_messages=WORDS, output_messages=WORDS))
            began = time.process_time()
            drainer.drain(10.0, journal)
            _all([courier.round for courier in couriers])
            taken = time.process_time() - began
        return taken


def stock(spans: int, destinations: int, url: str, *, words: bool) -> float:
    """Return the CPU seconds of making, ending and exporting spans of the same attributes."""
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind

    from spancast.spans.attributes import request_attributes, response_attributes

    provider = TracerProvider(resource=Resource({"service.name": "shop", "service.version": "1.2.3"}))
    for _ in range(destinations):
        exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=max(spans, 512)))
    tracer, call = provider.get_tracer("stock"), a_call(0, time.time_ns())
    attributes = request_attributes(call) | response_attributes(call)
    if words:
        attributes |= {"gen_ai.input.messages": WORDS, "gen_ai.output.messages": WORDS}
    taken = 0.0
    for count in WARM, spans:
        began = time.process_time()
        for _ in range(count):
            tracer.start_span("chat openai/gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes).end()
        provider.force_flush(60_000)
        taken = time.process_time() - began
    return taken


def a_call(number: int, now: int, **facts: Any) -> Any:
    """Return a finished call of the kind that most are."""
    from spancast.records.call import Call

    return Call(
        call_id=f"{number:032x}",
        operation="chat",
        started_at=now,
        outcome="completed",
        duration=1_000_000_000,
        server_address="openrouter.ai",
        http_status=200,
        request_model="openai/gpt-4o-mini",
        response_model="openai/gpt-4o-mini",
        provider="OpenAI",
        generation_id=f"gen-{number}",
        finish_reasons=("stop",),
        input_tokens=100,
        output_tokens=200,
        cost=Decimal("0.000135"),
        user="u_42",
        session="s_7",
        trace_id=f"{number + 1:032x}",
        span_id=f"{number + 1:016x}",
        resource={"service.name": "shop", "service.version": "1.2.3"},
        **facts,
    )


def _all(rounds: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=each) for each in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Taking(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--spans", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", nargs=4, metavar=("WHOSE", "DESTINATIONS", "WORDS", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        whose, destinations, words, url = options.inside
        made = {"ours": ours, "stock": stock}[whose]
        print(made(options.spans, int(destinations), url, words=words == "on"), flush=True)
        os._exit(0)  # what a library does at its exit is no part of it
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    print("| content | destinations | spancast µs/span | stock µs/span | spancast / its own 1 | spancast / stock |")
    print("|---|---|---|---|---|---|")
    for words in ("off", "on"):
        table(options.spans, options.rounds, url, words)


def table(spans: int, rounds: int, url: str, words: str) -> None:
    taken: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for destinations in DESTINATIONS:
            for whose in ("ours", "stock"):
                seconds = _seconds(spans, whose, destinations, words, url)
                taken.setdefault((whose, destinations), []).append(seconds / spans * 1e6)
    median = {key: statistics.median(figures) for key, figures in taken.items()}
    cost = {(whose, number): median[whose, number] - median[whose, 0] for whose, number in median if number}
    for number in DESTINATIONS[1:]:
        own, theirs = cost["ours", number], cost["stock", number]
        print(f"| {words} | {number} | {own:.0f} | {theirs:.0f} | {own / cost['ours', 1]:.2f} | {own / theirs:.2f} |")


def _seconds(spans: int, whose: str, destinations: int, words: str, url: str) -> float:
    command = [
        str(environments.python_of(FANOUT)),
        __file__,
        "--spans",
        str(spans),
        "--inside",
        whose,
        str(destinations),
        words,
        url,
    ]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


if __name__ == "__main__":
    main()
