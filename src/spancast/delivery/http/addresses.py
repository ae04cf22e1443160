"""The addresses of a host, looked up in bounded time: the system's resolver takes no timeout."""

import ipaddress
import queue
import socket
from contextlib import suppress
from functools import partial

from spancast.base.threads import Daemon

_Answer = list[str] | OSError | UnicodeError


def addresses(host: str, port: int, timeout: float) -> list[str]:
    """Return the addresses of a host in the resolver's order.

    Raises:
        TimeoutError: The resolver took longer than `timeout` seconds.
        OSError: The resolver failed.
        UnicodeError: The host is not a valid name.
    """
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    lookup = Daemon(partial(_look_up, host, port, answers), "spancast-resolver")
    try:
        lookup.start()
    except RuntimeError:  # the interpreter is shutting down, or the limit of threads is reached
        _look_up(host, port, answers)
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"{host} was not looked up within {timeout:.1f} seconds.") from None
    if isinstance(answer, list):
        return answer
    raise answer


def _look_up(host: str, port: int, answers: "queue.SimpleQueue[_Answer]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error)
    else:
        answers.put([str(address[0]) for *_, address in found])
