"""Whom the calls of a request are for, in a WSGI application: Flask, Django (PEP 3333)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.attribution.context import Steps, attribute
from spancast.attribution.request import Source, Sources, Tags, header_of

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
"""An application."""


class AttributionMiddleware:
    """Says of each request whom its calls are for, as `spancast.attribute` does.

        app.wsgi_app = AttributionMiddleware(app.wsgi_app, user="x-user-id")

    The handler runs inside, and so does each step of an answer that is made as it is sent.
    """

    def __init__(
        self, app: App, user: Source | None = None, session: Source | None = None, tags: Tags | None = None
    ) -> None:
        """Wrap an application.

        `user` and `session` are the name of a header, or a function of the WSGI environment; so is each value of
        `tags`, which may also be one such function that returns them all. A header that is missing says nothing. What
        a function raises is counted and logged once a minute, and the request is served. Raises
        `spancast.errors.ConfigurationError` for what is neither.
        """
        self._app = app
        self._sources = Sources(user, session, tags, header_of)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request inside its attribution."""
        steps = Steps(attribute(**self._sources.now(environ)))
        with steps:
            body = self._app(environ, start_response)
        return body if _is_made(body, environ.get("wsgi.file_wrapper")) else _Body(body, steps)


def remote_user(environ: Environ) -> str | None:
    """Return the user that the server has authenticated (`REMOTE_USER`), to be given as `user=remote_user`."""
    return environ.get("REMOTE_USER") or None


def _is_made(body: Iterable[bytes], file_wrapper: Any) -> bool:
    """Whether there is nothing left to do for an answer: it is a list, or a file that the server sends by itself."""
    return isinstance(body, list | tuple) or (isinstance(file_wrapper, type) and isinstance(body, file_wrapper))


class _Body:
    """An answer that is made as it is sent. Each step is inside, and what the server does in between is not."""

    def __init__(self, body: Iterable[bytes], steps: Steps) -> None:
        self._body, self._steps = body, steps
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._steps:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def close(self) -> None:
        """Close the application's own answer; what it does then is inside, too."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with self._steps:
                close()
