"""What a middleware is told of where a request says whom it is for: the name of a header, or a function of the request.

A function is the application's own. What it raises costs the attribution and never the request.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from spancast.base import guard
from spancast.base.http_fields import TOKEN
from spancast.errors import ConfigurationError

Source = str | Callable[[Any], Any]
"""The name of a header, in any case; or a function of the request: of an ASGI scope, of a WSGI environment."""

Tags = Mapping[str, Source] | Callable[[Any], Any]
"""Where each tag is found; or a function that returns them all."""

Header = Callable[[Any, str], str | None]
"""Looks a header of a request up by its name."""


class Said(TypedDict):
    """What a request says: the arguments of `spancast.attribute`."""

    user: Any
    session: Any
    tags: Any


class Sources:
    """Where requests say whom they are for."""

    def __init__(self, user: Source | None, session: Source | None, tags: Tags | None, header: Header) -> None:
        """Take the sources; raise `ConfigurationError` for what is none."""
        self.user, self._session = _checked(user, "user"), _checked(session, "session")
        self._tags, self._header = _checked_tags(tags), header

    def now(self, request: Any) -> Said:
        """Return what a request says where nobody can wait."""
        tags = self._tags
        if isinstance(tags, Mapping):
            tags = {key: _settled(self._asked(each, request)) for key, each in tags.items()}
        else:
            tags = _settled(self._asked(tags, request))
        user, session = (_settled(self._asked(each, request)) for each in (self.user, self._session))
        return {"user": user, "session": session, "tags": tags}

    async def later(self, request: Any) -> Said:
        """Return what a request says; functions may be `async`."""
        tags = self._tags
        if isinstance(tags, Mapping):
            tags = {key: await _awaited(self._asked(each, request)) for key, each in tags.items()}
        else:
            tags = await _awaited(self._asked(tags, request))
        user, session = [await _awaited(self._asked(each, request)) for each in (self.user, self._session)]
        return {"user": user, "session": session, "tags": tags}

    def _asked(self, source: Source | Tags | None, request: Any) -> Any:
        try:
            if callable(source):
                return source(request)
            return self._header(request, source) if isinstance(source, str) else None
        except Exception:  # noqa: BLE001 - the function is the application's own
            failed()
            return None


def header_of(environ: Mapping[str, Any], name: str) -> str | None:
    """Return a header of a WSGI environment by its name (PEP 3333)."""
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in _WITHOUT_PREFIX else f"HTTP_{key}")
    return None if value is None else decoded(str(value).encode("latin-1", "replace"))


_WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""Headers that the environment has under their own names (RFC 3875 §4.1)."""


def decoded(value: bytes) -> str:
    """Return the value of a header: as UTF-8 where it is that, else as Latin-1 (RFC 9110 §5.5)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def failed() -> None:
    """Count what the application's function raised, and log it once a minute."""
    guard.failed("attribution of a request", "Whom a request is for could not be told; it is served all the same.")


def _checked(source: Source | None, where: str) -> Source | None:
    """Return a source; raise `ConfigurationError` for what is none."""
    if source is None or callable(source) or (isinstance(source, str) and TOKEN.fullmatch(source)):
        return source
    raise ConfigurationError.of(where, source, 'Give the name of a header, such as "x-user-id", or a function.')


def _checked_tags(tags: Tags | None) -> Tags | None:
    """Return the sources of tags; raise `ConfigurationError` for what is none."""
    if isinstance(tags, Mapping):
        return {key: source for key, each in tags.items() if (source := _checked(each, f"tags[{key!r}]")) is not None}
    if tags is None or callable(tags):
        return tags
    raise ConfigurationError.of("tags", tags, 'Give a mapping such as {"tenant": "x-tenant"}, or a function.')


async def _awaited(said: Any) -> Any:
    if not inspect.isawaitable(said):
        return said
    try:
        return await said
    except Exception:  # noqa: BLE001 - the function is the application's own
        failed()
        return None


def _settled(said: Any) -> Any:
    """Return what a function said where nobody can wait: an `async` one says nothing there."""
    if not inspect.isawaitable(said):
        return said
    if inspect.iscoroutine(said):
        said.close()
    guard.once_a_minute(
        "attribution by an async function",
        "Whom a request is for is not known: an async function cannot be awaited here. Give one that is not.",
    )
    return None
