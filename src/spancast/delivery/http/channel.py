"""The requests of one destination: its connections, and the credential that some platforms grant first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from spancast.base import clock, guard
from spancast.contract import Authorizer, Closing, Exporter, Grant, Reply, Request, Retry, Sink, Unauthorized
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.secrets import Secrets
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import SpancastError

_IDLE = (0, 0.0)
_UNAUTHORIZED = 401
_EARLY = 60.0
"""Seconds before its end at which a credential is not used any more, at most; of a short one the last tenth."""


class Denied(SpancastError):  # noqa: N818 - an outcome, named as the others
    """There is no credential, so that nothing was sent."""

    def __init__(self, verdict: Retry | Unauthorized) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Channel:
    """Not for several threads at once, unless a method says so."""

    def __init__(self, exporter: Exporter | Sink) -> None:
        self._authorizer = exporter if isinstance(exporter, Authorizer) else None
        self._sink = exporter if isinstance(exporter, Sink) and isinstance(exporter, Closing) else None
        self.secrets = Secrets(exporter)
        self._wire = Wire()
        self._asking = _IDLE
        """In which process the request under way was begun, and when, in seconds of `clock.now`."""
        self._grant: Grant | None = None
        self._valid_until = 0.0

    def post(self, request: Request, allowance: Allowance) -> Reply:
        """Send the request with what it needs, and return the answer.

        A granted credential that is refused before its end is asked for once more. Raises `wire.Unsent`, which may be
        `wire.Untrusted`; `wire.Ambiguous`; and `Denied`.
        """
        if self._authorizer is None:
            return self._sent(request, allowance)
        kept = self._grant if clock.now() < self._valid_until else None
        grant = kept or self._ask(self._authorizer, allowance)
        reply = self._sent(_with(request, grant), allowance)
        if reply.status == _UNAUTHORIZED:
            self._grant = None
            if kept is not None:
                return self._sent(_with(request, self._ask(self._authorizer, allowance)), allowance)
        return reply

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Know that a request, or what a sink does in its place, waits for an answer."""
        self._asking = os.getpid(), clock.now()
        try:
            yield
        finally:
            self._asking = _IDLE

    def waited(self) -> float:
        """Return the seconds for which a request of this process has had no whole answer. For any thread."""
        process, since = self._asking
        return clock.now() - since if process == os.getpid() else 0.0

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
        if self._sink is not None:
            with guard.quietly("sink.close"):
                self._sink.close()

    def _sent(self, request: Request, allowance: Allowance) -> Reply:
        """Return the answer without a secret in it."""
        return self.secrets.out_of_reply(self._answer(request, allowance), request)

    def _answer(self, request: Request, allowance: Allowance) -> Reply:
        with self.under_way():
            return self._wire.post(request, allowance.left)

    def _ask(self, authorizer: Authorizer, allowance: Allowance) -> Grant:
        at = datetime.now(UTC)
        try:
            granted = authorizer.grant(self._answer(authorizer.ask(at), allowance), at)
        except (Unsent, Ambiguous) as error:
            raise Denied(Retry(f"no credential: {error}")) from error
        except Exception as error:
            raise Denied(Retry(f"no credential: {type(error).__name__}")) from error
        if not isinstance(granted, Grant):
            raise Denied(replace(granted, reason=self.secrets.out_of(granted.reason)))
        lasts = (granted.until - at).total_seconds()
        self._grant, self._valid_until = granted, clock.now() + max(lasts * 0.9, lasts - _EARLY)
        return granted


def _with(request: Request, grant: Grant) -> Request:
    return replace(request, headers={**request.headers, **grant.headers})
