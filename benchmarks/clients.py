"""What Spancast costs each client library: a call and a streamed event over loopback, and a request to another host.

    python benchmarks/clients.py [--rounds N] [--others]

`benchmarks/README.md` says how it is measured.
"""

import argparse
import platform
import subprocess
from pathlib import Path

import environments
import processes
from clients_work import CLIENTS
from overhead import ROUNDS_A_PROCESS, Added, Kind, machine, paired
from subjects import CLIENTS as SUBJECT

KINDS = (Kind("plain", 50, 20), Kind("stream", 2, 1))
OTHERS = Path(__file__).with_name("others.py")


def measured(python: Path, client: str, rounds: int) -> tuple[Added, Added]:
    """Return what is added to a call and to an event of a stream."""
    pairs: dict[str, list[tuple[float, float]]] = {kind.name: [] for kind in KINDS}
    with processes.server() as address:
        for first in range(0, rounds, ROUNDS_A_PROCESS):
            with processes.workers(python, SUBJECT.setup, client, BENCH_SERVER=address) as pair:
                for kind in KINDS:
                    for worker in pair:
                        worker.do(kind.name, kind.warm_up)
                for number in range(first, min(rounds, first + ROUNDS_A_PROCESS)):
                    for kind in KINDS:
                        bare, on = paired(pair, kind, number)
                        pairs[kind.name].append((bare.app / bare.units / 1e3, on.app / on.units / 1e3))
    plain, stream = (Added.of(pairs[kind.name]) for kind in KINDS)
    return plain, stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9, help="pairs of measurements a figure (9)")
    parser.add_argument("--others", action="store_true", help="requests to other hosts alone")
    options = parser.parse_args()
    python = environments.python_of(SUBJECT)
    print(subprocess.run([python, OTHERS], check=True, capture_output=True, text=True).stdout)
    if options.others:
        return
    print("| client | version | bare µs/call | +µs/call | bare µs/event | +µs/event |\n|---|---|---|---|---|---|")
    for client in CLIENTS:
        library = client.split(" ", 1)[0]
        own = library != "urllib"  # that one is Python's
        version = environments.version_of(python, library) if own else platform.python_version()
        call, event = measured(python, client, options.rounds)
        print(f"| {client} | {version} | {call.bare:.0f} | {call} | {event.bare:.2f} | {event} |", flush=True)
    print(f"\n{options.rounds} rounds; {machine()}.")


if __name__ == "__main__":
    main()
