"""The simulator as its users hold it."""

import ipaddress
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Self

from spancast.testing.simulator import identity, routes
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.query import MOST_ROWS
from spancast.testing.simulator.served import Served, hashed
from spancast.testing.simulator.server import Server
from spancast.testing.simulator.terms import Terms

_HANG_UP = 1.0
"""Seconds for the threads of the connections to notice the end."""


class Simulator:
    """An OpenRouter on a loopback port, for the length of a `with` block or from `start()` to `stop()`.

    `port`: 0 takes a free one. `seed`: ids follow from it, and unless `clock` says otherwise time starts with 2026
    and goes on by a second a request. `clock`: tells the Unix time in seconds. `lookups_before_ready` and
    `ready_after` (seconds): how long `GET /generation` does not find a generation yet. `polls_before_done`: how many
    polls find a video or a batch under way. `slow_delay`: seconds that the fault `slow` takes. `analytics_rows`: the
    most rows of an answer of analytics. `management_key`: the one key that is a management key, where not any is to be.
    `credits`: USD that `GET /credits` says were bought.

    Raises `ValueError` for a host beyond this machine, and `OSError` from `start()` where the port is taken.
    """

    def __init__(  # noqa: PLR0913 - every one has a default that suits most
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: int | None = None,
        clock: Callable[[], float] | None = None,
        lookups_before_ready: int = 1,
        ready_after: float = 0.0,
        polls_before_done: int = 1,
        slow_delay: float = 0.5,
        analytics_rows: int = MOST_ROWS,
        management_key: str | None = None,
        credits: Decimal = Decimal(1000),  # noqa: A002 - OpenRouter's word
    ) -> None:
        self._host = _loopback(host)
        self._port = port
        self._clock = clock or (time.time if seed is None else identity.ticking())
        self._account = Account(
            identity.Mint(seed),
            Terms(
                lookups_before_ready=lookups_before_ready,
                ready_after=ready_after,
                polls_before_done=polls_before_done,
                slow_delay=slow_delay,
                analytics_rows=analytics_rows,
                management_key_hash=None if management_key is None else hashed(management_key),
                credits=credits,
            ),
        )
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._stopped = threading.Event()

    def start(self) -> Self:
        """Listen and serve, in threads of its own; nothing changes where it does already."""
        with self._lock:
            if self._server is None:
                self._server = Server(self._host, self._port, self._account, self._clock)
                self._stopped.clear()
                self._thread = threading.Thread(
                    target=self._server.serve_until_ended, name="spancast-simulator", daemon=True
                )
                self._thread.start()
        return self

    def stop(self) -> None:
        """Drop the connections and free the port; nothing changes where it is stopped already."""
        with self._lock:
            server, self._server = self._server, None
            if server is None:
                return
            server.end()
            self._thread.join()
            server.hang_up(_HANG_UP)
            self._stopped.set()

    def serve_forever(self) -> None:
        """Serve until `stop()` is called from elsewhere, or the caller is interrupted."""
        self.start()
        try:
            self._stopped.wait()
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on; raises `RuntimeError` while it does not."""
        server = self._server
        if server is None:
            raise RuntimeError("The simulator is not running. Enter it with `with`, or call `start()` first.")
        return int(server.server_port)

    @property
    def address(self) -> str:
        """`host:port`, as `SPANCAST_HOSTS` takes it."""
        return f"{self._host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What clients take for OpenRouter's base URL."""
        return f"http://{self.address}{routes.BASE}"

    @property
    def requests(self) -> tuple[Served, ...]:
        """All requests so far, in the order in which they arrived."""
        return self._account.served

    @property
    def bills(self) -> tuple[Bill, ...]:
        """What was charged so far, one bill a generation, in the order in which they were charged."""
        return self._account.bills

    @property
    def usage(self) -> Decimal:
        """USD charged so far: the sum of the bills' costs, exact."""
        return self._account.usage


def _loopback(host: str) -> str:
    """Return the address of a host on this machine's loopback; raises `ValueError` for any other."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"host cannot be {host!r}: the simulator stays on this machine. Take 127.0.0.1.")
    return address
