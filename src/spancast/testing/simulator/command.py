"""The simulator as a command."""

import signal
import sys
import threading
from types import FrameType

from spancast.testing.simulator.simulator import Simulator

KEY = "sk-or-v1-simulator"
"""The key in the command's instructions; any key works."""


def main_simulator(port: int, host: str = "127.0.0.1") -> int:
    """Serve on loopback until SIGINT or SIGTERM, then return 0; return 1 if the address is unavailable."""
    ended = threading.Event()
    try:
        simulator = Simulator(port=port, host=host)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    previous = {number: signal.signal(number, _setter(ended)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator:
            sys.stdout.write(_greeting(simulator))
            sys.stdout.flush()
            ended.wait()
    except OSError as error:
        sys.stderr.write(f"The simulator cannot listen on {host}:{port}: {error.strerror}. Choose another port.\n")
        return 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def _setter(ended: threading.Event) -> "signal._HANDLER":
    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    return end


def _greeting(simulator: Simulator) -> str:
    """Return the simulator's URL, and the variables with which each SDK and the examples use it."""
    url = simulator.base_url
    return (
        f"OpenRouter simulator at {url}\n"
        f"export OPENROUTER_BASE_URL={url} OPENROUTER_API_BASE={url} OPENROUTER_API_KEY={KEY}\n"
        f"export OPENAI_BASE_URL={url} OPENAI_API_KEY={KEY}\n"
        f"export ANTHROPIC_BASE_URL={url.removesuffix('/v1')} ANTHROPIC_API_KEY={KEY}\n"
        f"export SPANCAST_HOSTS={simulator.address}\n"
    )
