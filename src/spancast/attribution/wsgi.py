"""The attribution of the calls of a request in a WSGI application: Flask, Django (PEP 3333)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.attribution.context import SteppedBlock, attribute
from spancast.attribution.request import Source, Sources, Tags, environ_header

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
"""An application."""


class AttributionMiddleware:
    """Sets the attribution of each request, as `spancast.attribute` does.

        app.wsgi_app = AttributionMiddleware(app.wsgi_app, user="x-user-id")

    It covers the handler, and each step of a response that is generated while it is sent.
    """

    def __init__(
        self, app: App, user: Source | None = None, session: Source | None = None, tags: Tags | None = None
    ) -> None:
        """Wrap an application.

        A source is the name of a header, or a function of the WSGI environment. What a function raises is counted and
        logged once a minute, and the request is served.

        Args:
            app: The application.
            user: The source of the user.
            session: The source of the session.
            tags: A mapping of tags to sources, or one function that returns all tags.

        Raises:
            spancast.errors.ConfigurationError: A source is neither a header name nor a function.
        """
        self._app = app
        self._sources = Sources(user, session, tags, environ_header)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request inside its attribution."""
        steps = SteppedBlock(attribute(**self._sources.read(environ)))
        with steps:
            body = self._app(environ, start_response)
        return body if _is_complete(body, environ.get("wsgi.file_wrapper")) else _Body(body, steps)


def remote_user(environ: Environ) -> str | None:
    """Return the user that the server has authenticated (`REMOTE_USER`), to be given as `user=remote_user`."""
    return environ.get("REMOTE_USER") or None


def _is_complete(body: Iterable[bytes], file_wrapper: Any) -> bool:
    """Return whether a response needs no more of the application: it is a list, or a file that the server sends."""
    return isinstance(body, list | tuple) or (isinstance(file_wrapper, type) and isinstance(body, file_wrapper))


class _Body:
    """A response that is generated while it is sent, with each step inside the attribution."""

    def __init__(self, body: Iterable[bytes], steps: SteppedBlock) -> None:
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
        """Close the application's own response, inside the attribution too."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with self._steps:
                close()
