"""Starlette, whose own authentication says who the user is."""

from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from spancast.attribution.asgi import AttributionMiddleware, identity
from tests.attribution.frameworks.asking import ask, ask_async, stream_async


class Known(BaseUser):
    """A user who is known."""

    is_authenticated = True  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def identity(self) -> str:
        return self._name


class ByHeader(AuthenticationBackend):
    """Believes what it is told."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        name = conn.headers.get("x-user-id")
        return None if name is None else (AuthCredentials(), Known(name))


async def alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def plain(request: Request) -> Response:
    return PlainTextResponse(await ask_async(request.user.identity, "plain"))


def thread(request: Request) -> Response:
    return PlainTextResponse(ask(request.user.identity, "thread"))


async def stream(request: Request) -> Response:
    return StreamingResponse(stream_async(request.user.identity))


app = Starlette(
    routes=[Route(f"/{each.__name__}", each) for each in (alive, plain, thread, stream)],
    middleware=[
        Middleware(AuthenticationMiddleware, backend=ByHeader()),
        Middleware(AttributionMiddleware, user=identity),
    ],
)
