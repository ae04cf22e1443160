"""Makes calls under a time limit that a signal handler enforces, and prints what became of the limits.

The arguments are the client library and whether the answers are streamed.
"""

import importlib
import random
import signal
import sys
from collections import Counter
from types import FrameType
from typing import Any

import spancast
from tests.support.answers import JSON, PROMPT, SSE, STREAM, plain

ROUNDS = 400
URL = "https://openrouter.ai/api/v1/chat/completions"
limits: Counter[str] = Counter()


class LimitExceededError(Exception):
    """As a task queue's time limit."""


def expire(_number: int, _frame: FrameType | None) -> None:
    limits["raised"] += 1
    raise LimitExceededError


def drop(_unraisable: object) -> None:
    """Count what Python itself drops: an exception that is raised in a finalizer."""
    limits["dropped"] += 1


def main(library: str, streamed: bool) -> None:
    module = importlib.import_module(library)

    def answer(_request: Any) -> Any:
        if streamed:
            return module.Response(200, headers=SSE, content=iter(STREAM))
        return module.Response(200, headers=JSON, content=plain())

    def call(user: str) -> None:
        body = {**PROMPT, "stream": streamed, "user": user}
        if not streamed:
            client.post(URL, json=body)
            return
        with client.stream("POST", URL, json=body) as response:
            response.read()

    signal.signal(signal.SIGALRM, expire)
    sys.unraisablehook = drop
    spancast.start()
    client, delays = module.Client(transport=module.MockTransport(answer)), random.Random(0)
    for _ in range(ROUNDS):
        try:
            signal.setitimer(signal.ITIMER_REAL, delays.uniform(0.0001, 0.001))
            call("limited")
            signal.setitimer(signal.ITIMER_REAL, 0)
        except LimitExceededError:
            limits["reached"] += 1
        call("unlimited")
    print(limits["raised"], limits["reached"], limits["dropped"])  # noqa: T201 - a program's output


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "streamed")
