"""The attribution of the calls of a request in Django: by default the user who is signed in.

MIDDLEWARE = [
...,
"django.contrib.auth.middleware.AuthenticationMiddleware",
"spancast.attribution.django.AttributionMiddleware",
]
SPANCAST_ATTRIBUTION = {"session": "x-session", "tags": {"tenant": "x-tenant"}}     # where there is more to say
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from spancast.attribution.context import SteppedBlock, attribute
from spancast.attribution.request import Source, Sources, environ_header
from spancast.base.importing import import_function
from spancast.base.texts import as_text
from spancast.errors import ConfigurationError

_SETTING = "SPANCAST_ATTRIBUTION"


def AttributionMiddleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:  # noqa: N802 - Django's custom
    """Wrap Django's handler of requests, by WSGI or ASGI; for the list `MIDDLEWARE`, behind the authentication.

    The setting `SPANCAST_ATTRIBUTION` is a mapping of `user`, `session` and `tags`: the name of a header, a function of
    the request (`async` or not), or `"module:function"`; `tags` is a mapping to such, or a function that returns them
    all. Without `user` it is the one who is signed in, by primary key, for which Django loads the session. What a
    function raises is counted and logged once a minute, and the request is served. Raises
    `spancast.errors.ConfigurationError` for a setting that cannot work.
    """
    from asgiref.sync import iscoroutinefunction  # type: ignore[import-not-found]  # noqa: PLC0415 - Django has it

    if iscoroutinefunction(get_response):
        return _asynchronous(get_response, _sources(_signed_in))
    sources = _sources(signed_in)

    def serve(request: Any) -> Any:
        steps = SteppedBlock(attribute(**sources.read(request)))
        with steps:
            response = get_response(request)
        return _within(response, steps)

    return serve


AttributionMiddleware.sync_capable = True  # type: ignore[attr-defined]  # so Django asks
AttributionMiddleware.async_capable = True  # type: ignore[attr-defined]  # see above


def _asynchronous(get_response: Callable[[Any], Awaitable[Any]], sources: Sources) -> Callable[[Any], Awaitable[Any]]:
    async def serve(request: Any) -> Any:
        steps = SteppedBlock(attribute(**await sources.read_async(request)))
        with steps:
            response = await get_response(request)
        return _within(response, steps)

    return serve


def signed_in(request: Any) -> str | None:
    """Return the primary key of the user who is signed in."""
    return _key(getattr(request, "user", None))


async def _signed_in(request: Any) -> str | None:
    """Return the same in asynchronous code, where `request.user` must not query the database."""
    return _key(await request.auser()) if hasattr(request, "auser") else signed_in(request)


def _key(user: Any) -> str | None:
    return as_text(user.pk) if user is not None and user.is_authenticated and user.pk is not None else None


def _sources(default: Source) -> Sources:
    from django.conf import settings  # type: ignore[import-not-found]  # noqa: PLC0415 - only where Django runs

    setting = getattr(settings, _SETTING, {})
    if not isinstance(setting, Mapping) or not setting.keys() <= _KEYS:
        raise ConfigurationError.of(_SETTING, setting, "Give a mapping with user, session, tags, or some of them.")
    found = {key: _found(key, value) for key, value in setting.items()}
    return Sources(found.get("user", default), found.get("session"), found.get("tags"), _header)


_KEYS = {"user", "session", "tags"}


def _found(key: str, source: Any) -> Any:
    if isinstance(source, Mapping):
        return {each: _found(f"{key}[{each!r}]", value) for each, value in source.items()}
    is_function = isinstance(source, str) and ":" in source
    return import_function(f"{_SETTING}[{key!r}]", source) if is_function else source


def _header(request: Any, name: str) -> str | None:
    return environ_header(request.META, name)


def _within(response: Any, steps: SteppedBlock) -> Any:
    """Generate a streamed response inside the attribution; a file is left to the server."""
    if getattr(response, "streaming", False) and not hasattr(response, "file_to_stream"):
        parts = response.streaming_content
        response.streaming_content = _async_parts(parts, steps) if response.is_async else _parts(parts, steps)
    return response


def _parts(parts: Any, steps: SteppedBlock) -> Iterator[Any]:
    iterator = iter(parts)
    while True:
        try:
            with steps:
                part = next(iterator)
        except StopIteration:
            return
        yield part


async def _async_parts(parts: Any, steps: SteppedBlock) -> AsyncIterator[Any]:
    iterator = aiter(parts)
    while True:
        try:
            with steps:
                part = await anext(iterator)
        except StopAsyncIteration:
            return
        yield part
