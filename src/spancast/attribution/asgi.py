"""Whom the calls of a request are for, in an ASGI application: FastAPI, Starlette, Quart, Litestar, Django."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from spancast.attribution.context import attribute
from spancast.attribution.request import Source, Tags, asked, failed

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
        a function raises is counted and logged once a minute, and the request is served.
        """
        self._app = app
        self._user, self._session, self._tags = user, session, tags

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request inside its attribution; what is no request is passed on."""
        if scope["type"] not in _SERVED:
            await self._app(scope, receive, send)
            return
        with attribute(
            user=await _said(self._user, scope),
            session=await _said(self._session, scope),
            tags=await _tags(self._tags, scope),
        ):
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
    return next((str(found) for name in _NAMES if (found := _of(user, name)) not in (None, "")), None)


_NAMES = ("identity", "username", "id", "pk")


def _of(user: Any, name: str) -> Any:
    try:
        return getattr(user, name, None)
    except NotImplementedError:  # Starlette's users have an identity only where the application gives them one
        return None


async def _tags(tags: Tags | None, scope: Scope) -> Mapping[str, Any]:
    if isinstance(tags, Mapping):
        return {key: await _said(source, scope) for key, source in tags.items()}
    return await _said(tags, scope) or {}


async def _said(source: Source | None, scope: Scope) -> Any:
    found = asked(source, scope, lambda name: _header(scope, name))
    if not inspect.isawaitable(found):
        return found
    try:
        return await found
    except Exception:  # noqa: BLE001 - the function is the application's own
        failed()
        return None


def _header(scope: Scope, name: str) -> str | None:
    wanted = name.lower().encode("latin-1", "replace")
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key.lower() == wanted), None)
