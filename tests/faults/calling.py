"""A program that makes calls until it dies: `python -m tests.faults.calling MARKS THREADS HOW N`.

After N calls it ends itself: `exit`, `_exit`, `abort`, `segfault`, `raise`, `exec`, `memory` (it takes as much as it
gets, a gigabyte at most); or goes on until it is ended: `never`. Each call is marked when it is begun, and when the
application has its answer.
"""

import itertools
import os
import sys
import threading

import httpx2

import spancast
from tests.support.oracle import Oracle

ORACLE = Oracle(sys.argv[1])
THREADS, HOW, N = int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
NUMBERS = itertools.count()
CLIENT = httpx2.Client(headers={"authorization": "Bearer sk-or-v1-simulator"})
URL = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"


def call(user: str, **more: object) -> int:
    """Make one call for a user, who is nobody else's."""
    ORACLE.mark("begun", user)
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": user, **more}
    status: int = CLIENT.post(URL, json=body).status_code
    ORACLE.mark("done", user)
    return status


def segfault() -> None:
    import ctypes  # noqa: PLC0415 - for this end alone

    ctypes.string_at(0)


def take_memory() -> None:
    taken = [b"x" * 16_000_000 for _ in range(64)]
    os._exit(len(taken))


ENDS = {
    "exit": lambda: sys.exit(0),
    "_exit": lambda: os._exit(0),
    "abort": os.abort,
    "segfault": segfault,
    "memory": take_memory,
    "raise": lambda: {}["no such key"],
    "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]),
}

OF_THE_MAIN_THREAD = ("exit", "raise")
"""Ends that end a process from its main thread alone."""


def calls(name: str) -> None:
    for number in NUMBERS:
        call(f"{os.getpid()}-{name}-{number}")
        if number >= N - 1 and HOW in ENDS and (HOW not in OF_THE_MAIN_THREAD or name == "t0"):
            ENDS[HOW]()


if __name__ == "__main__":
    spancast.start()
    os.write(1, b"ready\n")
    others = [threading.Thread(target=calls, args=(f"t{number}",), daemon=True) for number in range(1, THREADS)]
    for other in others:
        other.start()
    calls("t0")
