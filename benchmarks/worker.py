"""One process that makes calls as it is told, a line of JSON at a time, and says what they cost it.

python worker.py SETUP WORK: how it is set up (a function of `setups`), and what makes the calls (a name in `WORKS`).
"""

import gc
import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import clients_work
import sdk_work
import setups

if TYPE_CHECKING:
    from collections.abc import Callable

WORKS: "dict[str, Callable[[], Any]]" = {
    "sdk": sdk_work.Sdk,
    **{name: partial(clients_work.Client, name) for name in clients_work.CLIENTS},
}


def cost(ready: setups.Ready, work: "Callable[[int], tuple[int, int]]", times: int) -> dict[str, int]:
    """Return what it costs to do a work `times` times: CPU time of this thread, and of all with a flush."""
    ready.flush()
    before = ready.seen()
    gc.collect()
    app, everything = time.thread_time_ns(), time.process_time_ns()
    calls, units = work(times)
    app = time.thread_time_ns() - app
    ready.flush()
    everything = time.process_time_ns() - everything
    missed = max(0, calls - (ready.seen() - before))
    return {"units": units, "app": app, "everything": everything, "missed": missed}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    ready = getattr(setups, sys.argv[1])()
    work = WORKS[sys.argv[2]]()
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(cost(ready, getattr(work, order["kind"]), order["times"])) + "\n")
        answers.flush()


main()
