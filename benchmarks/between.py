"""What recording a call takes between two calls of an SDK's, part by part, beside another checkout in the same run.

    python benchmarks/between.py [--beside CHECKOUT] [--rounds N] [--times N]

In a loop of its own a call's recording takes about half of that: the processor's caches are full of it. Amid an
application's work they never are, and what costs time is how much code runs, more than how often.
"""

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

import environments
from subjects import SUBJECTS

HERE = Path(__file__).resolve().parent


def took(checkout: Path, times: int) -> dict[str, float]:
    """Return the microseconds of each part, in a process of its own: the second percentile, as the least disturbed."""
    python = environments.python_of(next(subject for subject in SUBJECTS if subject.name == "spancast"))
    said = subprocess.run(
        [python, HERE / "between_work.py", str(times)],
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {part: statistics.quantiles(each, n=50)[0] * 1e6 for part, each in json.loads(said).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another checkout, for the ratio")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each, one after the other (3)")
    parser.add_argument("--times", type=int, default=1500, help="calls of each process (1500)")
    options = parser.parse_args()
    checkouts = [environments.ROOT, *([] if options.beside is None else [options.beside.resolve()])]
    rounds = [[took(checkout, options.times) for checkout in checkouts] for _ in range(options.rounds)]
    print("| part | " + " | ".join(f"{checkout.name}, µs" for checkout in checkouts) + " | ratio |")
    print("|---|" + "--:|" * (len(checkouts) + 1))
    for part in (*rounds[0][0], "all"):
        each = [min(_part(one[at], part) for one in rounds) for at in range(len(checkouts))]
        print(f"| {part} | " + " | ".join(f"{us:.1f}" for us in each) + f" | {each[0] / each[-1]:.2f} |")


def _part(found: dict[str, float], part: str) -> float:
    return sum(found.values()) if part == "all" else found[part]


if __name__ == "__main__":
    main()
