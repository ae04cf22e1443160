"""How many Python instructions a call and a streamed chunk take on the application's thread more than bare.

    python benchmarks/instructions.py [--only NAME...]

A count does not depend on what else the machine does. It leaves out what C code does, so it is no time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import environments
from overhead import chosen

TIMES = 5


def counted(setup: str) -> tuple[float, float]:
    """Return the instructions of a call, and of a chunk of a stream."""
    import sdk_work
    import setups

    ready, work = getattr(setups, setup)(), sdk_work.Sdk()
    work.plain(TIMES)
    work.sync(1)
    ready.flush()
    call, chunk = _traced(work.plain, TIMES), _traced(work.sync, 1)
    return call, chunk


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


def _process(python: Path, setup: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="spancast-bench-") as home:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "BENCH_HOME": home}
        command = [str(python), __file__, "--inside", setup]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    call, chunk = json.loads(printed.splitlines()[-1])
    return call, chunk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows alone")
    parser.add_argument("--inside", metavar="SETUP", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(counted(options.inside)), flush=True)
        os._exit(0)  # what a library does at its exit is no part of it
    print("| library | content | +instructions a call | +instructions a chunk |\n|---|---|---|---|")
    for subject in chosen(options.only):
        python = environments.python_of(subject)
        bare, on = _process(python, "bare"), _process(python, subject.setup)
        print(f"| {subject.name} | {subject.content} | {on[0] - bare[0]:+.0f} | {on[1] - bare[1]:+.1f} |", flush=True)


if __name__ == "__main__":
    main()
