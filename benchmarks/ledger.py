"""What the ledger takes and how quickly it answers, beside DuckDB on a file of its own.

    .venv/bin/python benchmarks/ledger.py [--calls N] [--processes N]

`benchmarks/README.md` says how it is measured.
"""

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from environments import python_of
from ledger_data import DAYS, START, export, fill, some_calls
from overhead import machine
from subjects import Subject

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import latency
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox

DUCKDB = Subject("duckdb", "duckdb", "", "duckdb", ("duckdb>=1.4",), "off")
TIMES = 7
USER = "who-000100"
SINCE = START + (DAYS - 30) * DAY


def questions(book: Book) -> dict[str, Callable[[], object]]:
    """Return the questions, as the command asks them."""
    month = Filter(since=datetime.fromtimestamp(SINCE // 10**9, UTC))
    return {
        "the 20 users who spent most": partial(costs, book, ["user"], Filter(), 20),
        "the same, 30 days": partial(costs, book, ["user"], month, 20),
        "day and model, 30 days": partial(costs, book, ["day", "model"], month),
        "the sessions of a user": partial(costs, book, ["session"], Filter(user=USER)),
        "the total": partial(costs, book, [], Filter()),
        "the last 100 calls": lambda: list(calls(book, Filter(), 100)),
        "p50 and p95 by model": partial(latency, book, ["model"], Filter()),
    }


def took(ask: Callable[[], object]) -> float:
    """Return the milliseconds of one answer, the median."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found)


def write(home: Path, count: int, seed: int, ready: "multiprocessing.synchronize.Barrier") -> None:
    """Append calls as an application does."""
    journal, told = Journal(home), list(some_calls(count, 1, seed))
    ready.wait()
    for call in told:
        journal.append(call)
    journal.close()


def ingested(processes: int, count: int) -> float:
    """Return the calls a second that so many processes have booked, from the first append to the last row."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ready = context.Barrier(processes + 1)
        writers = [context.Process(target=write, args=(home, count, seed, ready)) for seed in range(processes)]
        for writer in writers:
            writer.start()
        with closing(Book(home)) as book, closing(Outbox(home)) as outbox:
            drainer = Drainer(home, [book, outbox])
            ready.wait()
            began = time.perf_counter()
            while costs(book, [], Filter()).total.calls < processes * count:
                drainer.drain()
            return processes * count / (time.perf_counter() - began)


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home, arguments.calls)
        ledger, csv = home / "ledger.db", home / "calls.csv"
        export(ledger, csv)
        command = [python_of(DUCKDB), Path(__file__).with_name("ledger_duckdb.py"), csv, USER, str(SINCE), str(TIMES)]
        with closing(Book(home)) as book:
            ours = {name: took(ask) for name, ask in questions(book).items()}
        theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        size = ledger.stat().st_size / arguments.calls
    print(f"{arguments.calls:,} calls; {size:.0f} bytes a call. {machine()}\n")
    print("| question | Spancast, ms | DuckDB, ms | ÷ DuckDB |\n| --- | --: | --: | --: |")
    for name, milliseconds in ours.items():
        print(f"| {name} | {milliseconds:.1f} | {theirs[name]:.1f} | {milliseconds / theirs[name]:.2f} |")
    rate = ingested(arguments.processes, arguments.ingest)
    print(f"\n{arguments.processes} processes: {rate:,.0f} calls/s from the first append to the last row.")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000, help="in the ledger (a million)")
    parser.add_argument("--processes", type=int, default=4, help="that write at the same time (4)")
    parser.add_argument("--ingest", type=int, default=10_000, help="calls that each of them writes (10 000)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
