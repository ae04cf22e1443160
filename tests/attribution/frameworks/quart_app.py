"""Quart."""

from quart import Quart, Response, request

from spancast.attribution.asgi import AttributionMiddleware
from tests.attribution.frameworks.asking import ask, ask_async, stream_async

app = Quart(__name__)
app.asgi_app = AttributionMiddleware(app.asgi_app, user="x-user-id")  # type: ignore[method-assign]


@app.get("/alive")
async def alive() -> str:
    return "ok\n"


@app.get("/plain")
async def plain() -> bytes:
    return await ask_async(request.headers["x-user-id"], "plain")


@app.get("/thread")
def thread() -> bytes:
    return ask(request.headers["x-user-id"], "thread")


@app.get("/stream")
async def stream() -> Response:
    return Response(stream_async(request.headers["x-user-id"]))


@app.get("/behind")
async def behind() -> str:
    app.add_background_task(ask_async, request.headers["x-user-id"], "behind")
    app.add_background_task(ask, request.headers["x-user-id"], "behind")
    return "."
