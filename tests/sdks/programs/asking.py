"""What every program asks, and how it says what it got: nothing that differs from one run to the next."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BASE_URL = os.environ["OPENROUTER_BASE_URL"]
KEY = os.environ["OPENROUTER_API_KEY"]
MODEL = "openai/gpt-4o-mini"
BROKE = "simulator/402"
"""A model that is refused for lack of credits, which no library tries again."""
FAILING = "simulator/500"
"""A model that fails however often it is asked."""
HELLO = "Hello to you."
WEATHER = "What is the weather?"
"""What has the model call the tool `get_weather`."""
USER = "u_request"
"""Whom the request itself names."""
SLOWLY = {"X-Simulator-Chunk-Delay": "0.05"}
"""Has the simulator pause before each piece, so that a stream is left before all of it has come."""

SAID = [{"role": "user", "content": HELLO}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def say(*what: object) -> None:
    """Print, on standard output, what the application got."""
    sys.stdout.write(" ".join(map(str, what)) + "\n")


@contextmanager
def refused(kind: type[BaseException]) -> Iterator[None]:
    """Say how the library refuses; one that does not is an end of the program."""
    try:
        yield
    except kind as error:
        say(type(error).__name__, error)
    else:
        raise SystemExit(f"{kind.__name__} was not raised.")
