"""Litestar; the user is asked for by an `async` function of the scope."""

from typing import Any

from litestar import Litestar, MediaType, Request, get
from litestar.background_tasks import BackgroundTask
from litestar.middleware import DefineMiddleware
from litestar.response import Response, Stream

from spancast.attribution.asgi import AttributionMiddleware
from tests.attribution.frameworks.asking import ask, ask_async, stream_async


async def user_of(scope: Any) -> str | None:
    return Request[Any, Any, Any](scope).headers.get("x-user-id")


@get("/alive", media_type=MediaType.TEXT)
async def alive() -> str:
    return "ok\n"


@get("/plain", media_type=MediaType.TEXT)
async def plain(request: Request[Any, Any, Any]) -> bytes:
    return await ask_async(request.headers["x-user-id"], "plain")


@get("/thread", media_type=MediaType.TEXT, sync_to_thread=True)
def thread(request: Request[Any, Any, Any]) -> bytes:
    return ask(request.headers["x-user-id"], "thread")


@get("/stream")
async def stream(request: Request[Any, Any, Any]) -> Stream:
    return Stream(stream_async(request.headers["x-user-id"]))


@get("/behind")
async def behind(request: Request[Any, Any, Any]) -> Response[str]:
    return Response(".", background=BackgroundTask(ask_async, request.headers["x-user-id"], "behind"))


app = Litestar(
    [alive, plain, thread, stream, behind], middleware=[DefineMiddleware(AttributionMiddleware, user=user_of)]
)
