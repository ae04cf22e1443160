"""Whom the calls of a request are for, in an ASGI application: FastAPI, Starlette, Quart, Litestar, Django."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from spancast.attribution.context import attribute
from spancast.attribution.request import Source, Sources, Tags, decoded
from spancast.base.texts import as_text

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application (ASGI 3.0)."""

_SERVED = ("http", "websocket")


class AttributionMiddleware:
    """Says of each request whom its calls are for, as `spancast.attribute` does.

        app.add_middleware(AttributionMiddleware, user="x-user-id", tags={"tenant": "x-tenant"})

    What it wraps runs inside: the handler, the streaming of its answer, the tasks that it begins. Concurrent requests
    never see each other's.
    """

    def __init__(
        self, app: App, user: Source | None = None, session: Source | None = None, tags: Tags | None = None
    ) -> None:
        """Wrap an application.

        `user` and `session` are the name of a header, or a function of the scope, `async` or not; so is each value of
        `tags`, which may also be one such function that returns them all. A header that is missing says nothing. What
        a function raises is counted and logged once a minute, and the request is served. Raises
        `spancast.errors.ConfigurationError` for what is neither.
        """
        self._app = app
        self._sources = Sources(user, session, tags, _header)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request inside its attribution; what is no request is passed on."""
        if scope["type"] not in _SERVED:
            await self._app(scope, receive, send)
            return
        with attribute(**await self._sources.later(scope)):
            await self._app(scope, receive, send)


def identity(scope: Scope) -> str | None:
    """Return the user that the framework has authenticated, to be given as `user=identity`.

    Starlette, FastAPI and Litestar put it into the scope (`scope["user"]`, of Starlette's `AuthenticationMiddleware`,
    which is to be further out). Its `identity` is taken, else its `username`, `id` or `pk`; a user who is not
    authenticated is none.
    """
    user = scope.get("user")
    if user is None or getattr(user, "is_authenticated", True) is False:
        return None
    return next((as_text(found) for name in _NAMES if (found := _of(user, name)) not in (None, "")), None)


_NAMES = ("identity", "username", "id", "pk")


def _of(user: Any, name: str) -> Any:
    try:
        return getattr(user, name, None)
    except NotImplementedError:  # Starlette's users have an identity only where the application gives them one
        return None


def _header(scope: Scope, name: str) -> str | None:
    wanted = name.lower().encode()
    found = [value for key, value in scope.get("headers", ()) if key.lower() == wanted]
    return decoded(b", ".join(found)) if found else None
