"""What recording costs the application: CPU time a call and a streamed chunk, beside the peers, in one run.

    python benchmarks/overhead.py [--only NAME...] [--rounds N] [--quick] [--json]

`benchmarks/README.md` says how it is measured.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import environments
import processes
from subjects import SPANCAST, SUBJECTS, Subject

ROUNDS = 15
ROUNDS_A_PROCESS = 3
"""Two processes that run the same code differ by some percent for as long as they live; so they are often made anew."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work, and how much of it a round does."""

    name: str
    times: int
    warm_up: int


KINDS = (Kind("plain", 50, 40), Kind("sync", 2, 1), Kind("concurrent", 1, 1))


@dataclass(frozen=True, slots=True)
class Added:
    """The paired differences of one figure, in microseconds a unit: their median and quartiles."""

    median: float
    low: float
    high: float
    bare: float
    """The median of what a unit costs without the subject."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "Added":
        low, median, high = statistics.quantiles([on - bare for bare, on in pairs], n=4, method="inclusive")
        return cls(median, low, high, statistics.median(bare for bare, _ in pairs))

    def __str__(self) -> str:
        digits = 1 if abs(self.median) >= 20 else 2
        return f"{self.median:+.{digits}f} ({self.low:+.{digits}f}..{self.high:+.{digits}f})"


@dataclass(frozen=True, slots=True)
class Row:
    """What one subject adds."""

    name: str
    version: str
    content: str
    call: Added
    call_all: Added
    sync_chunk: Added
    sync_chunk_all: Added
    async_chunk: Added
    async_chunk_all: Added


def measured(subject: Subject, rounds: int, *, fresh: bool) -> Row:
    """Return what a subject adds, over so many rounds."""
    python = environments.python_of(subject, fresh=fresh)
    version = environments.version_of(python, subject.distribution)
    app: dict[str, list[tuple[float, float]]] = {kind.name: [] for kind in KINDS}
    everything: dict[str, list[tuple[float, float]]] = {kind.name: [] for kind in KINDS}
    for first in range(0, rounds, ROUNDS_A_PROCESS):
        with processes.workers(python, subject.setup) as pair:
            for kind in KINDS:
                for worker in pair:
                    worker.do(kind.name, kind.warm_up)
            for number in range(first, min(rounds, first + ROUNDS_A_PROCESS)):
                for kind in KINDS:
                    bare, on = paired(pair, kind, number)
                    app[kind.name].append((bare.app / bare.units / 1e3, on.app / on.units / 1e3))
                    everything[kind.name].append((bare.everything / bare.units / 1e3, on.everything / on.units / 1e3))
    figures = [Added.of(each[kind.name]) for kind in KINDS for each in (app, everything)]
    return Row(subject.name, version, subject.content, *figures)


def paired(pair: tuple[processes.Worker, processes.Worker], kind: Kind, number: int) -> tuple[processes.Cost, ...]:
    """Let both do the same, in an order that changes from round to round."""
    order = (0, 1) if number % 2 == 0 else (1, 0)
    costs = {which: pair[which].do(kind.name, kind.times) for which in order}
    if costs[1].missed:
        raise SystemExit(f"{costs[1].missed} calls were not recorded: these are no figures of what recording costs.")
    return costs[0], costs[1]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table; the ratios are to the row called `SPANCAST`, where it was measured."""
    heads = (
        "library",
        "version",
        "content",
        "+µs/call app",
        "+µs/call all threads",
        "+µs/chunk sync",
        "+µs/chunk async",
        "call ÷ ours",
        "sync chunk ÷ ours",
        "async chunk ÷ ours",
    )
    ours = next((row for row in rows if row.name == SPANCAST), None)
    lines = [heads, ("---",) * len(heads), *(_cells(row, ours) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row, ours: Row | None) -> tuple[str, ...]:
    figures = (row.call, row.call_all, row.sync_chunk, row.async_chunk)
    ratios = (
        ("–",) * 3
        if ours is None
        else (
            _ratio(row.call, ours.call),
            _ratio(row.sync_chunk, ours.sync_chunk),
            _ratio(row.async_chunk, ours.async_chunk),
        )
    )
    return (row.name, row.version, row.content, *map(str, figures), *ratios)


def _ratio(figure: Added, ours: Added) -> str:
    """Return a ratio where both are larger than what cannot be told from nothing."""
    return f"×{figure.median / ours.median:.1f}" if min(figure.median, ours.median) > 0 else "–"


def machine() -> str:
    """Return what the figures were taken on."""
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load}"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    rounds = 4 if options.quick else options.rounds
    rows = []
    for subject in chosen(options.only):
        rows.append(measured(subject, rounds, fresh=options.fresh))
        print(f"{subject.name}: {rows[-1].call} a call, {rows[-1].sync_chunk} a chunk", file=sys.stderr)
    if options.json:
        print(json.dumps({"machine": machine(), "rounds": rounds, "rows": [asdict(row) for row in rows]}))
        return
    print(table(rows))
    bare = rows[0]
    print(
        f"\nBare: {bare.call.bare:.0f} µs a call, {bare.sync_chunk.bare:.1f} µs a chunk, "
        f"{bare.async_chunk.bare:.1f} µs an asynchronous one. {rounds} rounds; {machine()}."
    )


def chosen(names: Iterable[str]) -> list[Subject]:
    known = {subject.name: subject for subject in SUBJECTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"There is no subject called {unknown[0]!r}. There are {', '.join(known)}.")
    return [known[name] for name in names] or list(SUBJECTS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs of measurements a figure (15)")
    parser.add_argument("--quick", action="store_true", help="four rounds: to see that it works")
    parser.add_argument("--fresh", action="store_true", help="install every library anew")
    parser.add_argument("--json", action="store_true", help="print everything as one object")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
