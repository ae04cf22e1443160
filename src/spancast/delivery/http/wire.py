"""One HTTP request to a platform and its reply. The HTTP library is imported when the first request is sent.

Constraints: one deadline for the whole attempt, which a slow peer cannot extend; redirects are not followed; no more of
a reply is read than the caller asks for; requests are not traced; a proxy of the environment is not used for this
machine. The library is httpcore2, on which httpx2 is built, since there every single wait can be bounded.
"""

import os
import ssl  # as a module: gevent warns of those who have taken names out of it before it patches
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from spancast.base import forks
from spancast.base.deadline import Deadline
from spancast.base.hosts import is_loopback
from spancast.base.urls import without_user_info
from spancast.contract import Reply, Request
from spancast.errors import SpancastError

if TYPE_CHECKING:
    import httpcore2

    from spancast.delivery.http.deadline import DeadlineBackend

TIMEOUT_SECONDS = 10.0
"""For one attempt, from connecting to the end of the reply."""
MAX_REPLY_BYTES = 64 * 1024
"""How much of a reply's body is read by default."""
KEEPALIVE_SECONDS = 3.0
"""How long an idle connection stays open: less than the 5 seconds after which servers commonly close it."""

_MAX_REASON_CHARS = 120
"""Of an error's message."""
_HEADERS = {"user-agent": "spancast", "accept-encoding": "identity"}


class Unsent(SpancastError):  # noqa: N818 - an outcome, named as the others
    """The platform has not received the whole request; it is safe to send it again."""


class Untrusted(Unsent):
    """The platform's TLS certificate is not valid; nothing was sent, and nothing will be until it is."""


class Ambiguous(SpancastError):  # noqa: N818 - an outcome, named as the others
    """The whole request was sent, but no complete reply received: the platform may have it."""


class Wire:
    """The connections of one courier. Not thread-safe."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._backend: DeadlineBackend | None = None
        self._pools: dict[str | None, httpcore2.ConnectionPool] = {}

    def post(self, request: Request, timeout: float = TIMEOUT_SECONDS, limit: int = MAX_REPLY_BYTES) -> Reply:
        """Send a request and return the reply, within `timeout` seconds.

        Args:
            request: What to send.
            timeout: Seconds for the whole attempt.
            limit: Bytes of the reply's body to read.

        Raises:
            Unsent: The platform has not received the whole request; `Untrusted` is one of these.
            Ambiguous: The platform may have received the request.
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

        _refuse_non_ascii(request)
        backend = self._own_backend()
        backend.begin(deadline)
        try:
            pool, headers = self._pool(request.url, backend), [*(_HEADERS | dict(request.headers)).items()]
            with pool.stream(request.method, request.url, headers=headers, content=request.body) as response:
                return _reply(response, limit)
        except (httpcore2.ReadError, httpcore2.ReadTimeout, httpcore2.RemoteProtocolError) as error:
            is_sent = not backend.write_failed and backend.written >= len(request.body)
            raise (Ambiguous if is_sent else Unsent)(_reason(error)) from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProxyError, OSError) as error:
            raise _unsent(error) from error
        except (
            httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol,
            ValueError,  # a host or header that cannot be encoded
        ) as error:
            # Their messages quote the request, whose headers hold a key.
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
            self._pools[proxy] = _open_pool(proxy, backend)
        return self._pools[proxy]


def _refuse_non_ascii(request: Request) -> None:
    """Raise `Unsent` for what HTTP cannot carry; the message repeats neither, since both may hold a key."""
    if not request.url.isascii():
        raise Unsent("the URL has characters that are not ASCII; write those of a host as xn--..., of a path as %XX")
    for name, value in request.headers.items():
        if not (name.isascii() and value.isascii()):
            raise Unsent(f"the header {name!a} has characters that are not ASCII; correct the value that it holds")


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return the TLS context of all connections of the process: reading the certificates takes 10 ms.

    No fork happens meanwhile: a child would wait for ever for OpenSSL's own locks.
    """
    import httpcore2  # noqa: PLC0415 - see the top

    with forks.NoFork():
        return httpcore2.default_ssl_context()


forks.in_child(_ssl_context.cache_clear)  # a thread of the parent may have been in a handshake with it


def _open_pool(proxy: str | None, backend: "DeadlineBackend") -> "httpcore2.ConnectionPool":
    import httpcore2  # noqa: PLC0415 - see the top

    if proxy is None:
        return httpcore2.ConnectionPool(
            ssl_context=_ssl_context(), keepalive_expiry=KEEPALIVE_SECONDS, network_backend=backend
        )
    parts = urlsplit(proxy)
    return httpcore2.HTTPProxy(
        without_user_info(proxy),
        proxy_auth=(parts.username, parts.password or "") if parts.username else None,
        ssl_context=_ssl_context(),
        proxy_ssl_context=_ssl_context() if parts.scheme == "https" else None,
        keepalive_expiry=KEEPALIVE_SECONDS,
        network_backend=backend,
    )


def _proxy(url: str) -> str | None:
    """Return the HTTP proxy that the environment sets for a URL, or `None`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None or is_loopback(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


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
    origin = error.__context__  # httpcore2 raises `from None`
    if isinstance(origin, ssl.SSLCertVerificationError):
        return Untrusted(f"TLS: {origin.verify_message}")
    return Unsent(_reason(error))


def _reason(error: Exception) -> str:
    """Return a short description, the same for the same failure, since reasons are counted."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:_MAX_REASON_CHARS]}" if text else type(error).__name__
