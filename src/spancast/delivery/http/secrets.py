"""What an exporter keeps to itself is taken out of all that is read of a platform, kept or logged.

Some platforms quote a key that they refuse, wherever it was put. What is secret an exporter says itself, by the fields
that its `repr` leaves out; so are the words of a request's headers that are named like a key, for what is made of them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from urllib.parse import quote, unquote

from spancast.base.scrub import REMOVED
from spancast.contract import Rejected, Reply, Request, Retry, Split, Unauthorized, Verdict

_SHORTEST = 8
"""Characters; what is shorter is no key."""
_HOLDS_KEY = ("auth", "key", "token", "secret")
_BETWEEN = re.compile(r"[,;&?\s]+")


class Secrets:
    """Of one exporter. For any thread."""

    def __init__(self, exporter: object) -> None:
        self._known = _longest_first(form for text in _held(exporter) for form in _forms(text))

    def out_of(self, text: str) -> str:
        """Return a text without them."""
        for secret in self._known:
            text = text.replace(secret, REMOVED)
        return text

    def out_of_reply(self, reply: Reply, request: Request) -> Reply:
        """Return an answer whose body is without them, and without the credentials of the request."""
        if not reply.body:
            return reply
        body = reply.body
        for secret in (each.encode("utf-8", "replace") for each in _longest_first((*self._known, *_sent(request)))):
            if secret in body:
                body = body.replace(secret, _stand_in(reply, len(secret)))
        return reply if body is reply.body else replace(reply, body=body)

    def out_of_verdict(self, verdict: Verdict) -> Verdict:
        """Return a verdict whose reasons are without them."""
        match verdict:
            case Rejected(reasons):
                return Rejected({span_id: self.out_of(why) for span_id, why in reasons.items()})
            case Retry(reason) | Split(reason) | Unauthorized(reason):
                return replace(verdict, reason=self.out_of(reason))
        return verdict


def _held(holder: object) -> Iterator[str]:
    """Return the texts that a dataclass holds where its `repr` does not show them."""
    if is_dataclass(holder) and not isinstance(holder, type):
        for field in fields(holder):
            if field.init and not field.repr:
                yield from _texts(getattr(holder, field.name, None))


def _texts(value: object) -> Iterator[str]:
    """Return the secrets that a value holds."""
    match value:
        case str():
            yield value
            for word in _BETWEEN.split(value):
                yield from _of_word(word)
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from _texts(each)
        case _:
            yield from _held(value)


def _of_word(word: str) -> Iterator[str]:
    """Return a word of a text such as `name=value,name=value`, and what is secret in it; in a URL that is its user."""
    yield word
    yield from _BETWEEN.split(unquote(word.partition("=")[2]))
    user, at, _ = word.partition("://")[2].partition("@")
    yield from map(unquote, user.split(":") if at else ())


def _forms(text: str) -> tuple[str, ...]:
    """Return a secret as it is, in an address and in JSON."""
    return text, quote(text, safe="", errors="replace"), json.dumps(text)[1:-1]


def _sent(request: Request) -> Iterator[str]:
    """Return the words of the headers that hold a key."""
    for name, value in request.headers.items():
        if any(mark in name.lower() for mark in _HOLDS_KEY):
            yield from value.split()


def _longest_first(secrets: Iterable[str]) -> list[str]:
    """Return those that are long enough, each once, in an order in which none hides another."""
    return sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)


def _stand_in(reply: Reply, length: int) -> bytes:
    """Return what stands where a secret stood: of its length, where a message says how long its texts are."""
    stands = REMOVED.encode()
    return stands.ljust(length, b".")[:length] if "protobuf" in reply.headers.get("content-type", "") else stands
