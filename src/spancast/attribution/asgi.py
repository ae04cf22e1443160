"""The attribution of the calls of a request in an ASGI application: FastAPI, Starlette, Quart, Litestar, Django."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from spancast.attribution.context import attribute
from spancast.attribution.request import Source, Sources, Tags, decode_header
from spancast.base.texts import as_text

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application (ASGI 3.0)."""

_SERVED = ("http", "websocket")


class AttributionMiddleware:
    """Sets the attribution of each request, as `spancast.attribute` does.

        app.add_middleware(AttributionMiddleware, user="x-user-id", tags={"tenant": "x-tenant"})

    It covers the handler, the streaming of its response, and the tasks that it starts. Concurrent requests never see
    each other's.
    """

    def __init__(
        self, app: App, user: Source | None = None, session: Source | None = None, tags: Tags | None = None
    ) -> None:
        """Wrap an application.

        A source is the name of a header, or a function of the scope, `async` or not. What a function raises is counted
        and logged once a minute, and the request is served.

        Args:
            app: The application.
            user: The source of the user.
            session: The source of the session.
            tags: A mapping of tags to sources, or one function that returns all tags.

        Raises:
            spancast.errors.ConfigurationError: A source is neither a header name nor a function.
        """
        self._app = app
        self._sources = Sources(user, session, tags, _header)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request inside its attribution; pass on any other event."""
        if scope["type"] not in _SERVED:
            await self._app(scope, receive, send)
            return
        with attribute(**await self._sources.read_async(scope)):
            await self._app(scope, receive, send)


def identity(scope: Scope) -> str | None:
    """Return the user that the framework has authenticated, to be given as `user=identity`.

    Starlette, FastAPI and Litestar put it into the scope (`scope["user"]`, of Starlette's `AuthenticationMiddleware`,
    which must be further out). Its `identity` is taken, else its `username`, `id` or `pk`; `None` for a user who is
    not authenticated.
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
    return decode_header(b", ".join(found)) if found else None
