"""Exchanges without a network: opened and fed as the recorder and the hooks do it."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spancast.capture.dialects.table import dialect_of
from spancast.capture.exchange import Exchange
from spancast.capture.failure import key_hash, secrets_of
from spancast.capture.request.facts import app_facts, form_facts, request_facts
from spancast.records.call import Call
from tests.support.answers import JSON, SSE


@dataclass
class Heard:
    """An exchange, and what its listeners were told."""

    exchange: Exchange
    opened: list[Call] = field(default_factory=list)
    finished: list[Call] = field(default_factory=list)

    @property
    def call(self) -> Call:
        """The one call that came of it."""
        (call,) = self.finished
        return call

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Let pieces of the body pass."""
        for chunk in chunks:
            self.exchange.feed(chunk)


def opened(
    path: str = "/chat/completions",
    body: bytes | None = None,
    *,
    method: str = "POST",
    sent: Mapping[str, str] | None = None,
    form: Mapping[str, Any] | None = None,
) -> Heard:
    """Open the exchange of a request to `path` below the API's base; `sent` are its headers, in lower case."""
    sent = sent or {}
    dialect = dialect_of(method, f"/api/v1{path}")
    assert dialect is not None, f"{method} {path} is no call"
    secrets = secrets_of(sent)
    facts = request_facts(body, sent.get("content-type", "")) if form is None else form_facts(form)
    base = Call(
        call_id="" if dialect.poll else "0" * 32,
        operation=dialect.operation,
        started_at=0,
        key_hash=key_hash(sent),
        **app_facts(sent),
        **facts,
    )
    calls: tuple[list[Call], list[Call]] = ([], [])
    return Heard(Exchange(base, dialect, calls[0].append, calls[1].append, secrets), *calls)


def answered(
    path: str,
    content: bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> Call:
    """Return the call of a plain answer to a caller who does not stream."""
    heard = opened(path, **request)
    heard.exchange.headers(status, JSON if headers is None else headers)
    heard.exchange.body(content)
    return heard.call


def streamed(
    path: str,
    chunks: Iterable[bytes],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> Call:
    """Return the call of a body that passes in chunks, and is read to its end."""
    heard = opened(path, **request)
    heard.exchange.headers(status, SSE if headers is None else headers)
    heard.feed(chunks)
    heard.exchange.finish("completed")
    return heard.call


def pieces(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Return `body` cut at some places, which are counted round it."""
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in itertools.pairwise(places)]


def same(call: Call) -> dict[str, Any]:
    """Return every fact of a call but those that a clock measured."""
    clocked = {"duration", "time_to_headers", "time_to_first_token"}
    return {name: getattr(call, name) for name in call.__struct_fields__ if name not in clocked}
