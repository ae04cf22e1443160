"""How much memory fifty streams of a thousand chunks take at the same time, bare and with each library on.

    python benchmarks/memory.py [--only NAME...] [--times N]

`benchmarks/README.md` says how it is measured. It needs Linux, which tells a process its peak.
"""

import argparse
import gc
import json
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import environments
from overhead import chosen, machine
from subjects import Subject

CHUNKS = 1000
"""A stream; there are `sdk_work.CONCURRENT` of them."""
TIMES = 5


def grown(setup: str) -> float:
    """Return by how many MiB the process grows at most while the streams are read, beyond what it had."""
    import sdk_work
    import setups

    ready = getattr(setups, setup)()
    work = sdk_work.Sdk(async_chunks=CHUNKS)
    work.sync(1)
    work.plain(5)
    ready.flush()
    gc.collect()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    work.concurrent(1)
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def measured(subject: Subject, times: int) -> tuple[list[float], list[float]]:
    """Return the growths of so many processes, bare and with the subject on, in turns."""
    python = environments.python_of(subject)
    turns = [(_process(python, "bare"), _process(python, subject.setup)) for _ in range(times)]
    return [bare for bare, _ in turns], [on for _, on in turns]


def _process(python: Path, setup: str) -> float:
    with tempfile.TemporaryDirectory(prefix="spancast-bench-") as home:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "BENCH_HOME": home}
        command = [str(python), __file__, "--inside", setup]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return float(json.loads(printed.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows alone")
    parser.add_argument("--times", type=int, default=TIMES, help="processes a figure (5)")
    parser.add_argument("--inside", metavar="SETUP", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(grown(options.inside)), flush=True)
        os._exit(0)  # what a library does at its exit is no part of it
    print("| library | content | bare MiB | on MiB (lowest..highest) | added MiB |\n|---|---|---|---|---|")
    for subject in chosen(options.only):
        bare, on = measured(subject, options.times)
        middle = statistics.median(on)
        added = middle - statistics.median(bare)
        spread = f"{min(on):.1f}..{max(on):.1f}"
        figures = f"{statistics.median(bare):.1f} | {middle:.1f} ({spread}) | {added:+.1f}"
        print(f"| {subject.name} | {subject.content} | {figures} |", flush=True)
    print(f"\n{options.times} processes a figure; {machine()}.")


if __name__ == "__main__":
    main()
