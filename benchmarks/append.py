"""How long a caller waits: for one append to the journal, and for a whole recorded call.

    .venv/bin/python benchmarks/append.py [--times N]

`benchmarks/README.md` says how it is measured.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec
import traffic
import transport
from overhead import machine

import spancast
from spancast.bookkeeping.book import Book
from spancast.capture.http_request import HttpRequest
from spancast.capture.route import Routes
from spancast.delivery.journal import frame
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.journal.pump import Pump
from spancast.delivery.outbox.outbox import Outbox
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.trace.tracing import Tracing

TIMES = 20_000
WARM_UP = 500
PERCENTILES = (50, 90, 99, 99.9)
HEADERS = {"authorization": "Bearer sk-none", "content-type": "application/json"}


def waits(work: Callable[[], object], times: int) -> list[float]:
    """Return how many microseconds each of so many runs took, sorted."""
    for _ in range(WARM_UP):
        work()
    found = []
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        found.append((time.perf_counter_ns() - began) / 1e3)
    return sorted(found)


def row(name: str, found: Sequence[float]) -> str:
    """Return a line of the table."""
    cells = [f"{found[min(len(found) - 1, int(len(found) * each / 100))]:.1f}" for each in PERCENTILES]
    return f"| {name} | {' | '.join(cells)} | {found[-1]:.0f} |"


def finished_call() -> Call:
    """Return the Call of a plain answer, as a recorder makes it."""
    calls: list[Call] = []
    recorder = Recorder(Routes(), Tracing(), calls.append)  # type: ignore[arg-type]  # calls alone
    body = msgspec.json.encode({"model": traffic.MODEL, "messages": traffic.MESSAGES, "temperature": 0.7})
    path = "/api/v1/chat/completions"
    exchange = recorder.open(HttpRequest("POST", "https", "openrouter.ai", None, path, HEADERS, body))
    assert exchange is not None
    exchange.headers(200, {"content-type": "application/json", **dict(traffic.HEADERS)})
    exchange.body(traffic.body())
    return calls[-1]


def written(home: Path, call: Call, times: int) -> list[float]:
    """Return the waits for the write alone, which no journal can do without."""
    record = frame.pack(msgspec.msgpack.encode(call))
    fd = os.open(home / "file", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        return waits(lambda: os.write(fd, record), times)
    finally:
        os.close(fd)


@contextmanager
def drained(journal: Journal, home: Path) -> Iterator[None]:
    """Move what is written into the ledger meanwhile, in another thread, as ever."""
    pump = Pump(journal, Drainer(home, (Book(home), Outbox(home))))
    pump.start()
    try:
        yield
    finally:
        pump.stop()


def appended(home: Path, call: Call, times: int, threads: int = 1) -> list[float]:
    """Return the waits for an append of the same call by so many threads at once, each under an id of its own."""
    journal, found = Journal(home), []
    with drained(journal, home):

        def run() -> None:
            numbers = iter(range(WARM_UP + times))
            calls = [msgspec.structs.replace(call, call_id=os.urandom(16).hex()) for _ in range(WARM_UP + times)]
            found.extend(waits(lambda: journal.append(calls[next(numbers)]), times))

        every = [threading.Thread(target=run) for _ in range(threads)]
        for each in every:
            each.start()
        for each in every:
            each.join()
    journal.close()
    return sorted(found)


def whole_calls(home: Path, times: int) -> tuple[list[float], list[float]]:
    """Return the waits for a plain call by httpx2 on a network that is none: bare, and recorded."""
    client, _ = transport.clients(httpx2, [])
    body = {"model": traffic.MODEL, "messages": traffic.MESSAGES, "temperature": 0.7}

    def call() -> None:
        client.post(f"{traffic.BASE_URL}/chat/completions", json=body, headers=HEADERS)

    bare = waits(call, times)
    spancast.start(home=home)
    try:
        return bare, waits(call, times)
    finally:
        spancast.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=TIMES, help="waits a figure (20 000)")
    times = parser.parse_args().times
    call = finished_call()
    with tempfile.TemporaryDirectory(prefix="spancast-bench-") as folder:
        home = Path(folder)
        print(f"| µs | {' | '.join(f'p{each}' for each in PERCENTILES)} | maximum |\n|---|{'---|' * 5}")
        print(row("a write of the same bytes", written(home, call, times)), flush=True)
        print(row("an append, while the drainer runs", appended(home / "one", call, times)), flush=True)
        print(row("an append, from four threads", appended(home / "four", call, times // 4, 4)), flush=True)
        bare, recorded = whole_calls(home / "calls", times // 10)
        print(row("a plain call, bare", bare))
        print(row("a plain call, recorded", recorded))
    size = len(msgspec.msgpack.encode(call))
    print(f"\n{times} waits a figure, a tenth of it for whole calls; a record is {size} bytes; {machine()}.")


if __name__ == "__main__":
    main()
