"""How many Python instructions a call and a streamed chunk take on the application's thread more than bare.

    python benchmarks/instructions.py [--only NAME...]      each library beside the peers
    python benchmarks/instructions.py --clients             each client library over loopback

A count does not depend on what else the machine does. It leaves out what C code does, so it is no time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import environments
import processes
from clients_work import CLIENTS as CLIENT_WORKS
from overhead import chosen
from subjects import CLIENTS

TIMES = 5


def counted(ready: Any, plain: Any, stream: Any) -> tuple[float, float]:
    """Return the instructions of a call, and of a chunk of a stream."""
    plain(TIMES)
    stream(1)
    ready.flush()
    return _traced(plain, TIMES), _traced(stream, 1)


def _works(client: str | None) -> tuple[Any, Any]:
    """Return plain calls and streams, by the SDK or by a client."""
    if client is None:
        import sdk_work

        sdk = sdk_work.Sdk()
        return sdk.plain, sdk.sync
    import clients_work

    work = clients_work.Client(client)
    return work.plain, work.stream


def _traced(work: Any, times: int) -> float:
    count = 0

    def trace(frame: Any, event: str, _argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    _, units = work(times)
    sys.settrace(None)
    return count / units


def _process(python: Path, setup: str, client: str | None = None, **variables: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="spancast-bench-") as home:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "BENCH_HOME": home, **variables}
        command = [str(python), __file__, "--inside", setup, *([client] if client else [])]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    call, chunk = json.loads(printed.splitlines()[-1])
    return call, chunk


def _subjects(names: Iterable[str]) -> None:
    print("| library | content | +instructions a call | +instructions a chunk |\n|---|---|---|---|")
    for subject in chosen(names):
        python = environments.python_of(subject)
        bare, on = _process(python, "bare"), _process(python, subject.setup)
        print(f"| {subject.name} | {subject.content} | {on[0] - bare[0]:+.0f} | {on[1] - bare[1]:+.1f} |", flush=True)


def _clients() -> None:
    print("| client | bare a call | + a call | × httpx | bare an event | + an event | × httpx |")
    print("|---|---|---|---|---|---|---|")
    python = environments.python_of(CLIENTS)
    httpx = None
    for client in CLIENT_WORKS:
        with processes.server() as address:
            bare, on = (_process(python, each, client, BENCH_SERVER=address) for each in ("bare", CLIENTS.setup))
        added = on[0] - bare[0], on[1] - bare[1]
        httpx = httpx or added
        call, event = (
            f"{before:.0f} | {more:+.0f} | {more / theirs:.1f}"
            for before, more, theirs in zip(bare, added, httpx, strict=True)
        )
        print(f"| {client} | {call} | {event} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows alone")
    parser.add_argument("--clients", action="store_true", help="each client library, over loopback")
    parser.add_argument("--inside", nargs="+", metavar=("SETUP", "CLIENT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        import setups

        setup, *client = options.inside
        ready, works = getattr(setups, setup)(), _works(client[0] if client else None)
        print(json.dumps(counted(ready, *works)), flush=True)
        os._exit(0)  # what a library does at its exit is no part of it
    if options.clients:
        _clients()
    else:
        _subjects(options.only)


if __name__ == "__main__":
    main()
