"""A program that knows nothing of us and makes its calls in children: `python -m tests.faults.forking MARKS WAY N`."""

import functools
import json
import multiprocessing
import os
import signal
import sys
import threading
import urllib.request
from concurrent.futures import ProcessPoolExecutor

from tests.support.oracle import Oracle

MARKS, WAY, N = sys.argv[1], sys.argv[2], int(sys.argv[3])


def call(user: str, marked: str) -> None:
    """Make one call; without TLS, whose library does not survive every fork among threads."""
    oracle = _oracle(marked)
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": user}
    headers = {"authorization": "Bearer sk-or-v1-simulator", "content-type": "application/json"}
    url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
    oracle.mark("begun", user)
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        answer.read()
    oracle.mark("done", user)


_oracle = functools.cache(Oracle)
"""The marks in a folder: each `Oracle` keeps a file open."""


def forked() -> None:
    """Fork children that end without a word, one of them killed."""
    call("parent-before", MARKS)
    for number in range(N):
        child = os.fork()
        if child == 0:
            call(f"child-{number}", MARKS)
            if number == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0)
        os.waitpid(child, 0)
    call("parent-after", MARKS)


def of_threads() -> None:
    """Fork children while threads make calls."""
    over = threading.Event()

    def on_and_on(name: str) -> None:
        number = 0
        while not over.is_set():
            call(f"{name}-{number}", MARKS)
            number += 1

    threads = [threading.Thread(target=on_and_on, args=(f"thread-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    forked()
    over.set()
    for thread in threads:
        thread.join()


def processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    call("parent-before", MARKS)
    children = [context.Process(target=call, args=(f"child-{number}", MARKS)) for number in range(N)]
    for child in children:
        child.start()
    for child in children:
        child.join()


def executor(method: str) -> None:
    call("parent-before", MARKS)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        for done in [pool.submit(call, f"child-{number}", MARKS) for number in range(N)]:
            done.result()


def pool(method: str) -> None:
    call("parent-before", MARKS)
    with multiprocessing.get_context(method).Pool(2) as workers:
        workers.starmap(call, [(f"child-{number}", MARKS) for number in range(N)])


if __name__ == "__main__":
    what, _, how = WAY.partition(":")
    ways = {"processes": processes, "executor": executor, "pool": pool}
    if what in ways:
        ways[what](how)
    else:
        {"fork": forked, "threads": of_threads}[what]()
    os.write(1, b"over\n")
