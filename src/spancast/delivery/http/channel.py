"""The requests of one destination: its connections, and the credential that some platforms grant first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from spancast.base import clock, guard
from spancast.contract import Authorizer, Closeable, Exporter, Grant, Reply, Request, Retry, Sink, Unauthorized
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.secrets import Secrets
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import SpancastError

_NO_REQUEST = (0, 0.0)
_UNAUTHORIZED = 401
_EXPIRY_MARGIN_SECONDS = 60.0
"""A credential is renewed this long before it expires; a short-lived one, in the last tenth of its life."""


class Denied(SpancastError):  # noqa: N818 - an outcome, named as the others
    """No credential was granted, so nothing was sent."""

    def __init__(self, verdict: Retry | Unauthorized) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Channel:
    """The connections and the credential of one destination. Not thread-safe, unless a method says so."""

    def __init__(self, exporter: Exporter | Sink) -> None:
        self._authorizer = exporter if isinstance(exporter, Authorizer) else None
        self._sink = exporter if isinstance(exporter, Sink) and isinstance(exporter, Closeable) else None
        self.secrets = Secrets(exporter)
        self._wire = Wire()
        self._started = _NO_REQUEST
        """The process and the time, by `clock.now`, in which the request in flight started."""
        self._grant: Grant | None = None
        self._valid_until = 0.0

    def post(self, request: Request, allowance: Allowance) -> Reply:
        """Send the request, with a granted credential if the platform needs one, and return the reply.

        A credential that is refused before it expires is renewed once.

        Raises:
            wire.Unsent: The platform has not received the whole request; `wire.Untrusted` is one of these.
            wire.Ambiguous: The platform may have received the request.
            Denied: No credential was granted.
        """
        if self._authorizer is None:
            return self._send(request, allowance)
        cached = self._grant if clock.now() < self._valid_until else None
        grant = cached or self._request_grant(self._authorizer, allowance)
        reply = self._send(_with(request, grant), allowance)
        if reply.status == _UNAUTHORIZED:
            self._grant = None
            if cached is not None:
                return self._send(_with(request, self._request_grant(self._authorizer, allowance)), allowance)
        return reply

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Mark a request, or a write of a sink, as waiting for its reply."""
        self._started = os.getpid(), clock.now()
        try:
            yield
        finally:
            self._started = _NO_REQUEST

    def in_flight_seconds(self) -> float:
        """Return the seconds that this process has waited for a complete reply; 0 without a request. Thread-safe."""
        process, since = self._started
        return clock.now() - since if process == os.getpid() else 0.0

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
        if self._sink is not None:
            with guard.quietly("sink.close"):
                self._sink.close()

    def _send(self, request: Request, allowance: Allowance) -> Reply:
        """Return the reply with all secrets removed."""
        return self.secrets.redact_reply(self._post(request, allowance), request)

    def _post(self, request: Request, allowance: Allowance) -> Reply:
        with self.in_flight():
            return self._wire.post(request, allowance.remaining)

    def _request_grant(self, authorizer: Authorizer, allowance: Allowance) -> Grant:
        at = datetime.now(UTC)
        try:
            granted = authorizer.grant(self._post(authorizer.ask(at), allowance), at)
        except (Unsent, Ambiguous) as error:
            raise Denied(Retry(f"no credential: {error}")) from error
        except Exception as error:
            raise Denied(Retry(f"no credential: {type(error).__name__}")) from error
        if not isinstance(granted, Grant):
            raise Denied(replace(granted, reason=self.secrets.redact(granted.reason)))
        lifetime = (granted.until - at).total_seconds()
        self._grant = granted
        self._valid_until = clock.now() + max(lifetime * 0.9, lifetime - _EXPIRY_MARGIN_SECONDS)
        return granted


def _with(request: Request, grant: Grant) -> Request:
    return replace(request, headers={**request.headers, **grant.headers})
