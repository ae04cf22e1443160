"""Where a middleware finds the attribution of a request: the name of a header, or a function of the request.

The function is the application's own. If it raises, the attribution is lost but never the request.
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
"""The source of each tag, or a function that returns all tags."""

Header = Callable[[Any, str], str | None]
"""Returns a header of a request by its name."""


class AttributeArguments(TypedDict):
    """The arguments of `spancast.attribute`."""

    user: Any
    session: Any
    tags: Any


class Sources:
    """The sources of the attribution of requests."""

    def __init__(self, user: Source | None, session: Source | None, tags: Tags | None, header: Header) -> None:
        """Check the sources.

        Raises:
            ConfigurationError: one is neither a header name nor a function.
        """
        self.user, self._session = _checked(user, "user"), _checked(session, "session")
        self._tags, self._header = _checked_tags(tags), header

    def read(self, request: Any) -> AttributeArguments:
        """Return the attribution of a request in synchronous code."""
        tags = self._tags
        if isinstance(tags, Mapping):
            tags = {key: _not_awaitable(self._value(each, request)) for key, each in tags.items()}
        else:
            tags = _not_awaitable(self._value(tags, request))
        user, session = (_not_awaitable(self._value(each, request)) for each in (self.user, self._session))
        return {"user": user, "session": session, "tags": tags}

    async def read_async(self, request: Any) -> AttributeArguments:
        """Return the attribution of a request; functions may be `async`."""
        tags = self._tags
        if isinstance(tags, Mapping):
            tags = {key: await _awaited(self._value(each, request)) for key, each in tags.items()}
        else:
            tags = await _awaited(self._value(tags, request))
        user, session = [await _awaited(self._value(each, request)) for each in (self.user, self._session)]
        return {"user": user, "session": session, "tags": tags}

    def _value(self, source: Source | Tags | None, request: Any) -> Any:
        try:
            if callable(source):
                return source(request)
            return self._header(request, source) if isinstance(source, str) else None
        except Exception:  # noqa: BLE001 - the function is the application's own
            report_failure()
            return None


def environ_header(environ: Mapping[str, Any], name: str) -> str | None:
    """Return a header of a WSGI environment by its name (PEP 3333)."""
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in _WITHOUT_PREFIX else f"HTTP_{key}")
    return None if value is None else decode_header(str(value).encode("latin-1", "replace"))


_WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""Headers that have no `HTTP_` prefix in the environment (RFC 3875 §4.1)."""


def decode_header(value: bytes) -> str:
    """Return the value of a header, decoded as UTF-8 if that is possible, else as Latin-1 (RFC 9110 §5.5)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def report_failure() -> None:
    """Count and log what the application's function raised."""
    guard.log_failure("attribution of a request", "The attribution of a request is unknown; it is served nevertheless.")


def _checked(source: Source | None, where: str) -> Source | None:
    if source is None or callable(source) or (isinstance(source, str) and TOKEN.fullmatch(source)):
        return source
    raise ConfigurationError.of(where, source, 'Give the name of a header, such as "x-user-id", or a function.')


def _checked_tags(tags: Tags | None) -> Tags | None:
    if isinstance(tags, Mapping):
        return {key: source for key, each in tags.items() if (source := _checked(each, f"tags[{key!r}]")) is not None}
    if tags is None or callable(tags):
        return tags
    raise ConfigurationError.of("tags", tags, 'Give a mapping such as {"tenant": "x-tenant"}, or a function.')


async def _awaited(value: Any) -> Any:
    if not inspect.isawaitable(value):
        return value
    try:
        return await value
    except Exception:  # noqa: BLE001 - the function is the application's own
        report_failure()
        return None


def _not_awaitable(value: Any) -> Any:
    """Return what a function returned; `None` for an `async` one, which cannot be awaited in synchronous code."""
    if not inspect.isawaitable(value):
        return value
    if inspect.iscoroutine(value):
        value.close()
    guard.warn(
        "attribution by an async function",
        "The attribution of a request is unknown: an async function cannot be awaited here. Give a synchronous one.",
    )
    return None
