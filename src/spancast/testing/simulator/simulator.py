"""The simulator's public class."""

import ipaddress
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Self

from spancast.testing.simulator import identity, routes
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.config import Config
from spancast.testing.simulator.query import MAX_ROWS
from spancast.testing.simulator.served import Served, hashed
from spancast.testing.simulator.server import Server

_HANG_UP_SECONDS = 1.0
"""For the connections' threads to end."""


class Simulator:
    """An OpenRouter on a loopback port, during a `with` block or from `start()` to `stop()`.

    Args:
        port: the port; 0 for any free one.
        host: a loopback address.
        seed: determines the ids; without `clock`, also the time, which starts at 2026 and advances a second a request.
        clock: returns the Unix time in seconds.
        lookups_before_ready: the number of lookups of a generation that `GET /generation` answers 404.
        ready_after: seconds during which it answers them 404.
        polls_before_done: the number of polls that find a video or a batch in progress.
        slow_delay: seconds that the fault `slow` takes.
        analytics_rows: the most rows in a response of analytics.
        management_key: the only management key; by default every key is one.
        credits: USD that `GET /credits` states as purchased.

    Raises:
        ValueError: The host is not this machine's loopback. `start()` raises `OSError` if the port is taken.
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
        analytics_rows: int = MAX_ROWS,
        management_key: str | None = None,
        credits: Decimal = Decimal(1000),  # noqa: A002 - OpenRouter's word
    ) -> None:
        self._host = _loopback(host)
        self._port = port
        self._clock = clock or (time.time if seed is None else identity.ticking_clock())
        self._account = Account(
            identity.IdGenerator(seed),
            Config(
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
        """Listen and serve in background threads; without effect if it is running."""
        with self._lock:
            if self._server is None:
                self._server = Server(self._host, self._port, self._account, self._clock)
                self._stopped.clear()
                self._thread = threading.Thread(
                    target=self._server.serve_until_shutdown, name="spancast-simulator", daemon=True
                )
                self._thread.start()
        return self

    def stop(self) -> None:
        """Drop the connections and release the port; without effect if it is stopped."""
        with self._lock:
            server, self._server = self._server, None
            if server is None:
                return
            server.end()
            self._thread.join()
            server.close_connections(_HANG_UP_SECONDS)
            self._stopped.set()

    def serve_forever(self) -> None:
        """Serve until another thread calls `stop()`, or the caller is interrupted."""
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
        """The port it listens on; raises `RuntimeError` unless it is running."""
        server = self._server
        if server is None:
            raise RuntimeError("The simulator is not running. Enter it with `with`, or call `start()` first.")
        return int(server.server_port)

    @property
    def address(self) -> str:
        """`host:port`, for `SPANCAST_HOSTS`."""
        return f"{self._host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The base URL for clients, in place of OpenRouter's."""
        return f"http://{self.address}{routes.BASE}"

    @property
    def requests(self) -> tuple[Served, ...]:
        """All requests so far, in the order in which they arrived."""
        return self._account.served

    @property
    def bills(self) -> tuple[Bill, ...]:
        """One bill per generation, in the order in which they were charged."""
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
        raise ValueError(f"host cannot be {host!r}: the simulator listens on loopback only. Use 127.0.0.1.")
    return address
