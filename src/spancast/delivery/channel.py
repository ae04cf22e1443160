"""The requests of one destination: its connections, and the credential that some platforms grant first."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from spancast.contract import Authorizer, Exporter, Grant, Reply, Request, Retry, Sink, Unauthorized
from spancast.delivery.allowance import Allowance
from spancast.delivery.wire import Ambiguous, Unsent, Wire
from spancast.errors import SpancastError
from spancast.scrub import REMOVED

_UNAUTHORIZED = 401
_EARLY = 60.0
"""Seconds before its end at which a credential is not used any more, at most; of a short one the last tenth."""


class Denied(SpancastError):  # noqa: N818 - an outcome, named as the others
    """There is no credential, so that nothing was sent."""

    def __init__(self, verdict: Retry | Unauthorized) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Channel:
    """Not for several threads at once."""

    def __init__(self, exporter: Exporter | Sink) -> None:
        self._authorizer = exporter if isinstance(exporter, Authorizer) else None
        self._wire = Wire()
        self._grant: Grant | None = None
        self._valid_until = 0.0

    def post(self, request: Request, allowance: Allowance) -> Reply:
        """Send the request with what it needs, and return the answer.

        A granted credential that is refused before its end is asked for once more. Raises `wire.Unsent`, which may be
        `wire.Untrusted`; `wire.Ambiguous`; and `Denied`.
        """
        if self._authorizer is None:
            return self._sent(request, allowance)
        kept = self._grant if time.monotonic() < self._valid_until else None
        grant = kept or self._ask(self._authorizer, allowance)
        reply = self._sent(_with(request, grant), allowance)
        if reply.status == _UNAUTHORIZED:
            self._grant = None
            if kept is not None:
                return self._sent(_with(request, self._ask(self._authorizer, allowance)), allowance)
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _sent(self, request: Request, allowance: Allowance) -> Reply:
        """Return the answer without the request's own credentials: some platforms quote a key that they refuse."""
        reply = self._wire.post(request, allowance.left())
        body = reply.body
        for secret in _credentials(request):
            body = body.replace(secret, REMOVED.encode())
        return reply if body == reply.body else replace(reply, body=body)

    def _ask(self, authorizer: Authorizer, allowance: Allowance) -> Grant:
        at = datetime.now(UTC)
        try:
            granted = authorizer.grant(self._wire.post(authorizer.ask(at), allowance.left()), at)
        except (Unsent, Ambiguous) as error:
            raise Denied(Retry(f"no credential: {error}")) from error
        except Exception as error:
            raise Denied(Retry(f"no credential: {type(error).__name__}")) from error
        if not isinstance(granted, Grant):
            raise Denied(granted)
        lasts = (granted.until - at).total_seconds()
        self._grant, self._valid_until = granted, time.monotonic() + max(lasts * 0.9, lasts - _EARLY)
        return granted


def _credentials(request: Request) -> list[bytes]:
    """Return the words of the headers that hold a key, the longest first."""
    held = [value for name, value in request.headers.items() if any(mark in name.lower() for mark in _HOLDS_KEY)]
    words = {word.encode("utf-8", "replace") for value in held for word in value.split() if len(word) >= _SHORTEST}
    return sorted(words, key=len, reverse=True)


_HOLDS_KEY = ("auth", "key", "token", "secret")
_SHORTEST = 8
"""Characters; what is shorter is no key."""


def _with(request: Request, grant: Grant) -> Request:
    return replace(request, headers={**request.headers, **grant.headers})
