"""One request to a platform, and its answer. The HTTP engine is imported when the first is sent.

Constraints: one deadline over the whole attempt, which a peer that trickles cannot stretch; a redirect is an answer and
is not followed; no more of an answer is read than its caller wants; nothing of it is traced; a proxy of the environment
is never asked for this machine itself. The engine is httpx2's own, httpcore2: there every single wait can be bounded.
"""

import ipaddress
import os
import ssl  # as a module: gevent warns of those who have taken names out of it before it patches
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from spancast.base import forks
from spancast.base.deadline import Deadline
from spancast.contract import Reply, Request
from spancast.errors import SpancastError

if TYPE_CHECKING:
    import httpcore2

    from spancast.delivery.http.deadline import DeadlineBackend

PATIENCE = 10.0
"""Seconds for one attempt, from the connection to the end of the answer."""
MAX_REPLY = 64 * 1024
"""Bytes of an answer's body that are read where nothing else is said."""
IDLE = 3.0
"""Seconds a connection is kept for the next request; servers commonly close at 5, and the race is theirs to lose."""

_LONGEST_REASON = 120
"""Characters of an error that are kept."""
_HEADERS = {"user-agent": "spancast", "accept-encoding": "identity"}


class Unsent(SpancastError):  # noqa: N818 - an outcome, named as the others
    """The platform has not got the whole request; it is safe to send again."""


class Untrusted(Unsent):
    """The platform does not prove who it is; nothing was sent, and nothing will be until it does."""


class Ambiguous(SpancastError):  # noqa: N818 - an outcome, named as the others
    """The request went out whole and no whole answer came: the platform may have it."""


class Wire:
    """The connections of one courier. Not for several threads at once."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._backend: DeadlineBackend | None = None
        self._pools: dict[str | None, httpcore2.ConnectionPool] = {}

    def post(self, request: Request, timeout: float = PATIENCE, limit: int = MAX_REPLY) -> Reply:
        """Send the request and return the answer, within `timeout` seconds.

        Raises `Unsent`, which may be `Untrusted`, or `Ambiguous`.

        No more than `limit` bytes of the answer's body are read.
        """
        from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: PLC0415 - see the top

        with suppress_instrumentation():
            return self._attempt(request, Deadline(timeout), limit)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _attempt(self, request: Request, deadline: Deadline, limit: int) -> Reply:
        import httpcore2  # noqa: PLC0415 - see the top

        backend = self._own_backend()
        backend.begin(deadline)
        try:
            pool, headers = self._pool(request.url, backend), [*(_HEADERS | dict(request.headers)).items()]
            with pool.stream(request.method, request.url, headers=headers, content=request.body) as response:
                return _reply(response, limit)
        except (httpcore2.ReadError, httpcore2.ReadTimeout, httpcore2.RemoteProtocolError) as error:
            whole = not backend.torn and backend.written >= len(request.body)
            raise (Ambiguous if whole else Unsent)(_why(error)) from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProxyError, OSError) as error:
            raise _unsent(error) from error
        except (
            httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol,
            ValueError,  # a host or header that cannot be written down
        ) as error:
            # What these say quotes the request, whose headers hold a key.
            raise Unsent(f"{type(error).__name__}: this is no HTTP request") from error

    def _own_backend(self) -> "DeadlineBackend":
        from spancast.delivery.http.deadline import DeadlineBackend  # noqa: PLC0415 - see the top

        if self._pid != os.getpid() and self._backend is not None:
            self._backend.abandon()
            self._backend, self._pools = None, {}
        self._pid = os.getpid()
        if self._backend is None:
            self._backend = DeadlineBackend()
        return self._backend

    def _pool(self, url: str, backend: "DeadlineBackend") -> "httpcore2.ConnectionPool":
        proxy = _proxy(url)
        if proxy not in self._pools:
            self._pools[proxy] = _opened(proxy, backend)
        return self._pools[proxy]


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Return whom all connections of the process trust: to read the certificates takes a hundredth of a second.

    No fork falls into that, for OpenSSL has locks of its own, which a child would wait for for ever.
    """
    import httpcore2  # noqa: PLC0415 - see the top

    with forks.Unforked():
        return httpcore2.default_ssl_context()


forks.in_child(_trusted.cache_clear)  # a thread of the parent may have been in a handshake with it


def _opened(proxy: str | None, backend: "DeadlineBackend") -> "httpcore2.ConnectionPool":
    import httpcore2  # noqa: PLC0415 - see the top

    if proxy is None:
        return httpcore2.ConnectionPool(ssl_context=_trusted(), keepalive_expiry=IDLE, network_backend=backend)
    parts = urlsplit(proxy)
    return httpcore2.HTTPProxy(
        parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
        proxy_auth=(parts.username, parts.password or "") if parts.username else None,
        ssl_context=_trusted(),
        proxy_ssl_context=_trusted() if parts.scheme == "https" else None,
        keepalive_expiry=IDLE,
        network_backend=backend,
    )


def _proxy(url: str) -> str | None:
    """Return the HTTP proxy that the environment has for the URL, or `None`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None or _is_this_machine(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reply(response: "httpcore2.Response", limit: int) -> Reply:
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) >= limit:
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    headers.setdefault("date", formatdate(usegmt=True))
    return Reply(response.status, headers, bytes(body[:limit]))


def _unsent(error: Exception) -> Unsent:
    origin = error.__context__  # the engine takes the cause away
    if isinstance(origin, ssl.SSLCertVerificationError):
        return Untrusted(f"TLS: {origin.verify_message}")
    return Unsent(_why(error))


def _why(error: Exception) -> str:
    """Return what went wrong in a few words that are the same each time, for they are counted."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:_LONGEST_REASON]}" if text else type(error).__name__
