"""Removing an exporter's secrets from everything that a platform replies, before it is stored or logged.

Some platforms quote the key that they refuse, wherever it was sent. An exporter declares its secrets as dataclass
fields with `repr=False`. The values of request headers with a name such as `x-api-key` count as secrets, too, since an
exporter may derive them from a field.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from urllib.parse import quote, unquote

from spancast.base.scrub import REMOVED
from spancast.contract import Rejected, Reply, Request, Retry, Split, Unauthorized, Verdict

_MIN_CHARS = 8
"""A shorter text is not a key."""
_SECRET_HEADERS = ("auth", "key", "token", "secret")
"""Parts of the names of headers that hold a credential."""
_SEPARATORS = re.compile(r"[,;&?\s]+")


class Secrets:
    """The secrets of one exporter. Thread-safe."""

    def __init__(self, exporter: object) -> None:
        self._known = _longest_first(form for text in _hidden_texts(exporter) for form in _encodings(text))

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._known:
            text = text.replace(secret, REMOVED)
        return text

    def redact_reply(self, reply: Reply, request: Request) -> Reply:
        """Return a reply whose body has neither the secrets nor the credentials of the request."""
        if not reply.body:
            return reply
        body = reply.body
        known = _longest_first((*self._known, *_credentials(request)))
        for secret in (each.encode("utf-8", "replace") for each in known):
            if secret in body:
                body = body.replace(secret, _replacement(reply, len(secret)))
        return reply if body is reply.body else replace(reply, body=body)

    def redact_verdict(self, verdict: Verdict) -> Verdict:
        """Return a verdict without the secrets in its reasons."""
        match verdict:
            case Rejected(reasons):
                return Rejected({span_id: self.redact(why) for span_id, why in reasons.items()})
            case Retry(reason) | Split(reason) | Unauthorized(reason):
                return replace(verdict, reason=self.redact(reason))
        return verdict


def _hidden_texts(instance: object) -> Iterator[str]:
    """Yield the texts in a dataclass's fields that its `repr` leaves out."""
    if is_dataclass(instance) and not isinstance(instance, type):
        for field in fields(instance):
            if field.init and not field.repr:
                yield from _texts(getattr(instance, field.name, None))


def _texts(value: object) -> Iterator[str]:
    """Yield the secrets in a value."""
    match value:
        case str():
            yield value
            for part in _SEPARATORS.split(value):
                yield from _secrets_in(part)
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from _texts(each)
        case _:
            yield from _hidden_texts(value)


def _secrets_in(part: str) -> Iterator[str]:
    """Yield one part of a text such as `name=value,name=value`, the value in it, and the user info if it is a URL."""
    yield part
    yield from _SEPARATORS.split(unquote(part.partition("=")[2]))
    user, at, _ = part.partition("://")[2].partition("@")
    yield from map(unquote, user.split(":") if at else ())


def _encodings(text: str) -> tuple[str, ...]:
    """Return a secret as it is, as in a URL and as in JSON."""
    return text, quote(text, safe="", errors="replace"), json.dumps(text)[1:-1]


def _credentials(request: Request) -> Iterator[str]:
    """Yield the words of the headers that hold a credential."""
    for name, value in request.headers.items():
        if any(mark in name.lower() for mark in _SECRET_HEADERS):
            yield from value.split()


def _longest_first(secrets: Iterable[str]) -> list[str]:
    """Return the secrets that are long enough, longest first, since one may contain another."""
    return sorted({each for each in secrets if len(each) >= _MIN_CHARS}, key=len, reverse=True)


def _replacement(reply: Reply, length: int) -> bytes:
    """Return the text in place of a secret; in protobuf it has the secret's length, which the message states."""
    mark = REMOVED.encode()
    return mark.ljust(length, b".")[:length] if "protobuf" in reply.headers.get("content-type", "") else mark
